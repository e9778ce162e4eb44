import { describe, expect, test } from '@jest/globals';
import { findingText } from '../../cli/commands/doctor.ts';
import { pushName } from '../../cli/push.ts';
import { statusText } from '../../cli/commands/status.ts';
import { UsageError } from '../../cli/errors.ts';
import { eventLine } from '../../cli/event-log.ts';
import { missing } from '../../cli/findings.ts';
import { logText } from '../../cli/log-text.ts';
import { heard, progressOf, progressText } from '../../cli/progress-line.ts';
import type { Status } from '../../lib/pipeline/status.ts';

describe('a line of a log', () => {
  test.each([
    ['plain words', 'plain words'],
    ['{"level":"info","stream":"stdout","message":"hello"}', 'info  hello'],
    [
      '{"level":"info","event":"Land:Clip:Done","message":"clipped","polygons":12,"box":[1,2]}',
      'info  Land:Clip:Done  clipped  polygons=12  box=[1,2]',
    ],
    ['{"level":"info","event":"Progress","stage":"write","percent":42.9}', 'progress  write 42 %'],
    ['{"broken', '{"broken'],
    ['7', '7'],
  ])('%s', (line, text) => {
    expect(logText(line)).toBe(text);
  });
});

describe('progress', () => {
  test.each([
    [{ stage: 'download', bytes: 1024 }, 'download 1.00 KiB'],
    [{ stage: 'download', bytes: 1024, totalBytes: 4096 }, 'download 25 % (1.00 KiB of 4.00 KiB)'],
    [{ stage: 'merge' }, 'merge'],
    [{ stage: 'download', percent: 'half' }, 'download'],
  ])('%j is shown as %s', (fields, text) => {
    expect(progressText(progressOf({ event: 'Progress', ...fields })!)).toBe(text);
  });

  test('is no other event, and none without a stage', () => {
    expect(progressOf({ event: 'Land:Clip:Done', stage: 'clip' })).toBeUndefined();
    expect(progressOf({ event: 'Progress' })).toBeUndefined();
  });

  test('of a handler that tells none is its latest event, never the plain text of its tools', () => {
    expect(heard({ event: 'Land:Clip:Done' })).toEqual({ stage: 'Land:Clip:Done' });
    expect(heard({ event: 'Process:Say:Line', message: 'clipping' })).toBeUndefined();
  });
});

describe('an event in `up`', () => {
  const at = /^\d\d:\d\d:\d\d {2}/;

  test('tells a start, and how many share it', () => {
    const size = { vcpu: 1, memoryMiB: 2048, diskGiB: 20 };
    expect(eventLine('info', 'Task:Launch:Done', { name: 'malta', attempt: 2, size })).toMatch(
      /started +malta  attempt 2, 1 vCPU, 2048 MiB$/,
    );
    expect(eventLine('info', 'Task:Launch:Done', { name: 'malta', attempt: 1, size, jobs: 50 })).toMatch(
      /started +malta  and 49 more in one container, 1 vCPU, 2048 MiB$/,
    );
  });

  test('of a job that ended tells the reason', () => {
    const line = eventLine('warn', 'Job:End:Quarantined', { job: 'j', name: 'malta', reason: 'it is empty' });
    expect(line).toMatch(at);
    expect(line?.replace(at, '')).toBe('quarantined  malta: it is empty');
  });

  test('of trouble is one line with its reason, whatever is in it, and without the code', () => {
    const fields = { key: 'a\nb', reason: 'full', stack: 'Error: full\n    at put' };
    const line = eventLine('error', 'Upload:Read:Failed', fields);
    expect(line?.replace(at, '')).toBe('Upload:Read:Failed  key="a\\nb"  reason=full');
  });

  test('is not told twice for a job that is refused at once', () => {
    expect(
      eventLine('info', 'Job:Accept:Done', { name: 'malta', bytes: 0, state: 'quarantined' }),
    ).toBeUndefined();
    expect(eventLine('info', 'Job:Accept:Done', { name: 'malta', bytes: 2048, state: 'waiting' })).toMatch(
      /accepted +malta {2}2\.00 KiB$/,
    );
  });

  test('of a granule that is not complete names the file that has come', () => {
    const fields = { task: 't', granule: 'g1', key: 't/x/g1.hdf5', state: 'collecting' };
    expect(eventLine('info', 'Upload:Collect:Done', fields)).toMatch(
      /collected {4}g1: g1\.hdf5 has come, others are waited for$/,
    );
    expect(eventLine('info', 'Upload:Collect:Done', { ...fields, state: 'started' })).toBeUndefined();
  });

  test('that nobody foresaw is shown when it is a warning, with its fields', () => {
    expect(eventLine('warn', 'Message:Handle:Failed', { reason: 'no room' })).toMatch(
      /Message:Handle:Failed {2}reason="no room"$/,
    );
    expect(eventLine('info', 'Queue:Look:Done', {})).toBeUndefined();
  });
});

