import { describe, expect, test } from '@jest/globals';
import type { JobView } from '../../cli/dashboard/view.ts';
import { duration, forecastText, percent, shareDone, usd, whatNow } from '../../dashboard/text.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const job = (extra: Partial<JobView>): JobView => ({
  id: 'a',
  task: 'text',
  name: 'a',
  state: 'running',
  accepted: true,
  ...extra,
});

test.each([
  [0, '0 s'],
  [99, '99 s'],
  [100, '2 min'],
  [3599, '1 h 00 min'],
  [2 * 3600 + 5 * 60, '2 h 05 min'],
  [24 * 3600 - 1, '1 d 0 h'],
  [100 * 3600, '4 d 4 h'],
])('%d seconds are said as %s', (seconds, said) => {
  expect(duration(seconds)).toBe(said);
});

test.each([
  [0, '$0'],
  [0.00421, '$0.0042'],
  [12.3, '$12.30'],
  [1234.56, '$1,235'],
])('%d dollars are said as %s', (value, said) => {
  expect(usd(value)).toBe(said);
});

test('all is done at 100 %, and not before', () => {
  expect(percent(0.9999)).toBe('99 %');
  expect(percent(1)).toBe('100 %');
});

describe('the time left', () => {
  const range = { kind: 'range', confidence: 'fair', ended: 12, ratio: 1.1 } as const;

  test('is a range with one unit where both ends have it', () => {
    const { main, note } = forecastText({ ...range, low: 2000, likely: 2500, high: 3400 }, NOW);
    expect(main).toBe('33 – 57 min');
    expect(note).toMatch(/; fair confidence, from 12 jobs that took 10 % longer than expected$/);
  });

  test('is a range with both units where they differ, and one time where both ends are said the same', () => {
    expect(forecastText({ ...range, low: 3000, likely: 3500, high: 4200 }, NOW).main).toBe(
      '50 min – 1 h 10 min',
    );
    expect(forecastText({ ...range, low: 3001, likely: 3002, high: 3003 }, NOW).main).toBe('50 min');
  });

  test('is what was planned before there is enough to tell, and that is said', () => {
    const said = forecastText({ kind: 'unknown', ended: 1, needed: 3, planSeconds: 600 }, NOW);
    expect(said).toEqual({
      main: 'About 10 min',
      note: 'as planned; too little to tell: 1 of at least 3 jobs published',
    });
    expect(forecastText({ kind: 'unknown', ended: 0, needed: 3 }, NOW).main).toBe('Not known yet');
  });
});

describe('what a job is at', () => {
  test('is its own word while its container runs, and the step after that', () => {
    expect(whatNow(job({ phase: 'processing', stage: { text: 'write 42 %' } }), NOW)).toBe('write 42 %');
    expect(whatNow(job({ phase: 'publishing' }), NOW)).toBe('publishing');
  });

  test('is what it waits for', () => {
    expect(whatNow(job({ state: 'waiting', accepted: false }), NOW)).toBe('planned');
    const later = job({ state: 'waiting', notBefore: NOW + 30_000, reason: 'the mirror is away' });
    expect(whatNow(later, NOW)).toBe('tried again in 30 s: the mirror is away');
  });
});

describe('the share that is done', () => {
  test('is the job’s own word before its time', () => {
    const told = job({
      stage: { text: 'write', percent: 42 },
      startedAt: NOW - 90_000,
      expectedSeconds: 100,
    });
    expect(shareDone(told, NOW)).toBe(0.42);
  });

  test('is never all of it by time alone, and not known where nobody has an estimate, or a container is shared', () => {
    const started = { startedAt: NOW - 500_000 };
    expect(shareDone(job({ ...started, expectedSeconds: 100 }), NOW)).toBe(0.97);
    expect(shareDone(job(started), NOW)).toBeUndefined();
    const packed = { ...started, expectedSeconds: 100, launch: { id: 'pack', jobs: 4 } };
    expect(shareDone(job(packed), NOW)).toBeUndefined();
  });
});
