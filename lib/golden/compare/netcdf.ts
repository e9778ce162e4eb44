/** netCDF and HDF5 files: variables, attributes, dimensions and groups. */
import { open } from 'node:fs/promises';
import type { Rule } from '../rules.ts';
import { compareScience, type ScienceFile } from './science.ts';
import type { Found } from './values.ts';

/** A file that cannot be read is a difference, be it the golden one: then `--update` writes it anew. */
export async function compareNetcdf(expected: string, got: string, rule: Rule): Promise<Found> {
  const golden = await openScience(expected);
  const made = await openScience(got);
  try {
    if (typeof golden !== 'string' && typeof made !== 'string') return compareScience(golden, made, rule);
    const [was, is] = [golden, made].map((file) => (typeof file === 'string' ? file : file.format));
    return { differences: [{ where: 'format', expected: was!, got: is! }], count: 1 };
  } finally {
    for (const file of [golden, made]) if (typeof file !== 'string') file.close();
  }
}

/** The superblock of HDF5 stands at 0, or at 512, 1024, 2048, …. */
const HDF5_OFFSETS = [0, 512, 1024, 2048, 4096, 8192];
const HDF5_MAGIC = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** What the file is in place of one that can be read, when it is none. */
async function openScience(path: string): Promise<ScienceFile | string> {
  const head = await headOf(path);
  try {
    // Each reader is loaded when it is needed: h5wasm takes a quarter of a second.
    if (HDF5_OFFSETS.some((offset) => head.subarray(offset, offset + 8).equals(HDF5_MAGIC)))
      return await (await import('./hdf5.ts')).openHdf5(path);
    if (head.subarray(0, 3).toString('latin1') === 'CDF')
      return await (await import('./netcdf3.ts')).openNetcdf3(path);
  } catch (error) {
    return `damaged (${(error as Error).message})`;
  }
  return 'neither netCDF nor HDF5';
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8200), 0, 8200, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
