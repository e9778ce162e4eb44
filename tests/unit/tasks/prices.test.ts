import { describe, expect, test } from '@jest/globals';
import { billedSeconds, cost } from '../../../lib/tasks/prices.ts';

const HOUR = 3600;
const usage = {
  size: { vcpu: 2, memoryMiB: 8192, diskGiB: 20 },
  spot: false,
  seconds: HOUR,
  architecture: 'x86_64' as const,
};

describe('cost', () => {
  test('an hour of 2 vCPU and 8 GB', () => {
    expect(cost(usage)).toBeCloseTo(2 * 0.04048 + 8 * 0.004445, 10);
  });

  test('ARM is cheaper', () => {
    expect(cost({ ...usage, architecture: 'arm64' })).toBeCloseTo(2 * 0.03238 + 8 * 0.00356, 10);
  });

  test('Spot is three tenths', () => {
    expect(cost({ ...usage, spot: true })).toBeCloseTo(cost(usage) * 0.3, 10);
  });

  test('disk is billed above 20 GB only, and not cheaper on Spot', () => {
    const bigger = { ...usage, size: { ...usage.size, diskGiB: 120 } };
    expect(cost(bigger) - cost(usage)).toBeCloseTo(100 * 0.000111, 10);
    expect(cost({ ...bigger, spot: true }) - cost({ ...usage, spot: true })).toBeCloseTo(100 * 0.000111, 10);
  });

  test('a minute is the least, then every second begun', () => {
    expect([0, 59.5, 60, 60.1, 61].map(billedSeconds)).toEqual([60, 60, 60, 61, 61]);
    expect(cost({ ...usage, seconds: 1 })).toBeCloseTo(cost(usage) / 60, 10);
  });
});
