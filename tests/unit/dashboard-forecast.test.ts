import { describe, expect, test } from '@jest/globals';
import { forecast, makespan } from '../../cli/dashboard/forecast.ts';
import type { JobView } from '../../cli/dashboard/view.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');

let count = 0;
function job(state: JobView['state'], extra: Partial<JobView> = {}): JobView {
  count += 1;
  const name = `area-${count}`;
  return { id: name, task: 'text', name, state, accepted: true, expectedSeconds: 100, ...extra };
}
const many = (times: number, make: () => JobView): JobView[] => Array.from({ length: times }, make);
const of = (jobs: JobView[], slots = 1): ReturnType<typeof forecast> =>
  forecast({ jobs, slots, now: NOW, active: true });

const running = (seconds: number): JobView => job('running', { startedAt: NOW - seconds * 1000 });

/** After jobs that took so long, with six left. */
const rangeAfter = (seconds: number[]): { low: number; likely: number; high: number; confidence: string } => {
  const found = of([
    ...seconds.map((one) => job('published', { seconds: one })),
    ...many(6, () => job('waiting')),
  ]);
  if (found.kind !== 'range') throw new Error(`it is ${found.kind}`);
  expect(found.low).toBeLessThanOrEqual(found.likely);
  expect(found.likely).toBeLessThanOrEqual(found.high);
  return found;
};

describe('how long a run goes on', () => {
  test('is nothing when nothing is left to do', () => {
    expect(of([job('published', { seconds: 90 }), job('failed')])).toEqual({ kind: 'done' });
  });

  test('is up to the budget when only held jobs are left, which else count for nothing', () => {
    const ended = many(5, () => job('published', { seconds: 100 }));
    expect(of([...ended, job('held'), job('held')])).toEqual({ kind: 'held', jobs: 2 });
    expect(of([...ended, job('held'), job('waiting')])).toMatchObject({ likely: 100 });
  });

  test('cannot be told while nothing works on it', () => {
    const parts = { jobs: [job('waiting')], slots: 1, now: NOW };
    expect(forecast({ ...parts, active: false })).toEqual({ kind: 'idle' });
  });

  test('is what was planned, and said to be no more than that, before three jobs have ended', () => {
    const jobs = [...many(2, () => job('published', { seconds: 90 })), ...many(4, () => job('waiting'))];
    expect(of(jobs, 2)).toEqual({ kind: 'unknown', ended: 2, needed: 3, planSeconds: 200 });
  });

  test('cannot be told of jobs that nobody has an estimate for', () => {
    const { expectedSeconds: _, ...unknown } = job('waiting');
    const found = of([...many(9, () => job('published', { seconds: 100 })), unknown]);
    expect(found).toEqual({ kind: 'unknown', ended: 9, needed: 3 });
  });

  test('follows what jobs took against what was expected', () => {
    const jobs = [...many(20, () => job('published', { seconds: 150 })), ...many(10, () => job('waiting'))];
    expect(of(jobs, 2)).toEqual({
      kind: 'range',
      low: 750,
      likely: 750,
      high: 750,
      confidence: 'good',
      ended: 20,
      ratio: 1.5,
    });
  });

  test('is a range that is the wider the more the estimates were off, and never upside down', () => {
    const near = rangeAfter([95, 100, 105, 98, 102]);
    const far = rangeAfter([20, 300, 60, 500, 110]);
    expect(far.high / far.low).toBeGreaterThan(near.high / near.low);
    expect(near.confidence).toBe('good');
    expect(far.confidence).toBe('rough');
  });

  test('counts a failed job as ended, and learns nothing from it', () => {
    const jobs = [
      ...many(5, () => job('published', { seconds: 100 })),
      job('failed', { seconds: 1 }),
      job('waiting'),
    ];
    expect(of(jobs)).toMatchObject({ kind: 'range', ended: 5, likely: 100 });
  });

  test('takes off what running jobs have done, and leaves a rest of those that take too long', () => {
    const ended = many(5, () => job('published', { seconds: 100 }));
    expect(of([...ended, running(60)])).toMatchObject({ likely: 40 });
    expect(of([...ended, running(400)])).toMatchObject({ likely: 40 });
  });

  test('takes jobs that share a container one after the other', () => {
    const ended = many(5, () => job('published', { seconds: 100 }));
    const packed = many(3, () =>
      job('running', { startedAt: NOW - 50_000, launch: { id: 'pack-1', jobs: 3 } }),
    );
    expect(of([...ended, ...packed])).toMatchObject({ likely: 250 });
  });

  test('is the same at each look at the same run', () => {
    const jobs = [
      ...[50, 90, 200, 130].map((seconds) => job('published', { seconds })),
      ...many(30, () => job('waiting')),
    ];
    expect(of(jobs, 3)).toEqual(of(jobs, 3));
  });
});

describe('the makespan', () => {
  test('gives the next job to the slot that is free first', () => {
    const left = [40, 30, 20, 10].map((expected) => ({ expected, elapsed: 0 }));
    expect(makespan(left, 2, () => 1)).toBe(50);
    expect(makespan(left, 4, () => 1)).toBe(40);
    expect(makespan(left, 1, () => 2)).toBe(200);
  });

  test('lets what runs go on beside it', () => {
    const left = [
      { expected: 50, elapsed: 20 },
      { expected: 40, elapsed: 0 },
    ];
    expect(makespan(left, 1, () => 1)).toBe(70);
    expect(makespan(left, 2, () => 1)).toBe(40);
  });
});
