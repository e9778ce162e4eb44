/**
 * What a manifest beside the files of a granule lists. Read are: Cumulus' Cloud Notification Messages and plain JSON, Product
 * Delivery Records (PDR), and the lines of md5sum and sha256sum, in their own and in BSD's form.
 * https://github.com/podaac/cloud-notification-message-schema
 */

export interface ListedFile {
  /** Base name. */
  name: string;
  bytes?: number;
  /** Hex, lower case. */
  md5?: string;
  sha256?: string;
}

/** Longer ones are no granule, but a delivery. */
export const MOST_FILES = 1000;

/** Throws an Error that says what is wrong: no list at all, an empty one, a name twice. */
export function readFileList(text: string): ListedFile[] {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  const files = /^[[{]/.test(trimmed)
    ? fromJson(trimmed)
    : /^\s*OBJECT\s*=\s*FILE_(GROUP|SPEC)/im.test(trimmed)
      ? fromPdr(trimmed)
      : fromLines(trimmed);
  if (files.length === 0) throw new Error('it lists no files');
  const nameless = files.find(({ name }) => /^\.{0,2}$|\p{Cc}/u.test(name));
  if (nameless) throw new Error(`it lists ${JSON.stringify(nameless.name)}, which can be no file's name`);
  if (files.length > MOST_FILES)
    throw new Error(`it lists ${files.length} files, and ${MOST_FILES} is the limit`);
  const twice = files.find(({ name }, at) => files.findIndex((one) => one.name === name) !== at);
  if (twice) throw new Error(`it lists "${twice.name}" twice`);
  return files;
}

function fromJson(text: string): ListedFile[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`it is not JSON: ${String(error)}`, { cause: error });
  }
  const fields = isObject(value) ? value : {};
  const product = isObject(fields['product']) ? fields['product'] : {};
  const list = Array.isArray(value) ? value : (fields['files'] ?? product['files']);
  if (!Array.isArray(list)) throw new Error('it has no "files": […] (nor "product": {"files": […]})');
  return list.map((entry, at) => jsonEntry(entry, at + 1));
}

function jsonEntry(entry: unknown, at: number): ListedFile {
  if (typeof entry === 'string') return { name: baseName(entry) };
  const fields = isObject(entry) ? entry : {};
  const name = fields['name'] ?? fields['fileName'] ?? fields['file'];
  if (typeof name !== 'string' || name === '') throw new Error(`file ${at} has no "name"`);
  const bytes = fields['size'] ?? fields['bytes'];
  if (bytes !== undefined && (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0)) {
    throw new Error(`"${name}" has the size ${JSON.stringify(bytes)}, which is no number of bytes`);
  }
  const sums = { md5: fields['md5'], sha256: fields['sha256'] };
  const kind = fields['checksumType'] ?? fields['checksum_type'] ?? fields['checksumAlgorithm'];
  const given =
    typeof kind === 'string' ? checksum(name, kind, fields['checksum'] ?? fields['checksumValue']) : {};
  return {
    name: baseName(name),
    ...(typeof bytes === 'number' ? { bytes } : {}),
    ...(sums.md5 === undefined ? {} : checksum(name, 'md5', sums.md5)),
    ...(sums.sha256 === undefined ? {} : checksum(name, 'sha256', sums.sha256)),
    ...given,
  };
}

const HEX_DIGITS = { md5: 32, sha256: 64 };

/** Of a kind that is not known here (CKSUM, SHA-512) nothing can be compared; a sum that is none is a fault. */
function checksum(name: string, kind: string, value: unknown): Pick<ListedFile, 'md5' | 'sha256'> {
  const known = kind.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (known !== 'md5' && known !== 'sha256') return {};
  if (typeof value !== 'string' || !new RegExp(`^[0-9a-f]{${HEX_DIGITS[known]}}$`, 'i').test(value)) {
    throw new Error(`"${name}" has the ${kind} ${JSON.stringify(value)}, which is none`);
  }
  return { [known]: value.toLowerCase() };
}

/** `OBJECT=FILE_SPEC; … FILE_ID="x.hdf5"; FILE_SIZE=123; FILE_CKSUM_TYPE=MD5; FILE_CKSUM_VALUE="…"; … END_OBJECT=FILE_SPEC;` */
function fromPdr(text: string): ListedFile[] {
  const specs = text.match(/OBJECT\s*=\s*FILE_SPEC\b[\s\S]*?END_OBJECT\s*=\s*FILE_SPEC/gi) ?? [];
  return specs.map((spec, at) => {
    const field = (name: string): string | undefined =>
      new RegExp(`\\b${name}\\s*=\\s*"?([^";\\r\\n]+?)"?\\s*(;|$)`, 'im').exec(spec)?.[1];
    const name = field('FILE_ID');
    if (name === undefined) throw new Error(`its FILE_SPEC ${at + 1} has no FILE_ID`);
    const bytes = Number(field('FILE_SIZE') ?? NaN);
    const [kind, value] = [field('FILE_CKSUM_TYPE'), field('FILE_CKSUM_VALUE')];
    return {
      name: baseName(name),
      ...(Number.isSafeInteger(bytes) ? { bytes } : {}),
      ...(kind === undefined ? {} : checksum(name, kind, value)),
    };
  });
}

/** `<hex>  name`, as md5sum and sha256sum write it; `MD5 (name) = <hex>`, as BSD and macOS do. */
const SUM_LINES = [
  /^(?<sum>[0-9a-f]+)\s+\*?(?<file>\S.*)$/i,
  /^(?:MD5|SHA\d+(?:-\d+)?) ?\((?<file>.+)\) ?= ?(?<sum>[0-9a-f]+)$/i,
];
/** Of MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512. Only MD5 and SHA-256 are compared. */
const SUM_DIGITS: Record<number, string> = { 32: 'md5', 40: '', 56: '', 64: 'sha256', 96: '', 128: '' };

/** Such lines, or names alone. `#` begins a comment. */
function fromLines(text: string): ListedFile[] {
  if (text.startsWith('<')) throw new Error('it is HTML or XML, and no list of files');
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    for (const form of SUM_LINES) {
      const { sum = '', file = '' } = form.exec(line.trim())?.groups ?? {};
      const kind = SUM_DIGITS[sum.length];
      if (kind !== undefined) return { name: baseName(file), ...checksum(file, kind, sum) };
    }
    if (/\p{Cc}/u.test(line.replaceAll('\t', ' '))) throw new Error('it is no text');
    return { name: baseName(line.trim()) };
  });
}

/** Of paths of Windows, too: no file of a granule has a backslash in its name. */
const baseName = (path: string): string =>
  path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
