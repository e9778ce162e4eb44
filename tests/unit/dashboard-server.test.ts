/** The page's server, over a pipeline in memory: what it answers, and whom it refuses. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startDashboard, type Dashboard } from '../../cli/dashboard/server.ts';
import type { LogView, PageSettings, RunEntry, RunView, WaitingSet } from '../../cli/dashboard/view.ts';
import type { GranuleRule } from '../../lib/tasks/granule-rule.ts';
import { textTask, World } from '../doubles/world.ts';

/** Two files a granule. */
const byParts: GranuleRule = {
  pattern: /^(?<granule>.+)\.(?<part>txt|xml)$/,
  complete: { parts: ['txt', 'xml'] },
  deadlineSeconds: 3600,
};

let world: World;
let dashboard: Dashboard;
let token: string;
/** What the running container has printed since it was last asked. */
let said: string[] = [];

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** `fetch` would not let a Host header through. */
async function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(dashboard.url);
  return await new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, ...options }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

const get = async <T>(path: string): Promise<T> => JSON.parse((await ask(path)).body) as T;
const post = async (
  path: string,
  headers: Record<string, string> = { 'x-longshore-token': token },
): Promise<Answer> => await ask(path, { method: 'POST', headers });

beforeAll(async () => {
  world = new World({
    tasks: [textTask, { ...textTask, name: 'parts', granule: byParts }],
    script: ({ env }) =>
      env.AREA === 'broken'
        ? { exitCode: 1, lastLine: 'it broke' }
        : env.AREA === 'slow'
          ? { hangs: true }
          : {},
  });
  for (const area of ['good', 'broken', 'slow']) await world.ask('run-1', { area });
  for (let turn = 0; turn < 5; turn++) {
    while (await world.deliver());
    world.clock.advance(11_000);
    await world.tellStops();
  }
  dashboard = await startDashboard({
    ctx: world.context,
    host: '127.0.0.1',
    port: 0,
    everyMs: 20,
    liveLogs: false,
    liveLog: () => ({
      lines: async function* () {
        yield* said.splice(0);
      },
    }),
    page: { backend: 'local', place: '</script><script>alert(1)</script>' },
  });
  const html = (await ask('/')).body;
  token = (JSON.parse(/id="longshore">(.*?)<\/script>/s.exec(html)![1]!) as PageSettings).token;
});

afterAll(async () => {
  await dashboard.close();
});

