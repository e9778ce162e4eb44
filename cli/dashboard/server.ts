/** Serves the page of the runs: static files, what there is as JSON, changes as server-sent events, and retry and cancel. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cancel } from '../../lib/pipeline/cancel.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import { waitingSets } from '../../lib/pipeline/sets.ts';
import { makeAssets, type Assets } from './assets.ts';
import { RunFeed } from './feed.ts';
import { isOwnHost, newToken, refusal, setSafeHeaders } from './guard.ts';
import { readLogEnd } from './job-log.ts';
import { retryFailed, retryJobs } from './retry.ts';
import { LiveLogs } from './live-logs.ts';
import type { LiveSources } from './live-stages.ts';
import { RunWatch } from './run-watch.ts';
import { RunIndex } from './runs.ts';
import type { PageSettings } from './view.ts';

/** Proxies and browsers give up a stream that says nothing; the page itself takes it for lost after twice this. */
const HEARTBEAT_MS = 10_000;
/** What may wait for a page to take it: more than any run as a whole. */
const MOST_UNREAD_BYTES = 128 * 1024 * 1024;
/** Runs that nobody looks at any more are kept for whoever comes back: so many. */
const KEPT_FEEDS = 4;
/** Lines of a log that the page is given unless it asks for more, and at most. */
const LOG_LINES = { usual: 200, most: 2000 };

export interface DashboardOptions extends LiveSources {
  ctx: PipelineContext;
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Milliseconds between two looks at a run that somebody watches. */
  everyMs: number;
  page: Omit<PageSettings, 'token'>;
}

export interface Dashboard {
  /** Of the page. */
  url: string;
  close(): Promise<void>;
}