describe('status', () => {
  const none = { waiting: 0, running: 0, published: 0, failed: 0, quarantined: 0, cancelled: 0 };

  test('without jobs says how to get some', () => {
    const nothing = {
      jobs: none,
      runs: [],
      running: [],
      failures: [],
      sets: [],
      budgets: [],
      unreadable: [],
    };
    expect(statusText(nothing)).toMatch(/no jobs yet/);
    expect(statusText({ run: 'x', ...nothing })).toBe('There is no run "x"');
  });

  test('of a file without a task, or an area without an extract, says what would help', () => {
    const found: Status = {
      jobs: none,
      runs: [{ run: 'r1', jobs: none }],
      running: [],
      failures: [
        { job: 'j1', run: 'r1', task: 'nosuch', name: 'a', state: 'quarantined', cause: 'unknown-task' },
      ],
      sets: [],
      budgets: [],
      unreadable: [],
    };
    expect(statusText(found)).toMatch(/to try again: drop it for a task that there is \(longshore tasks\)/);
    found.failures[0]!.cause = 'unknown-source';
    expect(statusText(found)).toContain('to try again, once it is there: longshore retry j1');
  });

  test('shows the counts, what runs, and what failed with reason and way out', () => {
    const jobs = { ...none, running: 1, failed: 1 };
    const found: Status = {
      jobs,
      runs: [{ run: 'r1', jobs }],
      running: [
        {
          job: 'j1',
          run: 'r1',
          task: 't',
          name: 'europe/malta',
          attempt: 2,
          phase: 'processing',
          size: { vcpu: 1, memoryMiB: 2048, diskGiB: 20 },
          seconds: 61,
        },
      ],
      failures: [
        { job: 'j2', run: 'r1', task: 't', name: 'europe/monaco', state: 'failed', reason: 'disk full' },
      ],
      sets: [
        {
          task: 't',
          granule: 'g1',
          parts: ['t/g1.hdf5'],
          missing: ['xml'],
          since: '2026-01-01T00:00:00.000Z',
          until: '2026-01-02T00:00:00.000Z',
        },
      ],
      budgets: [],
      unreadable: [{ job: 'j3', reason: 'Error: The record jobs/j3.json is not JSON' }],
    };
    const text = statusText(found);
    expect(text).toContain('cannot be read: j3\n  Error: The record jobs/j3.json is not JSON');
    expect(text).toMatch(/^run +waiting +running +published +failed/);
    expect(text).toMatch(/^r1 +0 +1 +0 +1 +0 +0$/m);
    expect(text).toMatch(/^j1 +europe\/malta +2 +processing +1 vCPU 2048 MiB +1 min 01 s$/m);
    expect(text).toMatch(
      /failed: europe\/monaco {2}\(j2\)\n {2}disk full\n {2}to try again: .*longshore logs j2/,
    );
    expect(text).toMatch(
      /waiting for parts: g1 {2}\(t\)\n {2}missing xml; has g1\.hdf5; until 2026-01-02T00:00:00\.000Z/,
    );
  });
});

test('a finding of the doctor says what to do', () => {
  expect(findingText(missing('image x', 'not on this machine', 'longshore image build x'))).toBe(
    '✗ image x: not on this machine\n    longshore image build x',
  );
});

describe('the name under which an image is pushed', () => {
  test('is registry, image and tag', () => {
    expect(pushName('longshore/osm', '1234.dkr.ecr.eu-west-1.amazonaws.com', 'v1')).toBe(
      '1234.dkr.ecr.eu-west-1.amazonaws.com/longshore/osm:v1',
    );
    expect(pushName('longshore/osm', 'localhost:5000/maps/', 'v1')).toBe(
      'localhost:5000/maps/longshore/osm:v1',
    );
  });

  test.each([
    ['https://x.org', 'v1'],
    ['X.org', 'v1'],
    ['x.org', 'a b'],
    ['x.org', '-v1'],
  ])('of registry %s and tag %s is refused', (registry, tag) => {
    expect(() => pushName('longshore/osm', registry, tag)).toThrow(UsageError);
  });
});
