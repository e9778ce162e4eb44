import { describe, expect, test } from '@jest/globals';
import { readMapHeader } from '../../../lib/tasks/checks/map-header.ts';
import { mapsforgeMap } from '../../../lib/tasks/checks/mapsforge.ts';
import type { CheckResult, OutputContext } from '../../../lib/tasks/define-task.ts';
import { makeOutput, NOW } from './factories.ts';
import { makeMap, MONACO, type MapFields } from './map-file.ts';

const readOf = (map: Buffer) => async (start: number, end: number) => map.subarray(start, end + 1);

const LONG_COMMENT = 'ä'.repeat(300);

describe('readMapHeader', () => {
  test('reads every field', async () => {
    const map = makeMap({
      date: NOW,
      startPosition: [43.73, 7.42],
      startZoom: 12,
      languages: 'en,de',
      comment: LONG_COMMENT,
    });
    const header = await readMapHeader(readOf(map));
    expect(header).toEqual({
      headerBytes: expect.any(Number),
      version: 3,
      fileBytes: map.length,
      date: NOW,
      bbox: MONACO,
      tileSize: 256,
      projection: 'Mercator',
      debug: false,
      startPosition: { latitude: 43.73, longitude: 7.42 },
      startZoom: 12,
      languages: 'en,de',
      comment: LONG_COMMENT,
      creator: 'tests',
      poiTags: ['amenity=bank', 'place=city'],
      wayTags: ['highway=primary'],
      zoomIntervals: [
        { base: 5, min: 0, max: 7, start: header.headerBytes, bytes: 30 },
        { base: 10, min: 8, max: 11, start: header.headerBytes + 30, bytes: 40 },
        { base: 14, min: 12, max: 21, start: header.headerBytes + 70, bytes: 55 },
      ],
    });
    expect(header.headerBytes + 125).toBe(map.length);
  });

  test('leaves out what the flags do not announce', async () => {
    const header = await readMapHeader(readOf(makeMap({ creator: '' })));
    expect(Object.keys(header)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/startPosition|startZoom|languages|comment|creator/)]),
    );
  });

  test('boxes of the south and the west are negative', async () => {
    const header = await readMapHeader(readOf(makeMap({ bbox: [-179.5, -55.25, -60, -0.000001] })));
    expect(header.bbox).toEqual([-179.5, -55.25, -60, -0.000001]);
  });

  test('asks for nothing but the header', async () => {
    const map = makeMap();
    const { headerBytes } = await readMapHeader(readOf(map));
    const asked: number[] = [];
    await readMapHeader(async (start, end) => {
      asked.push(end);
      return map.subarray(start, end + 1);
    });
    expect(asked).toEqual([23, headerBytes - 1]);
  });

  test.each([
    ['an empty file', Buffer.alloc(0), 'it does not begin with "mapsforge binary OSM" but with nothing'],
    ['another file', Buffer.from('PK\u0003\u0004 something else entirely'), 'but with "PK·· something else'],
    ['a file cut in the magic', makeMap().subarray(0, 10), 'but with "mapsforge "'],
    [
      'a file cut in the header size',
      makeMap().subarray(0, 22),
      'it ends after 22 bytes, inside the header size',
    ],
    [
      'a file cut in the header',
      makeMap().subarray(0, 60),
      /it ends inside its header: 36 of \d+ bytes are there/,
    ],
  ])('%s says what it is', async (_, map, message) => {
    await expect(readMapHeader(readOf(map))).rejects.toThrow(message);
  });

  test('a header too short for its fields names the field', async () => {
    const map = Buffer.from(makeMap());
    map.writeUInt32BE(45, 20);
    await expect(readMapHeader(readOf(map))).rejects.toThrow(
      'its header (45 bytes) ends inside the field "projection", which is 8 bytes from byte 39',
    );
  });

  test('a length beyond all bounds is an error, not a crash', async () => {
    const map = Buffer.from(makeMap());
    // The projection's length: nine bytes that each say that another follows.
    map.fill(0xff, 24 + 38, 24 + 47);
    await expect(readMapHeader(readOf(map))).rejects.toThrow('ends inside the field "projection"');
  });

  test('a header size beyond belief is not read', async () => {
    const map = Buffer.from(makeMap());
    map.writeUInt32BE(0xffffffff, 20);
    await expect(readMapHeader(readOf(map))).rejects.toThrow('its header size is 4294967295 bytes');
  });

  test('a number that no file has is said', async () => {
    const map = Buffer.from(makeMap());
    map.fill(0xff, 28, 36);
    await expect(readMapHeader(readOf(map))).rejects.toThrow('its field "file size" is 18446744073709552000');
  });
});

