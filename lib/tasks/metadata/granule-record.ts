/** A granule as a catalogue sees it: what the writers for ECHO 10 (`echo10.ts`) and ECS (`ecs-met.ts`) share. */
import type { StagedFile } from '../../pipeline/attempt-record.ts';
import type { OutputContext } from '../define-task.ts';
import { boxAround } from './boxes.ts';
import { granulesOf, valuesOf, type GranuleFacts } from './granules.ts';

export interface GranuleRecord {
  /** Unique in the catalogue: the published file's name. */
  granuleUr: string;
  collection: { shortName: string; versionId: string };
  bytes: number;
  sha256: string;
  /** ISO 8601. */
  producedAt: string;
  begin: string;
  end: string;
  /** Degrees, WGS84; west > east across the 180th meridian. */
  box: { west: number; south: number; east: number; north: number };
  vertical?: { lowest: number; highest: number; unit: string };
  platform?: { shortName: string; instrument: string };
  campaign?: string;
  software: { name: string; version: string };
  inputs: string[];
  parameters: { name: string; percentMissing: number }[];
  dataFormat: string;
  /** Where users will find the file, when that is known. */
  url?: string;
}

export interface RecordOptions {
  collection: GranuleRecord['collection'];
  platform?: GranuleRecord['platform'];
  campaign?: string;
  software: GranuleRecord['software'];
  dataFormat: string;
  /** Folder in which users will find the files. */
  distributionUrl?: string;
  /** The variables that a catalogue should list. */
  isParameter?(name: string): boolean;
}

/** One record for each output that the report tells of. Throws when the report tells of none. */
export function granuleRecords(context: OutputContext<unknown>, options: RecordOptions): GranuleRecord[] {
  return granulesOf(context.report).flatMap((facts) => {
    const file = context.files.find(({ name }) => name === facts.file);
    return file ? [recordOf(context, facts, file, options)] : [];
  });
}

function recordOf(
  { record, job }: OutputContext<unknown>,
  facts: GranuleFacts,
  file: StagedFile,
  options: RecordOptions,
): GranuleRecord {
  const { collection, platform, campaign, software, dataFormat, distributionUrl } = options;
  const [west, south, east, north] = boxAround(facts.boxes);
  return {
    granuleUr: file.name,
    collection,
    bytes: file.bytes,
    sha256: file.sha256,
    producedAt: new Date(record.exit?.endedAt ?? job.updatedAt).toISOString(),
    begin: facts.time[0],
    end: facts.time[1],
    box: { west, south, east, north },
    ...(facts.altitude === undefined
      ? {}
      : { vertical: { lowest: facts.altitude[0], highest: facts.altitude[1], unit: facts.altitude[2] } }),
    ...(platform === undefined ? {} : { platform }),
    ...(campaign === undefined ? {} : { campaign }),
    software,
    inputs: [facts.input],
    parameters: Object.entries(facts.variables)
      .filter(([name]) => options.isParameter?.(name) ?? true)
      .map(([name, variable]) => ({
        name,
        percentMissing: Math.round((variable.missing / Math.max(1, valuesOf(facts, variable))) * 1000) / 10,
      })),
    dataFormat,
    ...(distributionUrl === undefined
      ? {}
      : { url: `${distributionUrl.replace(/\/+$/, '')}/${encodeURIComponent(file.name)}` }),
  };
}
