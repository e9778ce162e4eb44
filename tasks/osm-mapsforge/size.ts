/** How large a container an extract needs, and for how long. Figures to be read beside docs/performance.md. */
import type * as z from 'zod';
import type { FargateSize } from '../../lib/ports.ts';
import type { Work } from '../../lib/tasks/define-task.ts';
import { clampTo, LARGEST_SIZE, roundUp } from '../../lib/tasks/sizes.ts';
import type { params } from './params.ts';

type OsmWork = Work<z.output<typeof params>>;

const MB = 1e6;
const GIB = 1024 ** 3;

/**
 * `ram` holds every node, way and relation as Java objects: 10 to 15 times the compressed extract. `hd` keeps them in files
 * on disk and needs memory for its tile caches and for the merge only. Not measured above 24 MB: what turns out too small is
 * tried again with twice as much.
 */
const MEMORY_PER_BYTE = { ram: 15, hd: 4 };
/** JVM, Python and the land clip. Measured: 211 MiB for 0.45 MB (Monaco), 320 MiB for 3.9 MB (Malta). */
const BASE_MEMORY_BYTES = 0.5 * GIB;
/** Extract, uncompressed merge, map; with `hd` also the writer's object store. */
const DISK_PER_BYTE = { ram: 8, hd: 25 };
/** The land polygons of the planet, their index and the image's own layers. */
const BASE_DISK_BYTES = 8 * GIB;

/** Extracts of unknown size (0 bytes) get the smallest: running out of memory is retried bigger. */
export function sizeOf({ bytes, params: { type } }: OsmWork): FargateSize {
  const wanted = {
    vcpu: vcpuFor(bytes),
    memoryMiB: (BASE_MEMORY_BYTES + bytes * MEMORY_PER_BYTE[type]) / 1024 ** 2,
    diskGiB: (BASE_DISK_BYTES + bytes * DISK_PER_BYTE[type]) / GIB,
  };
  return roundUp(clampTo(wanted, LARGEST_SIZE));
}

/** The writer gains from threads only when there are tiles enough to share. */
function vcpuFor(bytes: number): number {
  if (bytes <= 50 * MB) {
    return 1;
  }
  return bytes <= 500 * MB ? 2 : 4;
}

/** Slowest seen on one vCPU, with room to spare; `hd` seeks on disk for every node. */
const BYTES_PER_SECOND = { ram: 50_000, hd: 15_000 };
/** Image pull, download from a busy mirror, land polygons fetched for the first time. */
const BASE_SECONDS = 30 * 60;
/** A container that runs longer than this has hung: the largest extract (4 GB, `hd`) stays below it. */
const MOST_SECONDS = 80 * 3600;

export function deadlineOf({ bytes, params: { type } }: OsmWork): number {
  return Math.min(MOST_SECONDS, Math.round(BASE_SECONDS + bytes / BYTES_PER_SECOND[type]));
}

/**
 * JVM and image layers, then the writer: 2.1 s for 0.45 MB (Monaco), 3.5 s for 1.3 MB (Liechtenstein), 11.1 s for 3.9 MB
 * (Malta) on two cores make 0.35 MB/s; `hd` seeks for every node. Above 24 MB this is an extrapolation: a plan says so.
 */
const EXPECTED_BYTES_PER_SECOND = { ram: 350_000, hd: 100_000 };
const EXPECTED_BASE_SECONDS = 20;

/** Of a busy public mirror to one that asks it from afar. A guess: what it truly was is in the log of each job. */
const DOWNLOAD_BYTES_PER_SECOND = 10 * MB;
/** Image pull, start of the handler, three small requests. */
const DOWNLOAD_BASE_SECONDS = 15;

export const fetchSecondsOf = ({ bytes }: OsmWork): number =>
  DOWNLOAD_BASE_SECONDS + bytes / DOWNLOAD_BYTES_PER_SECOND;

export const expectedSecondsOf = ({ bytes, params: { type } }: OsmWork): number =>
  EXPECTED_BASE_SECONDS + bytes / EXPECTED_BYTES_PER_SECOND[type];
