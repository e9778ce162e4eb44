import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { lambdaLog } from '../../lib/aws/log.ts';

interface Emf {
  _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
  [name: string]: unknown;
}

/** The lines that a Lambda's log would have: Powertools writes to a console of its own, whose stream is the process's. */
let lines: string[];
beforeEach(() => {
  lines = [];
  jest.spyOn(process.stdout, 'write').mockImplementation(take);
  jest.spyOn(process.stderr, 'write').mockImplementation(take);
});
afterEach(() => {
  jest.restoreAllMocks();
});

function take(text: string | Uint8Array): boolean {
  lines.push(
    ...String(text)
      .split('\n')
      .filter((line) => line.startsWith('{')),
  );
  return true;
}

const metrics = (): Emf[] => lines.map((line) => JSON.parse(line) as Emf).filter((line) => '_aws' in line);

describe('the log of the Lambdas', () => {
  test('has the fields that all logs have, under the same names', () => {
    lambdaLog({}).with({ job: 'text-1', task: 'text' }).warn('Source:Look:Failed', { reason: 'HTTP 503' });
    expect(JSON.parse(lines[0]!)).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'warn',
      event: 'Source:Look:Failed',
      service: 'longshore',
      job: 'text-1',
      task: 'text',
      reason: 'HTTP 503',
    });
  });

  test('counts the ends of jobs for the stage, and for the task in it', () => {
    lambdaLog({ LONGSHORE_STAGE: 'test' }).error('Job:End:Failed', { task: 'text', job: 'text-1' });
    expect(metrics()).toMatchObject([
      { JobsFailed: 1, stage: 'test', service: 'longshore' },
      { JobsFailed: 1, stage: 'test', task: 'text', service: 'longshore' },
    ]);
    const told = metrics().flatMap(({ _aws }) => _aws.CloudWatchMetrics);
    expect(told).toMatchObject([
      { Namespace: 'longshore', Dimensions: [['service', 'stage']], Metrics: [{ Name: 'JobsFailed' }] },
      {
        Namespace: 'longshore',
        Dimensions: [['service', 'stage', 'task']],
        Metrics: [{ Name: 'JobsFailed' }],
      },
    ]);
  });

  test('takes the value of a metric from the event', () => {
    lambdaLog({ LONGSHORE_STAGE: 'test' }).info('Jobs:Look:Busy', {
      running: 3,
      inLine: 7,
      stalledSeconds: 61,
    });
    expect(metrics()).toMatchObject([{ TasksRunning: 3 }, { JobsInLine: 7 }, { JobsStalledSeconds: 61 }]);
    expect(metrics()[0]?._aws.CloudWatchMetrics[0]?.Dimensions).toEqual([['service', 'stage']]);
  });

  test('counts nothing for any other event', () => {
    lambdaLog({}).info('Job:Accept:Done', { job: 'text-1' });
    expect(metrics()).toEqual([]);
    expect(lines).toHaveLength(1);
  });
});