describe('what it serves', () => {
  test('is the page, with nothing in it that runs from within it', async () => {
    const { status, headers, body } = await ask('/');
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
    // The place is somebody's folder name: it cannot end the element that it stands in.
    expect(body.match(/<script/g)).toHaveLength(2);
    expect((await ask('/assets/main.js')).headers['content-type']).toMatch(/javascript/);
    expect((await ask('/assets/style.css')).headers['content-type']).toMatch(/css/);
  });

  test('are the granules that wait for files, which are of no run', async () => {
    await world.drop('parts/g.txt', 'hello');
    while (await world.deliver());
    expect(await get<WaitingSet[]>('/api/sets')).toMatchObject([
      { task: 'parts', granule: 'g', parts: ['parts/g.txt'], missing: ['xml'] },
    ]);
  });

  test('are the runs, and a run with its jobs', async () => {
    expect(await get<RunEntry[]>('/api/runs')).toMatchObject([
      { run: 'run-1', jobs: 3, ended: 2, failed: 1 },
    ]);
    const { summary, jobs } = await get<RunView>('/api/runs/run-1');
    expect(summary).toMatchObject({
      run: 'run-1',
      total: 3,
      counts: { published: 1, failed: 1, running: 1 },
    });
    expect(jobs.map(({ name }) => name).sort()).toEqual(['broken', 'good', 'slow']);
  });

  test('is the end of a log, by attempt', async () => {
    const { id } = world.job('broken');
    const lines = Array.from({ length: 10 }, (_, at) =>
      JSON.stringify({ level: 'info', event: `Line:${at}` }),
    );
    await world.stores.staging.put(`${id}/2/control/log.jsonl`, `${lines.join('\n')}\n`);
    const log = await get<LogView>(`/api/jobs/${id}/log?attempt=2&lines=3`);
    expect(log).toEqual({
      job: id,
      attempt: 2,
      attempts: 3,
      lines: ['info  Line:7', 'info  Line:8', 'info  Line:9'],
      cut: true,
    });
    expect(await ask(`/api/jobs/${id}/log?attempt=1`)).toMatchObject({ status: 404 });
    expect(await ask(`/api/jobs/${id}/log?lines=none`)).toMatchObject({ status: 400 });
  });

  test('is the log of a running job as far as it has come, where the stores do not have it yet', async () => {
    const { id } = world.job('slow');
    said = ['one', 'two'];
    expect(await get<LogView>(`/api/jobs/${id}/log`)).toMatchObject({
      attempt: 1,
      lines: ['one', 'two'],
      cut: false,
    });
    said = ['three'];
    expect(await get<LogView>(`/api/jobs/${id}/log?lines=2`)).toMatchObject({
      lines: ['two', 'three'],
      cut: true,
    });
    said = [];
  });

  test('are the changes of a run as they happen', async () => {
    const answer = await fetch(`${dashboard.url}api/runs/run-2/events`);
    const events = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    const expectToHear = async (what: string): Promise<void> => {
      while (!heard.includes(what)) {
        const { value, done } = await events.read();
        if (done) throw new Error(`It ended after ${heard}`);
        heard += value;
      }
    };
    await expectToHear('event: view');
    await world.ask('run-2', { area: 'late' });
    while (await world.deliver());
    await expectToHear('"state":"running"');
    world.clock.advance(11_000);
    await world.tellStops();
    while (await world.deliver());
    await expectToHear('"state":"published"');
    await events.cancel();
  });
});

describe('what it changes', () => {
  test('is a job that is cancelled, by the page only', async () => {
    const { id } = world.job('slow');
    expect(await post(`/api/jobs/${id}/cancel`, {})).toMatchObject({ status: 403 });
    expect(await post(`/api/jobs/${id}/cancel`, { 'x-longshore-token': 'guessed' })).toMatchObject({
      status: 403,
    });
    expect(world.job('slow').attempts[0]!.stopping).toBeUndefined();
    expect(await post(`/api/jobs/${id}/cancel`)).toMatchObject({ status: 200 });
    expect(world.job('slow').attempts[0]!.stopping).toMatchObject({ cause: 'cancelled' });
  });
});

describe('whom it refuses', () => {
  test.each(['evil.example', 'evil.example:4180', '127.0.0.1.evil.example'])(
    'requests to host "%s"',
    async (host) => {
      expect(await ask('/', { headers: { host } })).toMatchObject({ status: 421 });
      expect(await ask('/api/runs', { headers: { host } })).toMatchObject({ status: 421 });
    },
  );

  test.each(['localhost:1', '127.0.0.1', '[::1]:4180', '192.168.1.7:4180'])(
    'not those to host "%s"',
    async (host) => {
      expect(await ask('/api/runs', { headers: { host } })).toMatchObject({ status: 200 });
    },
  );

  test('a POST that another page sends, even with the token', async () => {
    const headers = { 'x-longshore-token': token, origin: 'https://evil.example' };
    const { status, body } = await post(`/api/jobs/${world.job('broken').id}/retry`, headers);
    expect(status).toBe(403);
    expect(body).toContain('https://evil.example');
  });

  test.each([
    '/../package.json',
    '/assets/../../package.json',
    '/assets/%2e%2e%2f%2e%2e%2fpackage.json',
    '/assets/',
    '/api/jobs/..%2fadmission/log',
    '/api/jobs/nobody/log',
    '/api/runs/..%2fjobs',
    '/api/runs/nobody',
    '/api/runs/..',
    '/api/jobs/x',
  ])('%s, which is nothing', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  test('what is not percent-encoded as it should be', async () => {
    expect(await ask('/api/runs/%E0%A4%A')).toMatchObject({ status: 400 });
  });
});
