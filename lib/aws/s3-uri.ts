/** `s3://` URIs as people and their tools write them: keys stand there as they are, letters of all languages included. */

/** What would end a URI, or make it another one: blanks, control characters, `%`, and RFC 3986's delimiters of later parts. */
const MUST_BE_ENCODED = /[\s%#?"<>\\^`{|}\p{Cc}]/gu;

export const s3Uri = (bucket: string, key: string): string =>
  `s3://${bucket}/${key.replace(MUST_BE_ENCODED, encodeURIComponent)}`;
