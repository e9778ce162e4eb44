import { describe, expect, test } from '@jest/globals';
import { planText } from '../../cli/plan-text.ts';
import { budgetText, progressLine, progressText } from '../../cli/progress-text.ts';
import { resultText, standing } from '../../cli/rebuild-result.ts';
import { isOver } from '../../cli/run-watch.ts';
import { terminal } from '../../cli/streams.ts';
import type { Job } from '../../lib/pipeline/job.ts';
import type { Plan, PlannedJob } from '../../lib/pipeline/plan.ts';
import type { Status } from '../../lib/pipeline/status.ts';

const planned = (name: string, more: Partial<PlannedJob> = {}): PlannedJob => ({
  task: 't',
  params: { area: name },
  priority: 5,
  name,
  bytes: 1024 * 1024,
  size: { vcpu: 4, memoryMiB: 16_384, diskGiB: 20 },
  spot: true,
  expectedSeconds: 100,
  basis: 'size',
  costUsd: { onDemand: 0.3, spot: 0.1 },
  limits: [],
  ...more,
});

const planOf = (jobs: PlannedJob[], more: Partial<Plan> = {}): Plan => ({
  planVersion: 1,
  run: 'world-2026-11',
  manifest: 'world',
  createdAt: '2026-11-01T03:00:00.000Z',
  maxTasks: 50,
  jobs,
  totals: {
    jobs: jobs.filter(({ fresh, refused }) => !fresh && !refused).length,
    fresh: jobs.filter(({ fresh }) => fresh).length,
    bytes: 1,
    seconds: 100,
    makespanSeconds: 7300,
    costUsd: { onDemand: 3, spot: 1 },
    peakVcpu: 200,
    heldBy: 'mirror:m',
  },
  ...more,
});

describe('a plan as text', () => {
  test('says what is made, how long with how many, how much, and what the account must allow', () => {
    const text = planText(planOf([planned('a'), planned('b', { fresh: 'same source' })], { maxCostUsd: 20 }));
    expect(text).toContain('world-2026-11: 1 of the 2 jobs of world are to be made (1 fresh)');
    expect(text).toMatch(
      /^time +2 h 02 min, with up to 50 containers at once; fewer at times, by the limit mirror:m$/m,
    );
    expect(text).toMatch(/^cost +\$1\.00 on Fargate Spot, \$3\.00 on demand$/m);
    expect(text).toMatch(/^budget +\$20\.00 at most$/m);
    expect(text).toMatch(/^vCPU +200 at once; a new AWS account has 6/m);
    expect(text).toMatch(/^4 vCPU, 16 GiB +1 /m);
  });

  test('names what is fresh, what cannot be made, and what nobody could look at', () => {
    const many = Array.from({ length: 25 }, (_, at) => planned(`x${at}`, { unreachable: 'HTTP 503' }));
    const text = planText(
      planOf([planned('gone', { refused: 'HTTP 404' }), ...many], { notes: ['exclude: odd'] }),
    );
    expect(text).toContain('cannot be made: the source is not there (1):\n  gone: HTTP 404');
    expect(text).toContain('could not be looked at, and will be tried all the same (25):\n  x0: HTTP 503');
    expect(text).toContain('  and 5 more (--json has all)');
    expect(text).toContain('note: exclude: odd');
    expect(text).toContain('the 10 that take longest');
  });
});

const counts = { waiting: 0, running: 0, published: 0, failed: 0, quarantined: 0, cancelled: 0 };
const statusOf = (jobs: Partial<typeof counts>, more: Partial<Status> = {}): Status => ({
  jobs: { ...counts, ...jobs },
  runs: [],
  running: [],
  failures: [],
  sets: [],
  budgets: [],
  unreadable: [],
  ...more,
});

const job = (state: Job['state'], attempts = 1): Job =>
  ({ state, attempts: Array.from({ length: attempts }, () => ({})) }) as Job;

