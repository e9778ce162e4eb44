/** `longshore dashboard [RUN]`: a page on this machine that shows a run on the world map, and as a list. */
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { openBackend, type Backend } from '../backend.ts';
import { startDashboard, type Dashboard } from '../dashboard/server.ts';
import { EnvironmentError } from '../errors.ts';
import { onInterrupt } from '../interrupt.ts';
import type { Shell } from '../main.ts';
import { portNumber, positiveInteger, withBackend, withJson, type CommonOptions } from '../options.ts';
import type { Output } from '../streams.ts';

/** A look at a run costs requests on AWS, and hardly anything on this machine. */
const EVERY_SECONDS = { local: 1, aws: 5 };

export interface DashboardCommandOptions {
  port: number;
  host: string;
  open: boolean;
  every?: number;
}

export function declare(program: Command, { out }: Shell): void {
  const command = program.command('dashboard').argument('[run]', 'this run first (default: the newest)');
  withJson(withBackend(command))
    .description('Serve a page that shows a run on the world map, live, until Ctrl-C.')
    .option('--port <number>', 'port of the page; 0: any that is free', portNumber, 4180)
    .option('--host <address>', 'address to listen at: others than 127.0.0.1 let others in', '127.0.0.1')
    .option('--every <seconds>', 'between two looks (default: 1; on AWS 5)', positiveInteger)
    .option('--no-open', 'do not open the page in a browser')
    .action(async (run: string | undefined, options: CommonOptions & DashboardCommandOptions) => {
      const interrupt = onInterrupt();
      const dashboard = await serveDashboard(await openBackend(options, out), run, options, out);
      if (options.open) openInBrowser(dashboard.url, out);
      await new Promise((resolve) => interrupt.signal.addEventListener('abort', resolve));
      await dashboard.close();
      interrupt.release();
    });
}

/** Throws {@link EnvironmentError} when it cannot listen. */
async function serveDashboard(
  backend: Backend,
  run: string | undefined,
  options: CommonOptions & DashboardCommandOptions,
  out: Output,
): Promise<Dashboard> {
  const { ctx, liveLogs, liveLog, memoryOf } = backend;
  const seconds = options.every ?? EVERY_SECONDS[options.backend];
  const dashboard = await listening(options, {
    ctx,
    host: options.host,
    port: options.port,
    everyMs: seconds * 1000,
    liveLogs,
    ...(liveLog ? { liveLog } : {}),
    ...(memoryOf ? { memoryOf } : {}),
    page: {
      backend: options.backend,
      place: options.backend === 'local' ? options.home : ctx.records.uri(''),
      ...(run === undefined ? {} : { run }),
    },
  });
  if (options.json) out.line(JSON.stringify({ url: dashboard.url }));
  else out.line(`longshore dashboard at ${dashboard.url}  (Ctrl-C ends it)`);
  if (!isLoopback(options.host))
    out.note(`longshore: whoever reaches ${options.host} can see the runs there, retry jobs and cancel them`);
  return dashboard;
}

async function listening(
  { host, port }: DashboardCommandOptions,
  options: Parameters<typeof startDashboard>[0],
): Promise<Dashboard> {
  try {
    return await startDashboard(options);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== 'listen' && syscall !== 'getaddrinfo') throw error;
    throw new EnvironmentError(
      `The page cannot be served at ${host}, port ${port} (${code}): give another with --port or --host; --port 0 takes any that is free`,
      { cause: error },
    );
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Where there is a desktop to open it on; the address is printed in any case. */
function openInBrowser(url: string, out: Output): void {
  if (!out.live || (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY))
    return;
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(program, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => out.note(`longshore: ${program} is not there; open ${url} yourself`));
  child.unref();
}
