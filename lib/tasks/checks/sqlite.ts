/** Whether an SQLite file is whole. https://www.sqlite.org/fileformat.html, "The Database Header" */
import type { Check } from '../define-task.ts';

const HEADER_BYTES = 100;
const SIGNATURE = 'SQLite format 3\0';

/** The signature, and as many pages as the header counts: a copy that was cut short has fewer. */
export function sqliteFile(): Check<unknown> {
  const check = 'SQLite file';
  return {
    name: check,
    async run(file, context) {
      const header = file.bytes < HEADER_BYTES ? undefined : await context.read(file, 0, HEADER_BYTES - 1);
      const fault = header
        ? sizeFault(header, file.bytes)
        : `it has ${file.bytes} bytes, its header alone needs ${HEADER_BYTES}`;
      return {
        check,
        file: file.name,
        ok: fault === undefined,
        detail: fault ?? `${file.bytes} bytes in whole pages`,
      };
    },
  };
}

function sizeFault(header: Buffer, bytes: number): string | undefined {
  if (header.subarray(0, SIGNATURE.length).toString('latin1') !== SIGNATURE) {
    return 'it does not begin with "SQLite format 3"';
  }
  // 65,536 does not fit in two bytes and is written as 1.
  const stored = header.readUInt16BE(16);
  const pageSize = stored === 1 ? 65_536 : stored;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) {
    return `its page size is ${pageSize}, but must be a power of two from 512 to 65536`;
  }
  const pages = header.readUInt32BE(28);
  // Writers before 3.7 leave the count stale; then these two counters differ, and only the whole pages can be checked.
  const countIsValid = pages > 0 && header.readUInt32BE(24) === header.readUInt32BE(92);
  if (countIsValid ? pages * pageSize !== bytes : bytes % pageSize !== 0) {
    return `it has ${bytes} bytes, which is not ${countIsValid ? `${pages} pages` : 'whole pages'} of ${pageSize}`;
  }
  return undefined;
}