describe('a run', () => {
  const budget = { run: 'r', capUsd: 5, spentUsd: 1.2, underWayUsd: 0.3, held: 12 };

  test('shows how far it is, what it spends, what runs for how long of how long, and what failed', () => {
    const running = [
      {
        job: 'j',
        run: 'r',
        task: 't',
        name: 'a',
        attempt: 2,
        phase: 'processing' as const,
        size: { vcpu: 1, memoryMiB: 2048, diskGiB: 20 },
        seconds: 40,
      },
    ];
    const failures = [
      { job: 'f', run: 'r', task: 't', name: 'b', state: 'failed' as const, reason: 'no luck' },
    ];
    const status = statusOf(
      { waiting: 12, running: 1, published: 11, failed: 1 },
      { running, failures, budgets: [budget] },
    );
    const text = progressText({ run: 'r', status, plan: planOf([planned('a')]), leftSeconds: 600 });
    expect(text.split('\n')).toEqual([
      expect.stringMatching(
        /^r {2}█+░+ 12\/25 {2}12 waiting, 1 running, 11 published, 1 failed, about 10 min 00 s left$/,
      ),
      'spent $1.20 of $5.00, $0.3000 under way; 12 waiting jobs are held by the budget',
      expect.stringContaining('running'),
      expect.stringMatching(/^ {2}a +processing, attempt 2 +40\.0 s of about 1 min 40 s +2048 MiB$/),
      '  failed: b: no luck',
    ]);
  });

  test('that its budget holds does not say how long it will take', () => {
    const budgets = [{ ...budget, underWayUsd: 0 }];
    const status = statusOf({ waiting: 12, published: 3 }, { budgets });
    expect(progressLine({ run: 'r', status, leftSeconds: 600 })).toBe('12 waiting, 3 published');
  });

  test('is over when nothing is left but what its budget holds, and nothing under way could give that room', () => {
    const over = (jobs: Partial<typeof counts>, budgets: Status['budgets'] = []): boolean =>
      isOver({ run: 'r', status: statusOf(jobs, { budgets }) });
    expect(over({ published: 3 })).toBe(true);
    expect(over({ published: 3, waiting: 12 })).toBe(false);
    expect(over({ waiting: 12, running: 1 }, [{ ...budget, underWayUsd: 0 }])).toBe(false);
    expect(over({ waiting: 12 }, [budget])).toBe(false);
    expect(over({ waiting: 12 }, [{ ...budget, underWayUsd: 0 }])).toBe(true);
    expect(budgetText(statusOf({}))).toBe('');
  });

  test('that is started says what is to do, and why the rest is not', () => {
    expect(
      standing([job('waiting'), job('running'), job('published'), job('failed'), job('published', 0)]),
    ).toBe('2 of 5 jobs to do; 1 fresh, their sources unchanged; 1 made by this run before; 1 failed before');
    expect(standing([job('quarantined'), job('cancelled')])).toBe(
      'nothing to do, of 2 jobs; 1 set aside; 1 cancelled before',
    );
  });

  test('that is not whole says how to go on', () => {
    const jobs = { ...counts, published: 3, failed: 1, waiting: 2 };
    const failures = [
      { job: 'f', run: 'r', task: 't', name: 'b', state: 'failed' as const, reason: 'no luck' },
    ];
    const text = resultText({ run: 'r', jobs, fresh: 1, seconds: 90, costUsd: 0.5, failures, held: 2 });
    expect(text).toContain('2 waiting, 3 published, 1 failed (1 fresh); 1 min 30 s of containers, $0.5000');
    expect(text).toContain('2 are held by the budget: the same command with a higher --max-cost goes on');
    expect(text).toContain('longshore retry r --failed');
  });
});

test('live lines are taken back as they were written, and none is longer or lower than the screen', () => {
  const written: string[] = [];
  const write = (text: string): boolean => written.push(text) > 0;
  const stream = { isTTY: true, columns: 12, rows: 4, write, on: () => stream };
  const out = terminal(stream as never, stream as never);
  out.status('one\ntwo, which is long\nthree\nfour\nfive');
  out.note('done');
  expect(written).toEqual(['one\ntwo, which \nthree', '\u001b[2A', '\r\u001b[J', 'done\n']);
  out.status();
  expect(written).toHaveLength(4);
});
