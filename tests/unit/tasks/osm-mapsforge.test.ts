import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BusySourceError, UnknownSourceError } from '../../../lib/tasks/define-task.ts';
import { checkParams } from '../../../lib/tasks/params.ts';
import { isValidSize } from '../../../lib/tasks/sizes.ts';
import task from '../../../tasks/osm-mapsforge/task.ts';
import { parseParams } from './factories.ts';

const defaults = task.params.parse({});

describe('parameters', () => {
  test.each(['europe/monaco', 'north-america/us/california', 'antarctica'])(
    'the area %s is taken',
    (area) => {
      expect(parseParams(task, { area })).toEqual({ area });
    },
  );

  test.each([
    '../etc/passwd',
    '/europe',
    'europe/',
    'europe/../x',
    'europe//monaco',
    'europe/monaco?x',
    'a b',
    '',
  ])('the area "%s" is refused', (area) => {
    expect(() => parseParams(task, { area })).toThrow(
      `area is "${area}", but must be a Geofabrik id, e.g. europe/monaco`,
    );
  });

  test.each(['7.4,43.7,7.5,43.8', '170,-20,-170,-10', ' -180, -90, 180, 90'])(
    'the box %s is taken',
    (bbox) => {
      expect(parseParams(task, { bbox })).toEqual({ bbox });
    },
  );

  test.each([
    '7.4,43.7,7.5',
    '7.4,43.8,7.5,43.7',
    '1,2,3,x',
    '1,2,,4',
    '1,2,1,3',
    '181,0,182,1',
    '0,0,1,91',
    '1;2;3;4',
    '180,0,-170,1',
  ])('the box "%s" is refused', (bbox) => {
    expect(() => parseParams(task, { bbox })).toThrow('west,south,east,north in degrees');
  });

  test.each(['ftp://example.com', 'example.com', 'file:///etc'])('the mirror "%s" is refused', (mirror) => {
    expect(() => parseParams(task, { mirror })).toThrow('but must be an http(s) address');
  });

  test.each(['auto', 'osmdata', 'https://example.com/land.zip?v=1', '/data/land.fgb'])(
    'the land %s is taken',
    (land) => {
      expect(parseParams(task, { land })).toEqual({ land });
    },
  );

  test.each([
    ['land', 'sea', 'but must be auto, osmdata, gshhg, coastline, or'],
    ['languages', 'en,de,en', 'each language once'],
    ['languages', 'en,,de', 'codes such as en,de'],
    ['comment', 'two\nlines', 'one line of at most 500 characters'],
    ['threads', '0', 'but must be a whole number ('],
    ['tagMapping', '', 'a name of containers/osm-mapsforge/styles'],
  ])('%s "%s" is refused', (name, value, message) => {
    expect(() => parseParams(task, { [name]: value })).toThrow(message);
  });

  test('there must be something left to make', () => {
    expect(checkParams(task, { skipMap: true, skipPoi: true })).toEqual({
      ok: false,
      faults: ['skipMap and skipPoi together leave nothing to make'],
    });
  });
});

describe('a job', () => {
  test('needs a file or an area', () => {
    expect(task.needsFile!(defaults)).toContain('--set area=europe/monaco');
    expect(task.needsFile!({ ...defaults, area: 'europe/monaco' })).toBeUndefined();
  });

  test('takes a file or an area, never quietly one of two', () => {
    expect(task.refusesFile!(defaults)).toBeUndefined();
    expect(task.refusesFile!({ ...defaults, area: 'europe/monaco' })).toContain(
      'leave out area=europe/monaco',
    );
  });

  test('of an area publishes as the area and counts against its mirror', () => {
    const params = { ...defaults, area: 'europe/monaco', mirror: 'http://127.0.0.1:8099/x' };
    expect(task.publishAs!(params)).toBe('europe/monaco');
    expect(task.limits!(params)).toEqual(['mirror:127.0.0.1:8099']);
  });

  test('of a file downloads nothing from a mirror', () => {
    expect(task.limits!(defaults)).toEqual([]);
  });
});

describe('size and deadline', () => {
  const bytes = [0, 4e5, 4e6, 4e7, 4e8, 4e9, 8e10];

  test.each(['ram', 'hd'] as const)(
    '%s: every input has a valid size, bigger inputs never a smaller one',
    (type) => {
      const sizes = bytes.map((one) => task.size({ bytes: one, params: { ...defaults, type } }));
      expect(sizes.every(isValidSize)).toBe(true);
      for (const key of ['vcpu', 'memoryMiB', 'diskGiB'] as const) {
        const values = sizes.map((size) => size[key]);
        expect(values).toEqual(values.toSorted((a, b) => a - b));
      }
    },
  );

  test('a small extract takes the smallest container', () => {
    expect(task.size({ bytes: 4e6, params: defaults })).toEqual({ vcpu: 1, memoryMiB: 2048, diskGiB: 20 });
  });

  test('hd needs less memory, more disk and more time', () => {
    const [ram, hd] = (['ram', 'hd'] as const).map((type) => ({ bytes: 4e9, params: { ...defaults, type } }));
    expect(task.size(hd!).memoryMiB).toBeLessThan(task.size(ram!).memoryMiB);
    expect(task.size(hd!).diskGiB).toBeGreaterThan(task.size(ram!).diskGiB);
    expect(task.deadlineSeconds(hd!)).toBeGreaterThan(task.deadlineSeconds(ram!));
  });
});

test('when all memory was not enough, the writer’s objects go to disk; from there it goes nowhere', () => {
  expect(task.atCeiling!({ ...defaults, type: 'ram' })).toEqual({ type: 'hd' });
  expect(task.atCeiling!({ ...defaults, type: 'hd' })).toBeUndefined();
});

