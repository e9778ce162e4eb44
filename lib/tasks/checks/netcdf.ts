/**
 * Whether a netCDF file is whole, by its first bytes: netCDF-4 is HDF5, older ones begin with "CDF".
 * https://docs.hdfgroup.org/hdf5/develop/_f_m_t3.html, "Disk Format: Level 0A"; https://docs.unidata.ucar.edu/nug/current/file_format_specifications.html
 */
import type { Check } from '../define-task.ts';

const HDF5 = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);
/** A superblock of any version, with the addresses of 8 bytes that every library writes. */
const HEADER_BYTES = 64;
/** Where the superblock's end-of-file address stands, by its version. */
const END_ADDRESS = [40, 44, 28, 28];
const CLASSIC: Record<number, string> = { 1: 'classic', 2: '64-bit offset', 5: '64-bit data' };

/**
 * The signature and, for netCDF-4, the file's size against the one that its superblock says: a copy that was cut short, or a
 * writer that died, leaves less.
 */
export function netcdfFile(): Check<unknown> {
  const check = 'netCDF file';
  return {
    name: check,
    async run(file, context) {
      const header =
        file.bytes === 0
          ? Buffer.alloc(0)
          : await context.read(file, 0, Math.min(HEADER_BYTES, file.bytes) - 1);
      return { check, file: file.name, ...verdict(header, file.bytes) };
    },
  };
}

function verdict(header: Buffer, bytes: number): { ok: boolean; detail: string } {
  if (header.subarray(0, HDF5.length).equals(HDF5)) return hdf5Verdict(header, bytes);
  const classic = header.toString('latin1', 0, 3) === 'CDF' ? CLASSIC[header[3] ?? 0] : undefined;
  if (classic !== undefined) return { ok: true, detail: `netCDF ${classic}, ${bytes} bytes` };
  const begins =
    header.length === 0 ? 'it is empty' : `it begins with ${header.subarray(0, 8).toString('hex')}`;
  return { ok: false, detail: `no netCDF file: ${begins}` };
}

function hdf5Verdict(header: Buffer, bytes: number): { ok: boolean; detail: string } {
  if (header.length < HEADER_BYTES)
    return { ok: false, detail: `${bytes} bytes are less than an HDF5 superblock` };
  const version = header[8] ?? -1;
  const at = END_ADDRESS[version];
  if (at === undefined)
    return { ok: false, detail: `the HDF5 superblock is of version ${version}, which nobody knows` };
  const offsetBytes = header[version < 2 ? 13 : 9];
  if (offsetBytes !== 8)
    return { ok: false, detail: `the HDF5 superblock has addresses of ${offsetBytes} bytes, not 8` };
  const end = Number(header.readBigUInt64LE(at));
  return end > bytes
    ? { ok: false, detail: `it is cut short: it has ${bytes} bytes, and its superblock says ${end}` }
    : { ok: true, detail: `netCDF-4 (HDF5 superblock ${version}), ${bytes} bytes` };
}
