/**
 * Everything that says whether longshore works: lint, format and types, the images, then every Jest suite. Arguments go to
 * Jest. The last line counts: `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PROJECT } from '../cli/project.ts';
import { missingForEmulator } from '../tests/aws/support/needs.ts';
import { findChromium } from '../tests/tools/chromium.ts';
import { findRealData } from '../tests/tools/real-data.ts';

interface Step {
  name: string;
  command: string[];
}

const CHECKS: Step[] = [
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'types', command: ['tsc'] },
  { name: 'types of the page', command: ['tsc', '-p', 'dashboard'] },
];

/** Whether it ended well. Its output goes to ours. */
async function run({ name, command }: Step, env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  const started = Date.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd: PROJECT, stdio: 'inherit', env: { ...process.env, ...env } });
  const code = await new Promise<number | null>((done, failed) => {
    child.on('error', failed);
    child.on('exit', done);
  });
  console.log(`${code === 0 ? '✓' : '✗'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  return code === 0;
}

interface JestResult {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  /** Suites that did not even load: their tests are in no other count. */
  numRuntimeErrorTestSuites: number;
}

async function jest(args: string[]): Promise<JestResult> {
  const folder = await mkdtemp(join(tmpdir(), 'longshore-test-'));
  const outputFile = join(folder, 'jest.json');
  try {
    const script = resolve(PROJECT, 'node_modules/jest/bin/jest.js');
    // The reporters last: Jest takes what follows them for more reporters.
    // Jest would leave a core free; many suites wait for containers anyway.
    const workers = '--maxWorkers=100%';
    const command = [
      'node',
      script,
      workers,
      ...args,
      '--json',
      `--outputFile=${outputFile}`,
      '--reporters=default',
    ];
    const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`;
    await run({ name: 'tests', command }, { NODE_OPTIONS });
    if (!existsSync(outputFile)) throw new Error('Jest ended without a result: see its messages above');
    return JSON.parse(await readFile(outputFile, 'utf8')) as JestResult;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const realData = findRealData(process.env);
console.log(
  realData === undefined
    ? 'Real extracts: none (LONGSHORE_REAL_DATA names no folder, and ../shared/data/geofabrik is not there); the tests that need them are skipped.'
    : `Real extracts: ${realData}`,
);
const chromium = findChromium(process.env);
console.log(
  chromium === undefined
    ? 'Chromium: none (scripts/browser.sh installs it); the tests of the dashboard’s page are skipped.'
    : `Chromium: ${chromium}`,
);
const noEmulator = await missingForEmulator();
console.log(
  noEmulator === undefined
    ? 'AWS emulator: MiniStack, with the containers of its ECS on this machine (tests/aws)'
    : `AWS emulator: none, so tests/aws is skipped: ${noEmulator}`,
);
const failedChecks: string[] = [];
for (const step of CHECKS) if (!(await run(step))) failedChecks.push(step.name);
if (!(await run({ name: 'images', command: ['node', 'scripts/images.ts'] }))) failedChecks.push('images');
const result = await jest(process.argv.slice(2));
const failed = result.numFailedTests + result.numRuntimeErrorTestSuites + failedChecks.length;
if (failedChecks.length > 0) console.log(`Not tests, but counted as failed: ${failedChecks.join(', ')}`);
if (result.numPendingTests > 0) console.log(`${result.numPendingTests} skipped`);
console.log(`${result.numPassedTests} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
