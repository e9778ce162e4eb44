#!/usr/bin/env node
/**
 * The `longshore` command. Plain JavaScript, for any Node: the rest is TypeScript, which Node 22.18 and later run as it is.
 * On an older one (Debian's, Node 20) the Node 24 that npm installed beside it takes over.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { loadEngineEnv } from './engine-env.mjs';

loadEngineEnv(process.env);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  await runHere();
} else {
  runInNode24();
}

async function runHere() {
  // Types need to be stripped and code compiled once only: a third off the start.
  module.enableCompileCache();
  dieWithLauncher();
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
}

function runInNode24() {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(node)) {
    console.error(
      `longshore needs Node 22.18 or later and this is ${process.version}; the Node 24 that comes with it is not installed. Run  npm ci  in ${fileURLToPath(new URL('..', import.meta.url))}`,
    );
    process.exitCode = 3;
    return;
  }
  // The channel is there to be closed: it tells the child when this process is gone, even by SIGKILL.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, LONGSHORE_LAUNCHED: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code;
    else {
      // Ended by a signal: end the same way, so that a shell sees what happened.
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

/** A launcher killed with `kill -9` must not leave its child working behind the back of whoever killed it. */
function dieWithLauncher() {
  if (process.env.LONGSHORE_LAUNCHED === undefined || !process.channel) return;
  delete process.env.LONGSHORE_LAUNCHED;
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}
