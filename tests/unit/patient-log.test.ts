import { describe, expect, test } from '@jest/globals';
import { patientLog } from '../../lib/local/patient-log.ts';
import { MemoryLog } from '../doubles/memory/log.ts';

describe('a fault that comes again and again', () => {
  test('is told once a minute, another one at once, and news always', () => {
    const lines = new MemoryLog();
    let now = 0;
    const log = patientLog(lines, () => now);
    for (; now < 60_000; now += 1000) {
      log.error('Disk:Write:Failed', { reason: 'full' });
      log.info('Job:Accept:Done', { job: 'a' });
    }
    log.error('Disk:Write:Failed', { reason: 'full' });
    log.with({ job: 'a' }).error('Disk:Write:Failed', { reason: 'full' });
    const faults = lines.lines.filter(({ level }) => level === 'error');
    expect(faults.map(({ job }) => job)).toEqual([undefined, undefined, 'a']);
    expect(lines.lines).toHaveLength(60 + faults.length);
  });
});
