import { describe, expect, test } from '@jest/globals';
import { checkSettings } from '../../lib/local/settings.ts';
import { lastDue, scheduledRun, startDue, type Schedule } from '../../lib/rebuild/schedule.ts';
import { monthlyRun, RUN_NAME } from '../../lib/rebuild/run-name.ts';
import { KilledError, World } from '../doubles/world.ts';

const DAY = 86_400_000;
const MONTHLY: Schedule = { manifest: 'world', cron: '0 3 1 * *', timezone: 'UTC' };
const at = (text: string): number => Date.parse(text);

const runOf = (manifest: string): string => monthlyRun(manifest, new Date('2026-11-20T12:00:00Z'), 'UTC');

describe('a run', () => {
  test('is named by its manifest and the month, without accents', () => {
    expect(runOf('My areas')).toBe('My-areas-2026-11');
    expect(runOf('Île / Malmö.v2')).toBe('Ile-Malmo-v2-2026-11');
  });

  test('of a name in another script, or a long one, is not that of another such name', () => {
    const names = ['日本', '中国', 'Карты', '…', '', 'a'.repeat(60), `${'a'.repeat(60)}b`, 'a-'.repeat(60)];
    const runs = names.map(runOf);
    expect(new Set(runs).size).toBe(names.length);
    expect(runs.filter((run) => !RUN_NAME.test(run))).toEqual([]);
    expect(runs[0]).toMatch(/^manifest-[0-9a-f]{6}-2026-11$/);
    expect(runs[5]).toMatch(/^a{33}-[0-9a-f]{6}-2026-11$/);
  });
});

describe('a schedule', () => {
  test('is due at its time, not a millisecond before', () => {
    const since = at('2026-11-20T12:00:00Z');
    expect(lastDue(MONTHLY, since, at('2026-12-01T02:59:59.999Z'))).toBeUndefined();
    expect(lastDue(MONTHLY, since, at('2026-12-01T03:00:00Z'))).toEqual(new Date('2026-12-01T03:00:00Z'));
  });

  test('once a month names its runs as a person does who starts them by hand', () => {
    expect(scheduledRun(MONTHLY, 'world', new Date('2026-12-01T03:00:00Z'))).toBe('world-2026-12');
    // The first of December has begun in Tokyo while it is November in London.
    const tokyo = { ...MONTHLY, timezone: 'Asia/Tokyo' };
    expect(scheduledRun(tokyo, 'world', new Date('2026-11-30T18:00:00Z'))).toBe('world-2026-12');
  });

  test.each(['0 3 * * 1', '0 3 1,15 * *', '*/5 * * * *'])(
    'that fires more often (%s) names them by the time',
    (cron) => {
      const due = lastDue({ ...MONTHLY, cron }, 0, at('2026-12-16T04:00:00Z'))!;
      expect(scheduledRun({ ...MONTHLY, cron }, 'My areas', due)).toMatch(/^My-areas-202612\d\dT\d{6}$/);
    },
  );

  test.each([
    [{ cron: 'monthly' }, 'cron: CronPattern: invalid'],
    [{ cron: '*/5 * * * * *' }, 'requires exactly 5 parts'],
    [{ cron: '0 3 31 2 *' }, 'cron: "0 3 31 2 *" is never due'],
    [{ cron: '0 3 1 * *', timezone: 'Moon/Base' }, 'Moon/Base'],
    [{ cron: '0 3 1 * *', maxCostUsd: 0 }, 'maxCostUsd'],
  ])('that cannot be understood is refused: %j', (schedule, fault) => {
    const settings = { schedules: [{ manifest: 'world', ...schedule }] };
    expect(() => checkSettings(settings, 'longshore.json')).toThrow(fault);
  });
});

/** A world with a schedule that was first seen on 20 November. */
async function seen(): Promise<{ world: World; started: string[]; look: () => Promise<boolean> }> {
  const world = new World();
  const started: string[] = [];
  const look = async (): Promise<boolean> =>
    await startDue(world.context, MONTHLY, async (schedule, time) => {
      started.push(scheduledRun(schedule, schedule.manifest, time));
    });
  await look();
  return { world, started, look };
}

describe('starting what is due', () => {
  test('starts nothing that was due before it was first seen', async () => {
    const { started, look } = await seen();
    await look();
    expect(started).toEqual([]);
  });

  test('starts each time once', async () => {
    const { world, started, look } = await seen();
    for (let day = 0; day < 60; day += 1) {
      world.clock.advance(DAY);
      await look();
      await look();
    }
    expect(started).toEqual(['world-2026-12', 'world-2027-01']);
  });

  test('makes up for what was missed while the machine was off, once', async () => {
    const { world, started, look } = await seen();
    world.clock.advance(100 * DAY);
    await look();
    await look();
    expect(started).toEqual(['world-2027-02']);
  });

  test('two processes, or one that died before it could note it, start the same run', async () => {
    const { world, started, look } = await seen();
    world.clock.advance(12 * DAY);
    await Promise.all([look(), look()]);
    expect(new Set(started)).toEqual(new Set(['world-2026-12']));

    world.clock.advance(31 * DAY);
    started.splice(0);
    // Killed before the second call: the record is read, the run started, and nothing noted.
    world.callsLeft = 1;
    await expect(look()).rejects.toThrow(KilledError);
    world.callsLeft = Number.POSITIVE_INFINITY;
    await look();
    await look();
    expect(started).toEqual(['world-2027-01', 'world-2027-01']);
  });

  test('that fails is due again', async () => {
    const { world, started, look } = await seen();
    world.clock.advance(12 * DAY);
    const fails = startDue(world.context, MONTHLY, async () => {
      throw new Error('the index is out of reach');
    });
    await expect(fails).rejects.toThrow('out of reach');
    await look();
    expect(started).toEqual(['world-2026-12']);
  });
});
