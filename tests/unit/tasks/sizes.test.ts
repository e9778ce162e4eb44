import { describe, expect, test } from '@jest/globals';
import {
  clampTo,
  FARGATE_SIZES,
  isValidSize,
  LARGEST_SIZE,
  nextMemory,
  roundUp,
  sizeText,
} from '../../../lib/tasks/sizes.ts';
import type { FargateSize } from '../../../lib/ports.ts';

const size = (vcpu: number, gib: number, diskGiB = 20): FargateSize => ({
  vcpu,
  memoryMiB: gib * 1024,
  diskGiB,
});

const EVERY_SIZE = FARGATE_SIZES.flatMap(({ vcpu, memoryMiB }) =>
  memoryMiB.map((memory) => ({ vcpu, memoryMiB: memory, diskGiB: 20 })),
);

describe('isValidSize', () => {
  test.each([
    size(0.25, 0.5),
    size(0.25, 2),
    size(0.5, 4),
    size(1, 8),
    size(2, 16),
    size(4, 30),
    size(8, 60),
    size(16, 120, 200),
  ])('%o is one', (valid) => {
    expect(isValidSize(valid)).toBe(true);
  });

  test.each([
    size(0.25, 4),
    size(0.5, 0.5),
    size(1, 1),
    size(3, 8),
    size(4, 31),
    size(8, 18),
    size(16, 36),
    size(1, 2.5),
    size(1, 2, 19),
    size(1, 2, 201),
    size(1, 2, 20.5),
  ])('%o is none', (invalid) => {
    expect(isValidSize(invalid)).toBe(false);
  });

  test('there are as many as the documentation lists', () => {
    expect(EVERY_SIZE).toHaveLength(3 + 4 + 7 + 13 + 23 + 12 + 12);
  });
});

describe('roundUp', () => {
  test('a valid size stays', () => {
    expect(EVERY_SIZE.map(roundUp)).toEqual(EVERY_SIZE);
  });

  test.each([
    [size(0.1, 0.1, 0), size(0.25, 0.5)],
    [size(1, 2.1), size(1, 3)],
    [size(3, 2), size(4, 8)],
    [size(8, 17), size(8, 20)],
    [size(16, 33, 20.2), size(16, 40, 21)],
  ])('%o becomes %o', (wanted, valid) => {
    expect(roundUp(wanted)).toEqual(valid);
  });

  test('memory brings the vCPU that it needs', () => {
    expect(roundUp(size(1, 9))).toEqual(size(2, 9));
    expect(roundUp(size(0.25, 61))).toEqual(size(16, 64));
  });

  test.each([size(17, 1), size(1, 121), size(1, 2, 201)])('%o is more than Fargate has', (wanted) => {
    expect(() => roundUp(wanted)).toThrow('the largest is 16 vCPU / 120 GB / 200 GB disk');
  });
});

describe('nextMemory', () => {
  test('doubles, and brings the vCPU that it needs', () => {
    expect(nextMemory(size(1, 2), LARGEST_SIZE)).toEqual(size(1, 4));
    expect(nextMemory(size(1, 5, 40), LARGEST_SIZE)).toEqual(size(2, 10, 40));
    expect(nextMemory(size(8, 44), LARGEST_SIZE)).toEqual(size(16, 88));
  });

  test('comes from the smallest to the ceiling in few steps, each valid and bigger', () => {
    const steps: FargateSize[] = [size(0.25, 0.5)];
    for (let next: FargateSize | undefined = steps[0]; next; next = nextMemory(next, LARGEST_SIZE)) {
      steps.push(next);
    }
    expect(steps.every(isValidSize)).toBe(true);
    expect(steps.slice(1).map(({ memoryMiB }) => memoryMiB / 1024)).toEqual([
      0.5, 1, 2, 4, 8, 16, 32, 64, 120,
    ]);
  });

  test('the last step is cut to the ceiling', () => {
    expect(nextMemory(size(2, 10), size(4, 14))).toEqual(size(2, 14));
  });

  test('at the ceiling there is none', () => {
    expect(nextMemory(size(2, 14), size(4, 14))).toBeUndefined();
    expect(nextMemory(size(16, 120), LARGEST_SIZE)).toBeUndefined();
  });

  test('a machine gives what it has', () => {
    const machine = { vcpu: 2, memoryMiB: 7900, diskGiB: 100 };
    expect(nextMemory(size(2, 4), machine)).toEqual({ vcpu: 2, memoryMiB: 7900, diskGiB: 20 });
    expect(nextMemory({ vcpu: 2, memoryMiB: 7900, diskGiB: 20 }, machine)).toBeUndefined();
  });
});

describe('clampTo', () => {
  test('of two valid sizes the result is valid', () => {
    const clamped = EVERY_SIZE.flatMap((wanted) => EVERY_SIZE.map((ceiling) => clampTo(wanted, ceiling)));
    expect(clamped.filter((result) => !isValidSize(result))).toEqual([]);
  });

  test('what is below the ceiling stays', () => {
    expect(clampTo(size(1, 2), LARGEST_SIZE)).toEqual(size(1, 2));
  });
});

test('sizes read as people say them', () => {
  expect(sizeText(size(0.25, 0.5))).toBe('0.25 vCPU / 0.5 GB');
  expect(sizeText(size(16, 120, 200))).toBe('16 vCPU / 120 GB / 200 GB disk');
});