const moved = (by: number): Partial<MapFields> => ({
  bbox: [MONACO[0] + by, MONACO[1], MONACO[2], MONACO[3]],
});

describe('mapsforgeMap', () => {
  const asked = { report: { boxes: [{ name: 'monaco', bbox: MONACO }] } };

  async function check(map: Buffer, changes: Partial<OutputContext> = {}): Promise<CheckResult> {
    const output = makeOutput({ 'monaco.map': map }, { ...asked, ...changes });
    return await mapsforgeMap().run(output.file('monaco.map'), output);
  }
  const detailOf = async (
    fields: Partial<MapFields>,
    changes: Partial<OutputContext> = {},
  ): Promise<string> => {
    const { ok, detail } = await check(makeMap({ date: NOW, ...fields }), changes);
    return ok ? 'ok' : detail;
  };

  test('a good map passes with its numbers', async () => {
    const map = makeMap({ date: NOW });
    expect(await check(map)).toEqual({
      check: 'mapsforge map',
      file: 'monaco.map',
      ok: true,
      detail: `version 3, ${map.length} bytes, box 7.409050,43.722000,7.440000,43.752000 as asked, zoom 0–7, 8–11, 12–21, dated 2026-01-02T03:04:05.000Z`,
    });
  });

  test('so does one with signatures between its parts', async () => {
    expect(await detailOf({ debug: true })).toBe('ok');
  });

  test('what is no map fails with the reason', async () => {
    expect(await check(Buffer.from('text'))).toMatchObject({
      ok: false,
      detail: expect.stringContaining('no mapsforge map: it does not begin'),
    });
  });

  test('trouble with reading is not the map’s fault', async () => {
    const read = Promise.reject(new Error('disk on fire'));
    await expect(check(makeMap(), { read: () => read })).rejects.toThrow('disk on fire');
  });

  test('versions that no reader knows fail', async () => {
    expect(await detailOf({ version: 6 })).toBe('map version 6, but 3, 4, 5 are known');
  });

  test('a file that was cut short fails by its size field', async () => {
    const map = makeMap({ date: NOW });
    const { ok, detail } = await check(map.subarray(0, -1));
    expect(ok).toBe(false);
    expect(detail).toContain(`the header says ${map.length} bytes, the file has ${map.length - 1}`);
  });

  test('a box off by the rounding passes, by more fails with both boxes', async () => {
    expect(await detailOf(moved(0.000001))).toBe('ok');
    expect(await detailOf(moved(0.000005))).toBe(
      'the box is 7.409055,43.722000,7.440000,43.752000, but 7.409050,43.722000,7.440000,43.752000 was asked: 0.000005° off',
    );
  });

  test('the tolerance may be wider', async () => {
    const output = makeOutput(
      { 'monaco.map': makeMap({ date: NOW, bbox: [7.41, 43.722, 7.44, 43.752] }) },
      asked,
    );
    expect((await mapsforgeMap({ tolerance: 0.01 }).run(output.file('monaco.map'), output)).ok).toBe(true);
  });

  test('a map without an asked box fails', async () => {
    expect(await detailOf({}, { report: {} })).toContain(
      'the report names no asked box for "monaco" (boxes: none)',
    );
    expect(await detailOf({}, { report: { boxes: [{ name: 'malta', bbox: MONACO }] } })).toContain(
      '(boxes: malta)',
    );
  });

  test('a box that is none fails', async () => {
    expect(await detailOf({ bbox: [7.44, 43.722, 7.4, 43.752] })).toContain('is none on Earth');
    expect(await detailOf({ bbox: [0, 0, 0, 0] })).toContain('is none on Earth');
    expect(await detailOf({ bbox: [1, 2, 3, 91] })).toContain('is none on Earth');
  });

  test('the date must lie within the attempt', async () => {
    expect(await detailOf({ date: NOW - 3_600_000 })).toBe(
      'it is dated 2026-01-02T02:04:05.000Z, before this attempt began (2026-01-02T03:03:15.000Z)',
    );
    expect(await detailOf({ date: NOW + 3_600_000 })).toContain(
      'after this attempt ended (2026-01-02T03:04:05.000Z)',
    );
    expect(await detailOf({ date: 2 ** 53 - 1 })).toContain('it is dated 9007199254740991 ms');
  });

  test('the container’s own clock counts first', async () => {
    const record = {
      job: 'j',
      attempt: 1,
      inputs: [],
      files: [],
      exit: { exitCode: 0, startedAt: 1000, endedAt: 2000 },
    };
    expect(await detailOf({ date: 1500 }, { record })).toBe('ok');
  });

  test.each([
    ['none', [], 'it has no zoom intervals'],
    ['a base outside', [{ base: 9, min: 0, max: 7 }], 'zoom 0–7 has its base 9 outside'],
    [
      'levels twice',
      [
        { base: 5, min: 0, max: 7 },
        { base: 10, min: 7, max: 11 },
      ],
      'zoom 7–11 begins before 8',
    ],
    ['an empty sub-file', [{ base: 5, min: 0, max: 7, bytes: 0 }], 'zoom 0–7 lies in bytes'],
    [
      'a sub-file beyond the end',
      [{ base: 5, min: 0, max: 7, bytes: 10_000 }],
      /zoom 0–7 lies in bytes \d+ to \d+, but the file has/,
    ],
    [
      'a sub-file in the header',
      [{ base: 5, min: 0, max: 7, start: 30 }],
      'zoom 0–7 begins at byte 30, inside what ends at',
    ],
    [
      'sub-files in each other',
      [
        { base: 5, min: 0, max: 7, bytes: 8 },
        { base: 10, min: 8, max: 11 },
      ],
      'zoom 8–11 begins at byte',
    ],
  ])('zoom intervals: %s', async (_, intervals, message) => {
    expect(await detailOf({ intervals })).toMatch(message);
  });

  test.each([
    ['zeros, as a full disk leaves them', [0, 0], 'the first tile would begin at byte 0 of 30'],
    ['no whole number of tiles', [7, 7], 'the first tile would begin at byte 7 of 30'],
    ['a first tile beyond the end', [500, 500], 'the first tile would begin at byte 500 of 30'],
    ['a tile beyond the end', [10, 31], 'tile 1 of 2 begins at byte 31 of 30'],
    ['tiles that go back', [10, 9], 'tile 1 of 2 begins at byte 9 of 30'],
  ])('a tile index of %s', async (_, offsets, message) => {
    expect(await detailOf({ intervals: [{ base: 5, min: 0, max: 7, offsets, data: 20 }] })).toBe(
      `zoom 0–7: its tile index is broken: ${message}`,
    );
  });

  test('the last tile of a long index is looked at too', async () => {
    const tiles = 5000;
    const offsets = Array.from({ length: tiles }, () => tiles * 5);
    const intervals = (last: number): MapFields['intervals'] => [
      { base: 5, min: 0, max: 7, offsets: [...offsets.slice(1), last], data: 1 },
    ];
    expect(await detailOf({ intervals: intervals(tiles * 5) })).toBe('ok');
    expect(await detailOf({ intervals: intervals(0) })).toContain(
      'tile 4999 of 5000 begins at byte 0 of 25001',
    );
  });

  test('all faults are told at once', async () => {
    expect(
      (await detailOf({ version: 9, fileBytes: 7, date: 0, bbox: [0, 0, 1, 1] })).split('; '),
    ).toHaveLength(4);
  });
});
