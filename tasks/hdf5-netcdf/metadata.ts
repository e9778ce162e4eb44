/** What the archive gets beside each file: ECHO 10 (`.nc.meta.xml`), ECS inventory metadata (`.nc.met`), a STAC Item. */
import type * as z from 'zod';
import type { MetadataWriter, OutputContext, OutputSpec } from '../../lib/tasks/define-task.ts';
import { echo10Granule } from '../../lib/tasks/metadata/echo10.ts';
import { ecsMet } from '../../lib/tasks/metadata/ecs-met.ts';
import { granuleRecords, type GranuleRecord } from '../../lib/tasks/metadata/granule-record.ts';
import { granulesOf } from '../../lib/tasks/metadata/granules.ts';
import { stacItem } from '../../lib/tasks/metadata/stac.ts';
import type { params } from './params.ts';

type Params = z.output<typeof params>;

/** GCMD's keywords: catalogues compare them with those of the collection. */
const PLATFORM = { shortName: 'GLOBAL HAWK UAV', instrument: 'CPL' };
const CAMPAIGN = 'HS3';

/** What was measured, be it in a group; how it was recorded (clock, counters) is of no use in a catalogue. */
const PARAMETER = /(^|\/)(ATB|Extinction|Layer|Lidar_Ratio|Depol)_/;

export function archiveMetadata(version: string): MetadataWriter<Params> {
  return async (context) =>
    recordsOf(context, version).flatMap((record) => [
      { name: `${record.granuleUr}.meta.xml`, contentType: 'application/xml', body: echo10Granule(record) },
      { name: `${record.granuleUr}.met`, contentType: 'text/plain; charset=utf-8', body: ecsMet(record) },
    ]);
}

const recordsOf = (context: OutputContext<Params>, version: string): GranuleRecord[] =>
  granuleRecords(context, {
    collection: { shortName: context.params.collection, versionId: context.params.collectionVersion },
    platform: PLATFORM,
    campaign: CAMPAIGN,
    software: { name: 'longshore hdf5-netcdf', version },
    dataFormat: 'netCDF-4',
    ...(context.params.distributionUrl === undefined
      ? {}
      : { distributionUrl: context.params.distributionUrl }),
    isParameter: (name) => PARAMETER.test(name),
  });

export const granuleStac = (image: string, outputs: OutputSpec<Params>[]): MetadataWriter<Params> =>
  stacItem({
    description: 'Profiles of the Cloud Physics Lidar as CF netCDF',
    license: 'CC0-1.0',
    licenseUrl: 'https://creativecommons.org/publicdomain/zero/1.0/',
    providers: [
      { name: 'NASA Goddard Space Flight Center', roles: ['producer'], url: 'https://cpl.gsfc.nasa.gov/' },
    ],
    lineage:
      'Variables of the HDF5 granule carried over unchanged, times put together from date and time of day, gaps marked with the fill value, CF attributes added.',
    image,
    outputs,
    timeRange: timeRangeOf,
    tracks: ({ report }) => granulesOf(report).flatMap(({ track }) => (track ? [track] : [])),
  });

/** From the first profile of all files to the last. */
function timeRangeOf({ report }: OutputContext<Params>): [string, string] {
  const granules = granulesOf(report);
  const begin = granules.map(({ time }) => time[0]).toSorted()[0];
  const end = granules
    .map(({ time }) => time[1])
    .toSorted()
    .at(-1);
  if (begin === undefined || end === undefined) throw new Error('The report tells of no granules');
  return [begin, end];
}
