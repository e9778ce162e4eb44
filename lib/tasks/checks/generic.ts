/** Checks for files of any kind. */
import { sameMaking } from '../../pipeline/fresh.ts';
import type { Check } from '../define-task.ts';

/** The file has at least one byte. */
export function notEmpty(): Check<unknown> {
  const check = 'not empty';
  return {
    name: check,
    run: async (file) => ({ check, file: file.name, ok: file.bytes > 0, detail: `${file.bytes} bytes` }),
  };
}

/** The file begins with these bytes (text is taken as UTF-8); `what` names the kind of file: `PNG image`. */
export function signature(bytes: string | Uint8Array, what: string): Check<unknown> {
  const check = 'signature';
  const wanted = Buffer.from(bytes);
  return {
    name: check,
    async run(file, context) {
      const found = file.bytes === 0 ? Buffer.alloc(0) : await context.read(file, 0, wanted.length - 1);
      const ok = found.equals(wanted);
      const detail = ok ? what : `no ${what}: it begins with ${hex(found)}, not ${hex(wanted)}`;
      return { check, file: file.name, ok, detail };
    },
  };
}

/**
 * The file has at least `share` (0…1) of the bytes of the published file of its name. What became so much smaller lost
 * something; nobody wants it in place of what is there. With other parameters (a smaller box) it may well be smaller.
 */
export function notSmallerThan(share: number): Check<unknown> {
  const check = `not under ${Math.round(share * 100)} % of the published size`;
  return {
    name: check,
    async run(file, { published, job }) {
      const before = published?.files.find(({ name }) => name === file.name);
      if (!before) {
        return { check, file: file.name, ok: true, detail: 'nothing of this name is published yet' };
      }
      if (published && !sameMaking(published, job.paramsAsked ?? job.params)) {
        return {
          check,
          file: file.name,
          ok: true,
          detail: 'what is published was made with other parameters',
        };
      }
      const percent = before.bytes === 0 ? 100 : (file.bytes / before.bytes) * 100;
      const ok = file.bytes >= before.bytes * share;
      const size = `${file.bytes} bytes, ${percent.toFixed(1)} % of the published ${before.bytes}`;
      const detail = ok
        ? size
        : `${size}; ${Math.round(share * 100)} % is the least that replaces it (where it is right: remove what is published, and retry)`;
      return { check, file: file.name, ok, detail };
    },
  };
}

const hex = (bytes: Buffer): string => (bytes.length === 0 ? 'nothing' : bytes.toString('hex'));
