import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import {
  BadParamsError,
  checkParams,
  describeParams,
  envName,
  paramHelpLines,
  paramsToEnv,
  readAssignments,
} from '../../../lib/tasks/params.ts';
import { makeTask, parseParams } from './factories.ts';

const task = makeTask({
  params: z
    .object({
      kind: z.enum(['ram', 'hd']).default('ram').describe('Where'),
      threads: z.int().min(1).max(8).optional().describe('How many'),
      ratio: z.number().optional().describe('How much'),
      skipPoi: z.boolean().default(false).describe('No POI'),
      languages: z.array(z.string()).default(['en', 'de']).describe('Names'),
      colours: z
        .array(z.enum(['red', 'blue']))
        .optional()
        .describe('Paint'),
      area: z
        .string()
        .regex(/^[a-z/]+$/, 'a Geofabrik id')
        .optional()
        .describe('Where on Earth'),
    })
    .refine(({ kind, skipPoi }) => !(kind === 'hd' && skipPoi), 'hd and skipPoi exclude each other'),
});

function faultsOf(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof BadParamsError) {
      return error.faults;
    }
    throw error;
  }
  return [];
}

describe('readAssignments', () => {
  test('the value is everything after the first =', () => {
    expect(readAssignments(task, ['area=a=b', 'kind='])).toEqual({ area: 'a=b', kind: '' });
  });

  test('a value may have several lines', () => {
    expect(readAssignments(task, ['area=a\nb'])).toEqual({ area: 'a\nb' });
  });

  test('what is no assignment and what is given twice is said, all at once', () => {
    expect(faultsOf(() => readAssignments(task, ['ram', 'kind=ram', 'kind=hd', '=x']))).toEqual([
      '"ram" is not of the form name=value',
      'kind is given twice: "ram" and "hd"',
      '"=x" is not of the form name=value',
    ]);
  });
});

describe('parameters', () => {
  test('text becomes what the schema wants', () => {
    const given = {
      kind: 'hd',
      threads: '4',
      ratio: '-1.5e2',
      skipPoi: 'false',
      languages: 'fr, it',
      colours: 'red',
    };
    expect(parseParams(task, given)).toEqual({
      kind: 'hd',
      threads: 4,
      ratio: -150,
      skipPoi: false,
      languages: ['fr', 'it'],
      colours: ['red'],
    });
  });

  test('values that are typed already stay as they are', () => {
    const given = { threads: 4, skipPoi: true, languages: ['fr'] };
    expect(parseParams(task, given)).toEqual(given);
  });

  test('what is not given stays absent, although it has a default', () => {
    expect(parseParams(task, {})).toEqual({});
  });

  test('an empty text is an empty list', () => {
    expect(parseParams(task, { languages: '' })).toEqual({ languages: [] });
  });

  test('every fault is told at once, with its parameter, the value and what is allowed', () => {
    const given = {
      kind: 'disk',
      threads: '2.5',
      ratio: '0x10',
      skipPoi: 'yes',
      colours: 'red,green',
      area: 'Europe',
      languages: true,
    };
    expect(faultsOf(() => parseParams(task, given))).toEqual([
      'kind is "disk", but must be one of ram, hd',
      'threads is "2.5", but must be a whole number',
      'ratio is "0x10", but must be a number',
      'skipPoi is "yes", but must be true or false',
      'languages is true, but must be a list: a,b,…',
      'colours is "red,green", but must be a list of any of red, blue',
      'area is "Europe", but must be a Geofabrik id',
    ]);
  });

  test('a number out of its bounds says the bounds', () => {
    expect(faultsOf(() => parseParams(task, { threads: '9' }))[0]).toMatch(
      /^threads is "9", but must be a whole number \(.*8/,
    );
  });

  test('an unknown name is refused with the one that was probably meant', () => {
    expect(faultsOf(() => parseParams(task, { 'skip-pois': 'true', colour: 'red', zzzzz: '1' }))).toEqual([
      expect.stringContaining('there is no parameter "skip-pois": did you mean "skipPoi"?'),
      expect.stringContaining('there is no parameter "colour": did you mean "colours"?'),
      'there is no parameter "zzzzz" (there are kind, threads, ratio, skipPoi, languages, colours, area)',
    ]);
  });

  test('names that every object has are unknown too', () => {
    const given = Object.fromEntries([
      ['constructor', 'x'],
      ['__proto__', 'y'],
    ]);
    expect(faultsOf(() => parseParams(task, given))).toHaveLength(2);
  });

  test('a parameter without default must be given', () => {
    const strict = makeTask({ params: z.object({ level: z.int().describe('How hard') }) });
    expect(faultsOf(() => parseParams(strict, {}))).toEqual(['level is missing (a whole number)']);
  });

  test('what only several parameters together break is refused too', () => {
    expect(faultsOf(() => parseParams(task, { kind: 'hd', skipPoi: 'true' }))).toEqual([
      'hd and skipPoi exclude each other',
    ]);
  });

  test('the message names the task', () => {
    expect(() => parseParams(task, { kind: 'x' })).toThrow('Bad parameters for copy: kind is "x"');
  });
});

describe('checkParams', () => {
  test('gives the parameters as given, and with the defaults', () => {
    expect(checkParams(task, { kind: 'hd' })).toEqual({
      ok: true,
      given: { kind: 'hd' },
      params: { kind: 'hd', skipPoi: false, languages: ['en', 'de'] },
    });
  });

  test('or the faults', () => {
    expect(checkParams(task, { kind: 'x' })).toEqual({
      ok: false,
      faults: ['kind is "x", but must be one of ram, hd'],
    });
  });
});

describe('the environment', () => {
  test.each([
    ['type', 'TYPE'],
    ['skipPoi', 'SKIP_POI'],
    ['skip-poi', 'SKIP_POI'],
    ['tagMapping2Use', 'TAG_MAPPING2_USE'],
  ])('%s becomes %s', (name, env) => {
    expect(envName(name)).toBe(env);
  });

  test('lists are joined by commas, the rest is text, what is absent is absent', () => {
    expect(paramsToEnv(task, { kind: 'hd', threads: 2, skipPoi: false, languages: ['en', 'fr'] })).toEqual({
      KIND: 'hd',
      THREADS: '2',
      SKIP_POI: 'false',
      LANGUAGES: 'en,fr',
    });
  });
});

describe('help', () => {
  test('says name, environment, type, default and description', () => {
    const help = describeParams(task);
    expect(help[0]).toEqual({
      name: 'kind',
      env: 'KIND',
      type: 'ram|hd',
      default: 'ram',
      required: false,
      description: 'Where',
    });
    expect(help.map((param) => param.type)).toEqual([
      'ram|hd',
      'integer',
      'number',
      'boolean',
      'a,b,…',
      'red|blue,…',
      'string',
    ]);
    expect(help.map((param) => param.default)).toEqual([
      'ram',
      undefined,
      undefined,
      'false',
      'en,de',
      undefined,
      undefined,
    ]);
  });

  test('is set in columns', () => {
    expect(paramHelpLines(task).slice(0, 2)).toEqual([
      'kind=ram|hd         Where (default: ram)',
      'threads=integer     How many',
    ]);
  });
});
