/** The result of one case of golden data, for people. */
import { join, relative } from 'node:path';
import type { GoldenCase } from '../lib/golden/cases.ts';
import type { FileDifferences } from '../lib/golden/compare/outputs.ts';
import { formatBytes, formatSeconds } from './format.ts';
import type { CaseResult } from './golden-case.ts';

export function resultText(result: CaseResult, golden: Pick<GoldenCase, 'dir' | 'outputs'>): string[] {
  const { ok, job, files, differences, updated, home } = result;
  const name = result.case === '' ? result.task : `${result.task} ${result.case}`;
  const used = [
    formatSeconds(job.seconds),
    ...(job.peakMemoryBytes === undefined ? [] : [formatBytes(job.peakMemoryBytes)]),
  ].join(', ');
  const kept = home === undefined ? [] : [`  it ran in ${home}`];
  if (job.state !== 'published') return [`failed  ${name}: ${job.state}`, ...failure(result), ...kept];
  if (updated) return [`updated  ${name}  (${used})`, ...changes(result, golden.dir), ...kept];
  if (ok)
    return [`passed  ${name}  ${files} ${files === 1 ? 'file' : 'files'} as expected  (${used})`, ...kept];
  const lines = differences.flatMap(fileText);
  if (golden.outputs.size === 0)
    lines.push(
      `  there is no golden output yet: look at what was made (--keep), then  longshore test ${name} --update`,
    );
  return [
    `failed  ${name}: ${differences.length} ${differences.length === 1 ? 'file is' : 'files are'} not as expected  (${used})`,
    ...lines,
    ...kept,
  ];
}

function failure({ job, log = [] }: CaseResult): string[] {
  return [
    `  ${job.cause ?? job.state}: ${job.reason ?? 'no reason is known'}`,
    ...log.map((line) => `  | ${line}`),
  ];
}

export function fileText({ file, differences, count }: FileDifferences): string[] {
  const lines = differences.map(({ where, expected, got, detail }) => {
    const at = where === '' ? file : `${file}  ${where}`;
    return `  ${at}: expected ${expected}, got ${got}${detail === undefined ? '' : ` (${detail})`}`;
  });
  const more = count - differences.length;
  return more > 0 ? [...lines, `  ${file}: and ${more} more differences`] : lines;
}

function changes({ updated }: CaseResult, dir: string): string[] {
  const { written = [], removed = [], remote = [] } = updated ?? {};
  const pathOf = (name: string): string => relative(process.cwd(), join(dir, 'output', name));
  const lines = [
    ...written.map((name) => `  wrote ${pathOf(name)}`),
    ...removed.map((name) => `  removed ${pathOf(name)}`),
    ...remote.map(
      ({ name, sha256, bytes }) =>
        `  ${name} is kept elsewhere: put the new one there, and into source.json: "sha256": "${sha256}", "bytes": ${bytes}`,
    ),
  ];
  return lines.length > 0 ? lines : ['  nothing has changed'];
}
