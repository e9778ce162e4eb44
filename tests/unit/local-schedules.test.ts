/** The schedules of a real home: files, records, a manifest in the home folder. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openHome, type Home } from '../../lib/local/home.ts';
import { startSchedules } from '../../lib/local/schedules.ts';
import { keys } from '../../lib/pipeline/keys.ts';
import { planKeys } from '../../lib/pipeline/plan.ts';
import { status } from '../../lib/pipeline/status.ts';
import { quietLog } from '../contract/support/quiet-log.ts';
import { tempFolder, type TempFolder } from '../contract/support/temp.ts';
import { textTask } from '../doubles/world.ts';

const DAILY = { manifest: 'areas.json', cron: '0 3 * * *', timezone: 'UTC', maxCostUsd: 2 };
const DAY = 86_400_000;

let temp: TempFolder;
beforeAll(async () => {
  temp = await tempFolder('schedules');
});
afterAll(async () => await temp.remove());

/** A home of its own, opened as often as asked: as many processes on one machine. */
async function homesOf(
  name: string,
  many: number,
): Promise<{ homes: Home[]; log: ReturnType<typeof quietLog> }> {
  const log = quietLog();
  const dir = join(temp.path, name);
  const homes: Home[] = [];
  for (let at = 0; at < many; at += 1) {
    homes.push(
      await openHome({
        dir,
        tasks: new Map([['text', textTask]]),
        log,
        engine: { tried: ['not in this test'] },
        settings: { schedules: [DAILY] },
      }),
    );
  }
  const manifest = { name: 'areas', task: 'text', areas: ['a', 'b'] };
  await writeFile(join(dir, 'areas.json'), JSON.stringify(manifest));
  return { homes, log };
}

/** As if it had been seen, and done, so long ago. */
async function seenAgo(home: Home, ms: number): Promise<void> {
  const key = keys.schedule(JSON.stringify([DAILY.manifest, DAILY.cron, DAILY.timezone]));
  const doneUntil = new Date(Date.now() - ms).toISOString();
  await home.ctx.records.create(key, { ...DAILY, doneUntil });
}

test('what was due while nothing ran is started once, with its plan and its budget', async () => {
  const { homes } = await homesOf('missed', 1);
  const [home] = homes as [Home];
  await seenAgo(home, 3 * DAY);
  expect(await startSchedules(home)).toBe(true);
  expect(await startSchedules(home)).toBe(true);
  const { runs, budgets } = await status(home.ctx);
  expect(runs).toMatchObject([{ run: expect.stringMatching(/^areas-\d{8}T030000$/), jobs: { waiting: 2 } }]);
  expect(budgets).toMatchObject([{ capUsd: 2, held: 0 }]);
  expect(await home.ctx.stores.output.head(planKeys.plan(runs[0]!.run))).toBeDefined();
  home.close();
});

test('two processes that see it at once make one run of it', async () => {
  const { homes } = await homesOf('two', 2);
  await seenAgo(homes[0]!, DAY);
  expect(await Promise.all(homes.map(async (home) => await startSchedules(home)))).toEqual([true, true]);
  expect((await status(homes[0]!.ctx)).runs).toMatchObject([{ jobs: { waiting: 2 } }]);
  for (const home of homes) home.close();
});

test('a schedule that was never seen starts nothing of the past', async () => {
  const { homes } = await homesOf('new', 1);
  await startSchedules(homes[0]!);
  expect((await status(homes[0]!.ctx)).runs).toEqual([]);
  homes[0]!.close();
});

test('what cannot be started is told with the reason, and is due again', async () => {
  const { homes, log } = await homesOf('broken', 1);
  const [home] = homes as [Home];
  await seenAgo(home, DAY);
  const path = join(home.dir, 'areas.json');
  await writeFile(path, '{ "task": "text", "areas": [7] }');
  expect(await startSchedules(home)).toBe(false);
  expect(log.lines).toContainEqual(
    expect.objectContaining({ event: 'Schedule:Start:Failed', reason: expect.stringContaining('area 1') }),
  );
  await writeFile(path, '{ "task": "text", "areas": ["a"] }');
  expect(await startSchedules(home)).toBe(true);
  expect((await status(home.ctx)).jobs.waiting).toBe(1);
  home.close();
});
