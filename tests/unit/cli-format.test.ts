import { describe, expect, test } from '@jest/globals';
import { formatBytes, formatSeconds, formatTable, formatUsd, printable } from '../../cli/format.ts';

describe('bytes', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.98 KiB'],
    [1024, '1.00 KiB'],
    [1_395_864, '1.33 MiB'],
    [999 * 1024, '999 KiB'],
    [100 * 1024 ** 2, '100 MiB'],
    [2 * 1024 ** 3, '2.00 GiB'],
    [5000 * 1024 ** 4, '5000 TiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('seconds', () => {
  test.each([
    [0, '0.0 s'],
    [12.34, '12.3 s'],
    [59.94, '59.9 s'],
    [59.96, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.6, '1 h 00 min'],
    [7620, '2 h 07 min'],
  ])('%d is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

test('tenths of a cent are seen, dollars have cents', () => {
  expect([formatUsd(0.00079), formatUsd(0), formatUsd(12.345)]).toEqual(['$0.0008', '$0.0000', '$12.35']);
});

test('what a file name may hold is one line, and no command to the terminal', () => {
  expect(printable('zürich\n\u001b[31m\u0007\u009b.csv')).toBe('zürich\\n\\x1b[31m\\x07\\x9b.csv');
});

test('a table has columns as wide as their widest cell, numbers to the right, no trailing blanks', () => {
  const rows = [
    ['monaco', '7', ''],
    ['m', '1234', 'x'],
  ];
  expect(formatTable(['name', 'n', 'note'], rows, ['n'])).toBe(
    'name       n  note\nmonaco     7\nm       1234  x',
  );
});
