/** An HDF5 granule of the Cloud Physics Lidar becomes CF netCDF, with the metadata that an archive sends to its catalogue. */
import type * as z from 'zod';
import { notSmallerThan } from '../../lib/tasks/checks/generic.ts';
import { netcdfFile } from '../../lib/tasks/checks/netcdf.ts';
import { defineTask, type OutputSpec, type Work } from '../../lib/tasks/define-task.ts';
import { granuleReport } from '../../lib/tasks/metadata/granules.ts';
import { clampTo, roundUp } from '../../lib/tasks/sizes.ts';
import { archiveMetadata, granuleStac } from './metadata.ts';
import { params } from './params.ts';

const IMAGE = 'longshore/hdf5-netcdf';
/** Of the handler, as `hdf5_netcdf/__init__.py` has it. */
const HANDLER_VERSION = '1.0';
const HANDLER = 'containers/hdf5-netcdf/hdf5-netcdf';

const MIB = 1024 ** 2;
const CEILING = { vcpu: 4, memoryMiB: 16_384, diskGiB: 200 };
/** Python with both HDF5 libraries takes 80 MB; one chunk of each variable is in memory, and a chunk may be all of it. */
const BASE_MIB = 512;

/** Reprocessing changes a granule's size by its compression, not by a third. */
const LEAST_SHARE = 0.7;

const outputs: OutputSpec<z.output<typeof params>>[] = [
  {
    pattern: '*.nc',
    description: 'CF netCDF-4, one file for each HDF5 file of the granule',
    contentType: 'application/x-netcdf',
    atLeast: () => 1,
    checks: [netcdfFile(), granuleReport(), notSmallerThan(LEAST_SHARE)],
  },
];

const sizeOf = ({ bytes }: Work<unknown>) =>
  clampTo(
    roundUp({
      // The handler keeps one busy; half of one is half the price for twice the time.
      vcpu: 1,
      memoryMiB: Math.min(BASE_MIB + (4 * bytes) / MIB, CEILING.memoryMiB),
      // Input, output, and as much again for uncompressed parts.
      diskGiB: Math.min(20 + (3 * bytes) / 1024 ** 3, CEILING.diskGiB),
    }),
    CEILING,
  );

export default defineTask({
  name: 'hdf5-netcdf',
  description: 'CF netCDF with catalogue metadata from HDF5 granules of the Cloud Physics Lidar',
  image: IMAGE,
  command: ['hdf5-netcdf'],
  host: {
    command: ['python3', HANDLER],
    tools: { python3: 'python3' },
    check: ['python3', HANDLER, '--check-tools'],
  },
  accepts: ['.hdf5', '.h5', '.he5'],
  params,
  // A file is a granule, unless it lies in a folder NAME.granule: then the manifest there says which files belong together.
  granule: {
    pattern: /^(?<granule>.+)\.granule\/(?<part>[^/]+)$/,
    complete: { manifest: /(^manifest|\.cnm)\.json$|\.(pdr|md5|sha256)$/i },
    deadlineSeconds: 24 * 3600,
  },
  needsFile: () => 'hdf5-netcdf needs a granule (*.hdf5)',

  size: sizeOf,
  ceiling: CEILING,
  deadlineSeconds: ({ bytes }) => Math.round(900 + bytes / 1e6),
  // Start of Python and its libraries, then 20 MB/s through the compression.
  expectedSeconds: ({ bytes }) => 2 + bytes / 20e6,
  // Granules come by the thousand and take a second each; five are not noticed by whoever drops a single one.
  pack: { jobs: 100, bytes: 5e9, seconds: 600, lingerSeconds: 5 },
  attempts: 3,
  spot: true,
  network: false,

  outputs,
  metadata: [archiveMetadata(HANDLER_VERSION), granuleStac(IMAGE, outputs)],
});
