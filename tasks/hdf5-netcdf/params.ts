import * as z from 'zod';

/** What catalogues take in a short name and a version: letters, digits, `.`, `_`, `-` and blanks. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$/;

export const params = z.object({
  conventions: z
    .enum(['CF-1.6', 'CF-1.11'])
    .default('CF-1.6')
    .describe(
      'Version of the CF conventions that the file names and follows: `CF-1.11` is the newest that checkers know.',
    ),
  missing: z
    .enum(['refuse', 'note'])
    .default('refuse')
    .describe(
      'A granule without one of its product’s variables: `refuse` it, or convert what there is and `note` what is missing. Positions, altitudes and times are always needed.',
    ),
  collection: z
    .string()
    .regex(NAME, 'letters, digits, ".", "_", "-", at most 80')
    .default('hs3cpl')
    .describe('Short name of the collection that the granules belong to.'),
  collectionVersion: z
    .string()
    .regex(NAME, 'letters, digits, ".", "_", "-", at most 80')
    .default('1')
    .describe('Version of that collection.'),
  distributionUrl: z
    .string()
    .regex(/^(https?|s3):\/\/[^\s?#]+$/, 'an http(s) or s3 address')
    .optional()
    .describe('Folder in which users will find the files; the metadata then has the address of each.'),
});
