/** The same island again and again on a grid: a file of a wanted size for load tests. */
import { rm } from 'node:fs/promises';
import { makeIsland, SAMPLE_TIMESTAMP, type Island, type IslandOptions } from './island.ts';
import { writePbf, type Box, type Node, type Relation, type Way } from './osm-pbf.ts';

export interface GridOptions extends IslandOptions {
  /** The file will have at least this size, in MB of 10^6 bytes, and hardly more. */
  megabytes: number;
  /** Default true; false writes raw blobs, which is faster. */
  compress?: boolean;
}

/**
 * Writes a file of a wanted size for load tests: the same island again and again on a grid, never whole in memory.
 *
 * @returns bytes and number of islands
 * @throws RangeError when the grid would leave the map
 */
export async function writeIslandGrid(
  path: string,
  options: GridOptions,
): Promise<{ bytes: number; islands: number }> {
  const compress = options.compress ?? true;
  const island = makeIsland({ ...options, firstId: 1 });
  const write = (target: string, count: number): Promise<number> =>
    writePbf(target, { ...gridOf(island, count), timestamp: SAMPLE_TIMESTAMP }, { compress });
  // How well a block packs is known by packing some: 64 islands fill more than one block.
  const probe = `${path}.probe`;
  const bytesPerIsland = (await write(probe, 64)) / 64;
  await rm(probe);
  let islands = Math.max(1, Math.ceil((1.01 * options.megabytes * 1e6) / bytesPerIsland));
  let bytes = await write(path, islands);
  while (bytes < options.megabytes * 1e6) {
    islands += Math.ceil((options.megabytes * 1e6 - bytes) / bytesPerIsland) + 1;
    bytes = await write(path, islands);
  }
  return { bytes, islands };
}

function gridOf(
  island: Island,
  count: number,
): { box: Box; nodes: Iterable<Node>; ways: Iterable<Way>; relations: Iterable<Relation> } {
  const [west, south, east, north] = island.box;
  const columns = Math.ceil(Math.sqrt(count));
  const box: Box = [
    west,
    south,
    west + columns * (east - west),
    south + Math.ceil(count / columns) * (north - south),
  ];
  if (box[2] > 180 || box[3] > 85) {
    throw new RangeError(
      `${count} islands from ${west}°, ${south}° on would leave the map: start further south-west`,
    );
  }
  const idStep = Math.max(
    ...[island.nodes, island.ways, island.relations].map((elements) => elements.at(-1)!.id),
  );
  const ids = (cell: number, id: number): number => id + cell * idStep;
  function* cells<T>(elements: readonly T[], move: (element: T, cell: number) => T): Generator<T> {
    for (let cell = 0; cell < count; cell++) for (const element of elements) yield move(element, cell);
  }
  return {
    box,
    nodes: cells(island.nodes, ({ id, lon, lat, tags }, cell) => ({
      id: ids(cell, id),
      lon: lon + (cell % columns) * (east - west),
      lat: lat + Math.floor(cell / columns) * (north - south),
      ...(tags && { tags }),
    })),
    ways: cells(island.ways, (way, cell) => ({
      ...way,
      id: ids(cell, way.id),
      refs: way.refs.map((ref) => ids(cell, ref)),
    })),
    relations: cells(island.relations, (relation, cell) => ({
      ...relation,
      id: ids(cell, relation.id),
      members: relation.members.map((member) => ({ ...member, ref: ids(cell, member.ref) })),
    })),
  };
}
