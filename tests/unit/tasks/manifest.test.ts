import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { BadManifestError } from '../../../lib/pipeline/manifest-faults.ts';
import { parseManifest, type ManifestDefaults, type ManifestJob } from '../../../lib/pipeline/manifest.ts';
import { manifestSchema } from '../../../lib/tasks/documents.ts';
import { tasks } from '../../../tasks/index.ts';
import { makeTask } from './factories.ts';

const parse = (value: unknown, file = 'm.json') => parseManifest(JSON.stringify(value), file, { tasks });

/** Without the tasks: nothing of the parameters is checked. */
const readManifest = (text: string, file: string, defaults: ManifestDefaults = {}): ManifestJob[] =>
  parseManifest(text, file, { defaults }).jobs;

function faultsOf(text: string, file = 'm.json'): string[] {
  try {
    parseManifest(text, file, { tasks });
  } catch (error) {
    if (error instanceof BadManifestError) {
      return error.faults;
    }
    throw error;
  }
  return [];
}

describe('faults', () => {
  const areas = Array.from({ length: 40 }, (_, at) => `x/a${at}`);

  test('of all areas alike are told once, and in how many', () => {
    const text = JSON.stringify({
      task: 'osm-mapsforge',
      params: { threads: 0 },
      areas: [...areas, 'no good'],
    });
    expect(faultsOf(text)).toEqual([
      expect.stringMatching(/^area 1 and 40 more: threads is 0, but must be /),
      'area 41: area is "no good", but must be a Geofabrik id, e.g. europe/monaco',
    ]);
  });

  test('of lines are told line by line, a thousand of them', () => {
    const line = JSON.stringify({ task: 'osm-mapsforge', params: { area: 'no good' } });
    const faults = faultsOf(`${line}\r\n`.repeat(3000), 'm.jsonl');
    expect(faults).toHaveLength(1001);
    expect(faults[999]).toMatch(/^line 1000: area is "no good"/);
    expect(faults[1000]).toBe('and 2000 faults more');
  });

  test('an index of another kind of address is one', () => {
    expect(faultsOf('{"task":"osm-mapsforge","index":"ftp://server/index.json"}')).toEqual([
      'the manifest: index: a path, or an http(s) address',
    ]);
  });
});

describe('a manifest of areas', () => {
  test('gives each a job with what they have in common', () => {
    const manifest = parse({
      name: 'alps',
      task: 'osm-mapsforge',
      params: { type: 'hd', languages: 'en,de' },
      priority: 6,
      areas: ['europe/andorra', { area: 'europe/monaco', params: { type: 'ram' }, priority: 1 }],
      jobs: [{ params: { area: 'europe/malta' } }],
    });
    const languages = ['en', 'de'];
    expect(manifest).toEqual({
      name: 'alps',
      jobs: [
        { task: 'osm-mapsforge', params: { type: 'hd', languages, area: 'europe/andorra' }, priority: 6 },
        { task: 'osm-mapsforge', params: { type: 'ram', languages, area: 'europe/monaco' }, priority: 1 },
        { task: 'osm-mapsforge', params: { type: 'hd', languages, area: 'europe/malta' }, priority: 6 },
      ],
    });
  });

  test.each([
    ['manifests/world.json', 'world'],
    ['s3://bucket/manifests/world.json', 'world'],
  ])('%s without a name is named by its file', (file, name) => {
    expect(parse({ task: 'osm-mapsforge', areas: ['a'] }, file).name).toBe(name);
  });

  test('may begin with a byte order mark', () => {
    expect(faultsOf('\uFEFF{"task":"osm-mapsforge","areas":["a"]}')).toEqual([]);
  });

  test('is live work’s follower, unless it says otherwise', () => {
    expect(parse({ task: 'osm-mapsforge', areas: ['a'] }).jobs[0]!.priority).toBe(5);
  });

  test('that the project ships names three areas', async () => {
    const path = join(import.meta.dirname, '../../../manifests/sample.json');
    const manifest = parseManifest(await readFile(path, 'utf8'), path, { tasks });
    expect(manifest.name).toBe('sample');
    expect(manifest.jobs.map(({ params }) => params['area'])).toEqual([
      'europe/liechtenstein',
      'europe/monaco',
      'europe/malta',
    ]);
  });
});