describe('the source of an area', () => {
  const MD5 = '0123456789abcdef0123456789ABCDEF';
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/europe/monaco-latest.osm.pbf': (response) =>
      response
        .writeHead(200, {
          'content-length': '431512',
          'last-modified': 'Tue, 06 Apr 2021 20:21:22 GMT',
          etag: 'W/"abc-1"',
        })
        .end(),
    '/europe/monaco-latest.osm.pbf.md5': (response) => response.end(`${MD5}  monaco-latest.osm.pbf\n`),
    '/europe/bare-latest.osm.pbf': (response) => response.writeHead(200).end(),
    '/europe/busy-latest.osm.pbf': (response) => response.writeHead(503).end(),
    '/europe/proxied-latest.osm.pbf': (response) =>
      response.req.method === 'HEAD'
        ? response.writeHead(502).end()
        : response.writeHead(206, { 'content-range': 'bytes 0-0/431512', 'content-length': '1' }).end('x'),
    '/europe/nohead-latest.osm.pbf': (response) =>
      response.req.method === 'HEAD'
        ? response.writeHead(405, { allow: 'GET' }).end()
        : response.writeHead(200, { 'content-length': '431512', etag: '"v1"' }).end('x'.repeat(431_512)),
    '/europe/nohead-latest.osm.pbf.md5': (response) => response.writeHead(403).end(),
    '/europe/limited-latest.osm.pbf': (response) => response.writeHead(429, { 'retry-after': '7' }).end(),
    '/europe/zipped-latest.osm.pbf': (response) =>
      response
        .writeHead(200, {
          'content-length': response.req.headers['accept-encoding'] === 'identity' ? '431512' : '99',
        })
        .end(),
    '/europe/odd-latest.osm.pbf': (response) => response.writeHead(200, { 'content-length': '1' }).end(),
    '/europe/odd-latest.osm.pbf.md5': (response) => response.end('<html>Not today</html>'),
    '/europe/busymd5-latest.osm.pbf': (response) => response.writeHead(200).end(),
    '/europe/busymd5-latest.osm.pbf.md5': (response) => response.writeHead(503).end(),
  };
  const requests: string[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(`${request.method} ${request.url}`);
    const answer = answers[request.url!];
    if (answer) {
      answer(response);
    } else {
      response.writeHead(404).end();
    }
  });
  let mirror: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  const look = (area: string, at = mirror) => task.source!({ ...defaults, area, mirror: at }, fetch);

  test('is described without being downloaded', async () => {
    requests.length = 0;
    expect(await look('europe/monaco', `${mirror}/`)).toEqual({
      uri: `${mirror}/europe/monaco-latest.osm.pbf`,
      bytes: 431512,
      etag: 'abc-1',
      md5: MD5.toLowerCase(),
      lastModified: '2021-04-06T20:21:22.000Z',
    });
    expect(requests).toEqual(['HEAD /europe/monaco-latest.osm.pbf', 'GET /europe/monaco-latest.osm.pbf.md5']);
  });

  test('may come without size, date, ETag and MD5', async () => {
    expect(await look('europe/bare')).toEqual({ uri: `${mirror}/europe/bare-latest.osm.pbf` });
  });

  test('behind a proxy that fails on HEAD is described by its first byte', async () => {
    requests.length = 0;
    expect(await look('europe/proxied')).toMatchObject({ bytes: 431_512 });
    expect(requests.slice(0, 2)).toEqual([
      'HEAD /europe/proxied-latest.osm.pbf',
      'GET /europe/proxied-latest.osm.pbf',
    ]);
  });

  test('is described by a server without HEAD and without ranges; an MD5 that it will not give is none', async () => {
    expect(await look('europe/nohead')).toEqual({
      uri: `${mirror}/europe/nohead-latest.osm.pbf`,
      bytes: 431_512,
      etag: 'v1',
    });
  });

  test('has the size of the file, not of an answer that is compressed', async () => {
    expect(await look('europe/zipped')).toMatchObject({ bytes: 431_512 });
  });

  test('of a server that wants to be left alone is asked for again when it says', async () => {
    const error = await look('europe/limited').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BusySourceError);
    expect(error).toMatchObject({ seconds: 7, message: expect.stringContaining('answered HTTP 429') });
  });

  test('that is not there is the fault of the job', async () => {
    const error = await look('europe/atlantis').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnknownSourceError);
    expect(String(error)).toBe(
      `UnknownSourceError: There is no area "europe/atlantis" at ${mirror}/europe/atlantis-latest.osm.pbf (HTTP 404). ` +
        "The names are Geofabrik's ids, e.g. europe/monaco.",
    );
  });

  test.each([
    ['europe/busy', 'busy-latest.osm.pbf answered HTTP 503'],
    ['europe/busymd5', 'busymd5-latest.osm.pbf.md5 answered HTTP 503'],
    ['europe/odd', '.md5 should begin with 32 hex digits, but is "<html>Not"'],
  ])('%s: a mirror in trouble is worth asking again', async (area, message) => {
    const error = await look(area).catch((reason: unknown) => reason);
    expect(error).not.toBeInstanceOf(UnknownSourceError);
    expect(String(error)).toContain(message);
  });

  test('a mirror that is not there says why', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(look('europe/monaco', `http://127.0.0.1:${port}`)).rejects.toThrow(
      /cannot be reached: .*ECONNREFUSED/,
    );
  });

  test('a job of a file has none', async () => {
    expect(await task.source!(defaults, fetch)).toBeUndefined();
  });
});
