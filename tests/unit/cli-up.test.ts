/** The live line of `up`. */
import { expect, test } from '@jest/globals';
import { watch } from '../../cli/commands/up.ts';
import { quietLog } from '../contract/support/quiet-log.ts';

test('what cannot be shown is told once, and looking goes on', async () => {
  const log = quietLog();
  const stop = new AbortController();
  let looks = 0;
  const look = (): Promise<void> => {
    looks += 1;
    if (looks === 3) stop.abort();
    return Promise.reject(new Error('the disk is gone'));
  };
  await watch({ look }, log, stop.signal);
  expect(log.lines).toMatchObject([{ level: 'warn', event: 'Jobs:Show:Failed', reason: 'the disk is gone' }]);
});