describe('a manifest of jobs', () => {
  const monaco = { task: 'osm-mapsforge', params: { area: 'europe/monaco' } };

  test('is a list, or a single one', () => {
    expect(readManifest(JSON.stringify([monaco, { ...monaco, priority: 0 }]), 'm.json')).toEqual([
      { ...monaco, priority: 5 },
      { ...monaco, priority: 0 },
    ]);
    expect(readManifest(JSON.stringify(monaco), 'm.json')).toHaveLength(1);
  });

  test('is JSON Lines, by its ending or by its looks, with blank lines between', () => {
    const text = `${JSON.stringify(monaco)}\r\n\n${JSON.stringify({ ...monaco, priority: 1 })}\n`;
    for (const file of ['m.jsonl', 'm.ndjson', 'm']) {
      expect(readManifest(text, file).map(({ priority }) => priority)).toEqual([5, 1]);
    }
  });

  test('goes before the defaults that it is read with', () => {
    const defaults = { task: 'copy', params: { type: 'hd', threads: 2 } };
    expect(readManifest('[{"params":{"type":"ram"}}]', 'm.json', defaults)).toEqual([
      { task: 'copy', params: { type: 'ram', threads: 2 }, priority: 5 },
    ]);
  });

  test('is checked against the tasks only where these are given', () => {
    const text = '[{"task":"unheard-of","params":{"a":"b"}}]';
    expect(readManifest(text, 'm.json')).toHaveLength(1);
    expect(faultsOf(text)).toHaveLength(1);
  });
});

describe('a bad manifest', () => {
  test('is refused whole, every fault with its place', () => {
    const text = JSON.stringify({
      task: 'osm-mapsforge',
      areas: [
        'europe/monaco',
        7,
        { area: 'europe/malta', prams: {} },
        { area: 'Europe/../x', params: { type: 'disk' } },
      ],
      jobs: [
        { task: 'osm-mapforge' },
        { params: { type: 'ram' } },
        { params: { area: 'a', threads: { n: 1 } } },
        { priority: 12 },
      ],
    });
    expect(faultsOf(text)).toEqual([
      expect.stringMatching(/^area 2: .*object/),
      expect.stringMatching(/^area 3: .*"prams"/),
      expect.stringMatching(/^job 3: params\.threads: /),
      expect.stringMatching(/^job 4: priority: .*9/),
      'area 4: area is "Europe/../x", but must be a Geofabrik id, e.g. europe/monaco',
      'area 4: type is "disk", but must be one of ram, hd',
      'job 1: there is no task "osm-mapforge": did you mean "osm-mapsforge"? (there are hdf5-netcdf, osm-mapsforge)',
      expect.stringContaining('job 2: osm-mapsforge needs a file (.osm.pbf) or an area'),
    ]);
  });

  test('of JSON Lines names the lines', () => {
    const text =
      '{"task":"osm-mapsforge","params":{"area":"a"}}\n\n{"task":\n{"params":{}}\n{"task":"osm-mapsforge","params":{"ara":"b"}}';
    expect(faultsOf(text, 'm.jsonl')).toEqual([
      expect.stringMatching(/^line 3: it is not JSON \(/),
      'line 4: it says no task, e.g. "task": "osm-mapsforge"',
      expect.stringContaining('line 5: there is no parameter "ara": did you mean "area"?'),
    ]);
  });

  test('of JSON says where the JSON ends to be JSON', () => {
    expect(faultsOf('{\n  "task": "x",\n}')).toEqual([
      expect.stringMatching(/^the manifest: it is not JSON \(.*line 3/),
    ]);
  });

  test('may not publish one area twice', () => {
    const text = JSON.stringify({
      task: 'osm-mapsforge',
      areas: ['a', 'b', { area: 'a', params: { type: 'hd' } }],
      jobs: [{ params: { area: 'b' } }],
    });
    expect(faultsOf(text)).toEqual([
      'area 3: it would publish the same as area 1 (osm-mapsforge a)',
      'job 1: it would publish the same as area 2 (osm-mapsforge b)',
    ]);
  });

  test.each(['{"areas":[]}', '{"jobs":[]}', '[]'])('%s names no jobs', (text) => {
    expect(faultsOf(text)).toEqual([
      'it names no jobs: give "areas", "jobs" or an "index", or a job on each line',
    ]);
  });

  test('says which manifest it is, a line each fault', () => {
    expect(() => parse({ task: 'osm-mapsforge', areas: [1, 2] })).toThrow(
      /^m\.json, area 1: .*\nm\.json, area 2: /,
    );
  });
});

test('tasks that publish under no name of their own may be asked for twice', () => {
  const copy = new Map([['copy', makeTask()]]);
  expect(parseManifest('[{"task":"copy"},{"task":"copy"}]', 'm.json', { tasks: copy }).jobs).toHaveLength(2);
});

describe('the published schema', () => {
  const schema = JSON.stringify(
    manifestSchema(
      new Map([['copy', makeTask({ params: z.object({ level: z.int().describe('How hard') }) })]]),
    ),
  );

  test('knows the tasks and their parameters', () => {
    expect(schema).toContain('"enum":["copy"]');
    expect(schema).toMatch(
      /"params":\{[^{]*\{"type":"object","properties":\{"level":\{"type":"integer",[^}]*"How hard"\}\}/,
    );
  });

  test('lets required parameters stand above the jobs', () => {
    expect(schema).not.toContain('"required":["level"]');
  });
});
