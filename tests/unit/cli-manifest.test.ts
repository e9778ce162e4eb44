import { describe, expect, test } from '@jest/globals';
import { BadManifestError, readManifest } from '../../lib/pipeline/manifest.ts';

const monaco = { task: 'osm-mapsforge', params: { area: 'europe/monaco' } };

describe('a manifest', () => {
  test('is a JSON list of jobs', () => {
    expect(readManifest(JSON.stringify([monaco, { ...monaco, priority: 0 }]), 'm.json')).toEqual([
      { ...monaco, priority: 5 },
      { ...monaco, priority: 0 },
    ]);
  });

  test('is an object with defaults that its jobs may change', () => {
    const text = JSON.stringify({
      task: 'osm-mapsforge',
      params: { type: 'hd', threads: 2 },
      jobs: [{ params: { area: 'europe/malta' } }, { params: { area: 'europe/monaco', type: 'ram' } }],
    });
    expect(readManifest(text, 'm.json').map(({ params }) => params)).toEqual([
      { type: 'hd', threads: 2, area: 'europe/malta' },
      { type: 'ram', threads: 2, area: 'europe/monaco' },
    ]);
  });

  test('is JSON Lines, with blank lines between', () => {
    const text = `${JSON.stringify(monaco)}\r\n\n${JSON.stringify({ params: { area: 'europe/malta' } })}\n`;
    expect(readManifest(text, 'm.jsonl', { task: 'osm-mapsforge', params: { type: 'hd' } })).toEqual([
      { ...monaco, params: { type: 'hd', area: 'europe/monaco' }, priority: 5 },
      { task: 'osm-mapsforge', params: { type: 'hd', area: 'europe/malta' }, priority: 5 },
    ]);
  });

  test('of one JSON line is one job', () => {
    expect(readManifest(`${JSON.stringify(monaco)}\n`, 'm.jsonl')).toEqual([{ ...monaco, priority: 5 }]);
  });

  test.each([
    ['', /names no jobs/],
    ['[]', /names no jobs/],
    ['{"jobs":[{"params":{}}]}', /m, job 1: it says no task/],
    [`${JSON.stringify(monaco)}\n{"task":`, /m, line 2: it is not JSON/],
    [`${JSON.stringify(monaco)}\n{"taks":"x"}`, /m, line 2: .*taks/],
    ['[{"task":"x","priority":12}]', /m, job 1: priority/],
    ['[{"task":"x","params":{"a":{"b":1}}}]', /m, job 1: params\.a/],
    ['[3]', /m, job 1: /],
  ])('that reads %j is refused with what is wrong and where', (text, message) => {
    expect(() => readManifest(text, 'm')).toThrow(BadManifestError);
    expect(() => readManifest(text, 'm')).toThrow(message);
  });
});
