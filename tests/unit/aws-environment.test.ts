import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { envScript } from '../../lib/stage/env-script.ts';
import { BaseEnvironment, readEnvironment, RunnerEnvironment } from '../../lib/aws/environment.ts';
import { parseRequest } from '../../lib/aws/run-one.ts';

const good = {
  LONGSHORE_UPLOADS_BUCKET: 'u',
  LONGSHORE_OUTPUT_BUCKET: 'o',
  LONGSHORE_QUARANTINE_BUCKET: 'q',
  LONGSHORE_STATE_BUCKET: 's',
  LONGSHORE_JOBS_QUEUE: 'https://sqs/jobs',
  LONGSHORE_WAKE_QUEUE: 'https://sqs/wake',
  LONGSHORE_VALIDATE_QUEUE: 'https://sqs/validate',
  LONGSHORE_METADATA_QUEUE: 'https://sqs/metadata',
  LONGSHORE_MAX_TASKS: '50',
  LONGSHORE_LIMITS: 'mirror:download.geofabrik.de=4,licence=1',
  LONGSHORE_ARCHITECTURE: 'arm64',
  LONGSHORE_SPOT: 'true',
  LONGSHORE_STEP_TIMEOUT: '1200',
};

describe('the environment', () => {
  test('is read into real types', () => {
    expect(readEnvironment(BaseEnvironment, good)).toMatchObject({
      LONGSHORE_MAX_TASKS: 50,
      LONGSHORE_LIMITS: { 'mirror:download.geofabrik.de': 4, licence: 1 },
      LONGSHORE_SPOT: true,
    });
    expect(readEnvironment(BaseEnvironment, { ...good, LONGSHORE_LIMITS: '' }).LONGSHORE_LIMITS).toEqual({});
  });

  test.each([
    ['LONGSHORE_MAX_TASKS', '0'],
    ['LONGSHORE_MAX_TASKS', 'many'],
    ['LONGSHORE_LIMITS', 'mirror'],
    ['LONGSHORE_LIMITS', 'mirror=x'],
    ['LONGSHORE_SPOT', 'yes'],
    ['LONGSHORE_ARCHITECTURE', 'x64'],
    ['LONGSHORE_JOBS_QUEUE', 'jobs'],
  ])('%s=%s is refused, naming both', (name, value) => {
    const read = () => readEnvironment(BaseEnvironment, { ...good, [name]: value });
    expect(read).toThrow(`${name} is "${value}"`);
  });

  test('all that is missing is told at once', () => {
    const given = { LONGSHORE_CLUSTER: 'c', LONGSHORE_SUBNETS: 'a, b' };
    expect(() => readEnvironment(RunnerEnvironment, given)).toThrow(
      /LONGSHORE_SECURITY_GROUPS is not set .*LONGSHORE_ASSIGN_PUBLIC_IP is not set/,
    );
  });
});

describe('the environment as a script', () => {
  test('any value comes out of a real shell as it went in', () => {
    const env = { A: "it's", B: 'two\nlines', C: '$HOME `date` "q" \\ *', D: '', LANG_LIST: 'ä,🗺' };
    const script = `${envScript(env)}\nexec env -0`;
    const out = execFileSync('sh', ['-c', script], { env: {}, encoding: 'utf8' });
    const seen = Object.fromEntries(
      out.split('\0').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
    );
    expect(seen).toMatchObject(env);
  });

  test('what cannot be a name or a value is an error', () => {
    expect(() => envScript({ 'A;rm': '1' })).toThrow('"A;rm" cannot be the name');
    expect(() => envScript({ A: '\0' })).toThrow('The value of A has a NUL');
  });
});

describe('a request to the run function', () => {
  test('has its defaults', () => {
    expect(parseRequest({ task: 'osm-mapsforge' })).toEqual({
      task: 'osm-mapsforge',
      params: {},
      wait: false,
    });
  });

  test('names its run as the command does', () => {
    expect(parseRequest({ task: 'osm-mapsforge', run: 'my_run-1' })).toMatchObject({ run: 'my_run-1' });
  });

  test.each([
    [''],
    [{}],
    [{ task: 'x', parms: {} }],
    [{ task: 'x', wait: 'yes' }],
    [{ task: 'x', run: 'a/b' }],
  ])('%j is refused with an example', (event) => {
    expect(() => parseRequest(event)).toThrow('A request looks like {"task":"osm-mapsforge"');
  });
});
