import { expect, test } from '@jest/globals';
import type { JobView } from '../../cli/dashboard/view.ts';
import { groupFailures } from '../../dashboard/causes.ts';

const failed = (name: string, reason: string, extra: Partial<JobView> = {}): JobView => ({
  id: name,
  task: 'text',
  name,
  state: 'failed',
  accepted: true,
  cause: 'failed',
  reason,
  ...extra,
});

test('one reason with other numbers, file names and job names is one group, the largest first', () => {
  const groups = groupFailures([
    failed('europe/malta', 'Exit code 1: the mirror closed the connection after 1.5 MiB'),
    failed('europe/monaco', 'Exit code 1: "monaco.osm.pbf" is no PBF'),
    failed('asia/brunei', 'Exit code 1: the mirror closed the connection after 20 MiB'),
    failed('asia/macau', 'Exit code 2: "macau-2.osm.pbf" is no PBF'),
    failed('asia/nepal', 'Exit code 2: "x" is no PBF'),
    failed('africa/mali', 'mali is too large'),
  ]);
  expect(groups.map(({ jobs }) => jobs.map(({ name }) => name))).toEqual([
    ['europe/monaco', 'asia/macau', 'asia/nepal'],
    ['europe/malta', 'asia/brunei'],
    ['africa/mali'],
  ]);
  expect(groups[1]!.reason).toBe('Exit code 1: the mirror closed the connection after 1.5 MiB');
});

test('another cause is another group, and so is quarantine', () => {
  const groups = groupFailures([
    failed('a', 'no word'),
    failed('b', 'no word', { cause: 'killed' }),
    failed('c', 'no word', { state: 'quarantined', cause: 'bad-input' }),
    failed('d', 'no word', { state: 'cancelled', cause: 'cancelled' }),
    failed('e', 'no word', { state: 'published' }),
  ]);
  expect(groups.map(({ cause }) => cause)).toEqual([
    'The container failed',
    'Killed from outside',
    'Bad input',
  ]);
});
