/** The double's time. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { fastClock, jumpingClock } from '../../doubles/ecs/clock.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test.each([
  ['fast', (): { now: () => number } => fastClock(200)],
  ['jumping', jumpingClock],
])('a %s clock does not go back when the machine’s is set back', (_, start) => {
  const begin = Date.now();
  const machine = jest.spyOn(Date, 'now').mockReturnValue(begin);
  const clock = start();
  const before = clock.now();
  machine.mockReturnValue(begin - 60_000);
  expect(clock.now()).toBeGreaterThanOrEqual(before);
});
