/** The tests that containers bring along, run inside their images: `containers/<name>/test.sh`. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { findEngine } from '../../lib/local/engine.ts';
import { findRealData } from '../tools/real-data.ts';

const CONTAINERS = fileURLToPath(new URL('../../containers/', import.meta.url));
const scripts = readdirSync(CONTAINERS)
  .map((name) => ({ name, script: `${CONTAINERS}${name}/test.sh` }))
  .filter(({ script }) => existsSync(script));

/** Maps are made there, one after another. */
const TIMEOUT_MS = 20 * 60_000;

describe('the container', () => {
  let engine: string;
  beforeAll(async () => {
    const { engine: found, tried } = await findEngine();
    if (!found) throw new Error(`No container engine: ${tried.join('; ')}. Run: npm run setup`);
    engine = found.kind;
  });

  test.each(scripts)(
    '$name passes its own tests',
    async ({ name, script }) => {
      const realData = findRealData(process.env);
      const { exitCode, all } = await execa('sh', [script], {
        reject: false,
        all: true,
        stdin: 'ignore',
        env: {
          ENGINE: engine,
          IMAGE: `longshore/${name}:latest`,
          ...(realData === undefined ? {} : { LONGSHORE_REAL_DATA: realData }),
        },
      });
      // unittest says at the end how many ran, and which failed why.
      if (exitCode !== 0) throw new Error(`${script} ended with exit code ${exitCode}:\n${all}`);
      expect(all).toMatch(/Ran [1-9]\d* tests? in/);
    },
    TIMEOUT_MS,
  );
});