/** An answer that is not what was asked for: status and a sentence. */
class HttpError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Resolves when it listens. Rejects with the system's error when it cannot (`EADDRINUSE`). */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const token = newToken();
  const site = new Site(options, token, await makeAssets({ ...options.page, token }));
  const server = createServer((request, response) => void site.answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    url: urlOf(server, options.host),
    close: async () => {
      await site.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}/`;
}

interface Asked {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  /** What the stars of the route's path stand for, decoded. */
  parts: string[];
}

class Site {
  readonly #options: DashboardOptions;
  readonly #ctx: PipelineContext;
  readonly #token: string;
  readonly #assets: Assets;
  readonly #runs: RunIndex;
  readonly #liveLogs: LiveLogs;
  readonly #feeds = new Map<string, RunFeed>();
  readonly #streams = new Set<ServerResponse>();

  readonly #routes: [method: string, path: string, answer: (asked: Asked) => Promise<void>][] = [
    ['GET', '/api/runs', async ({ response }) => json(response, await this.#runs.list())],
    ['GET', '/api/sets', async ({ response }) => json(response, await waitingSets(this.#ctx))],
    ['GET', '/api/runs/*', async (asked) => await this.#run(asked)],
    ['GET', '/api/runs/*/events', async (asked) => await this.#events(asked)],
    ['GET', '/api/jobs/*/log', async (asked) => await this.#log(asked)],
    ['POST', '/api/jobs/*/retry', async (asked) => await this.#retryJob(asked)],
    ['POST', '/api/jobs/*/cancel', async (asked) => await this.#cancelJob(asked)],
    ['POST', '/api/runs/*/retry', async (asked) => await this.#retryRun(asked)],
  ];

  constructor(options: DashboardOptions, token: string, assets: Assets) {
    this.#options = options;
    this.#ctx = options.ctx;
    this.#token = token;
    this.#assets = assets;
    this.#runs = new RunIndex(options.ctx);
    this.#liveLogs = new LiveLogs(options.ctx, options.liveLog);
  }

  async close(): Promise<void> {
    for (const stream of this.#streams) stream.end();
    await Promise.all([...this.#feeds.values()].map(async (feed) => await feed.close()));
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      setSafeHeaders(response);
      await this.#route(request, response);
    } catch (error) {
      this.#fail(response, error);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers } = request;
    if (!isOwnHost(headers.host, this.#options.host))
      throw new HttpError(421, `This page is not at ${headers.host ?? 'a host without a name'}`);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const asset = this.#assets.get(url.pathname);
    if (asset && (method === 'GET' || method === 'HEAD')) {
      response.setHeader('Content-Type', asset.type);
      response.end(method === 'HEAD' ? undefined : asset.body);
      return;
    }
    for (const [verb, path, answer] of this.#routes) {
      const parts = match(path, url.pathname);
      if (!parts || verb !== method) continue;
      const why = verb === 'POST' ? refusal(request, this.#token) : undefined;
      if (why !== undefined) throw new HttpError(403, why);
      await answer({ request, response, url, parts });
      return;
    }
    throw new HttpError(404, `There is nothing at ${method} ${url.pathname}`);
  }

  #fail(response: ServerResponse, error: unknown): void {
    const { message } = error as Error;
    if (!(error instanceof HttpError)) this.#ctx.log.error('Dashboard:Answer:Failed', { reason: message });
    if (response.headersSent) response.destroy();
    else json(response, { error: message }, error instanceof HttpError ? error.status : 500);
  }

  // --- Runs -----------------------------------------------------------------------------------------------------

  #feedOf(run: string): RunFeed {
    // It becomes part of keys.
    if (run === '' || run === '.' || run === '..' || run.includes('/'))
      throw new HttpError(404, `There is no run "${run}"`);
    const known = this.#feeds.get(run);
    this.#feeds.delete(run);
    const feed = known ?? new RunFeed(new RunWatch(this.#ctx, run, this.#options), this.#options.everyMs);
    // The last one asked for stands last.
    this.#feeds.set(run, feed);
    const idle = [...this.#feeds].filter(([, { watched }]) => !watched);
    for (const [name] of idle.slice(0, -KEPT_FEEDS)) this.#feeds.delete(name);
    return feed;
  }

  async #run({ response, parts: [run = ''] }: Asked): Promise<void> {
    const view = await this.#feedOf(run).view();
    if (!view) throw new HttpError(404, `There is no run "${run}"`);
    json(response, view);
  }

  async #events({ request, response, parts: [run = ''] }: Asked): Promise<void> {
    const feed = this.#feedOf(run);
    const send = (event: string, data: unknown): void => {
      if (response.writableEnded) return;
      response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      // A page that sleeps: it comes again, and is told everything anew.
      if (event !== 'view' && response.writableLength > MOST_UNREAD_BYTES) response.destroy();
    };
    const leave = await feed.listen({
      view: (view) => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
        send('view', view);
      },
      changes: (changes) => send('changes', changes),
      trouble: (message) => send('trouble', { message }),
    });
    this.#streams.add(response);
    const beat = setInterval(() => send('beat', {}), HEARTBEAT_MS);
    request.on('close', () => {
      clearInterval(beat);
      this.#streams.delete(response);
      leave();
    });
  }

  // --- Jobs -----------------------------------------------------------------------------------------------------

  async #job(id: string): Promise<NonNullable<Awaited<ReturnType<typeof readJob>>>> {
    const job = isJobId(id) ? await readJob(this.#ctx, id) : undefined;
    if (!job) throw new HttpError(404, `There is no job "${id}"`);
    return job;
  }

  async #log({ response, url, parts: [id = ''] }: Asked): Promise<void> {
    const job = await this.#job(id);
    const attempt = numberOf(url, 'attempt', { usual: job.attempts.length, most: job.attempts.length });
    const lines = numberOf(url, 'lines', LOG_LINES);
    const log =
      (await readLogEnd(this.#ctx, job, { attempt, lines })) ??
      (attempt === job.attempts.length ? await this.#liveLogs.end(job, lines) : undefined);
    if (!log) throw new HttpError(404, noLog(job.attempts.length, this.#options.page.backend));
    json(response, log);
  }

  async #retryJob({ response, parts: [id = ''] }: Asked): Promise<void> {
    const job = await this.#job(id);
    const outcome = await retryJobs(this.#ctx, [job.id]);
    await this.#feeds.get(job.run)?.now();
    json(response, outcome);
  }

  async #retryRun({ response, parts: [run = ''] }: Asked): Promise<void> {
    const feed = this.#feedOf(run);
    const outcome = await retryFailed(this.#ctx, run);
    await feed.now();
    json(response, outcome);
  }

  async #cancelJob({ response, parts: [id = ''] }: Asked): Promise<void> {
    const job = await this.#job(id);
    const { state } = await cancel(this.#ctx, job.id);
    await this.#feeds.get(job.run)?.now();
    json(response, { job: job.id, state });
  }
}

/** What stands in a path where the pattern has stars; `undefined` when it is no such path. */
function match(pattern: string, path: string): string[] | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const parts: string[] = [];
  for (const [at, part] of wanted.entries()) {
    const there = given[at] ?? '';
    if (part === '*') parts.push(decoded(there));
    else if (part !== there) return undefined;
  }
  return parts;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, `"${part}" is not percent-encoded as it should be`);
  }
}

/** Ids are letters, digits and `-`: nothing else may become part of a key. */
const isJobId = (id: string): boolean => /^[A-Za-z0-9-]{1,200}$/.test(id);

function numberOf(url: URL, name: string, { usual, most }: { usual: number; most: number }): number {
  const text = url.searchParams.get(name);
  if (text === null) return usual;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new HttpError(400, `${name} must be a whole number, 1 or more`);
  return Math.min(Number(text), most);
}

function noLog(attempts: number, backend: PageSettings['backend']): string {
  if (attempts === 0) return 'There is no log: no container has run for this job';
  return backend === 'aws' ? 'There is no log of this attempt yet' : 'There is no log of this attempt';
}

function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(value));
}
