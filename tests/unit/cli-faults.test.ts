/** What a person is told when the machine, the home or the command line is not as it should be. */
import { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { main } from '../../cli/main.ts';
import { terminal, type Output } from '../../cli/streams.ts';

let home: string;
let notes: string[];
const out: Output = { live: false, line: () => {}, note: (text) => void notes.push(text), status: () => {} };

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'longshore-faults-'));
  notes = [];
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(home, { recursive: true });
});

test('an engine that was asked for and is not there ends `up` with 3, and says what to do', async () => {
  const { LONGSHORE_ENGINE } = process.env;
  process.env.LONGSHORE_ENGINE = 'dockr';
  try {
    expect(await main(['up', '--until-idle', '--home', home], out)).toBe(3);
  } finally {
    if (LONGSHORE_ENGINE === undefined) delete process.env.LONGSHORE_ENGINE;
    else process.env.LONGSHORE_ENGINE = LONGSHORE_ENGINE;
  }
  expect(notes).toEqual([
    expect.stringMatching(/LONGSHORE_ENGINE is "dockr"; it can be docker, podman, none/),
  ]);
});

test('a home whose id cannot be read ends with 3, and says where it should be', async () => {
  await writeFile(join(home, 'home.json'), '{"id":');
  expect(await main(['status', '--home', home], out)).toBe(3);
  expect(notes).toEqual([expect.stringContaining(`${join(home, 'home.json')} does not hold a home's id`)]);
});

test('a file that the uploads folder passes over is not dropped, and the way out is told', async () => {
  await mkdir(join(home, 'in'));
  for (const name of ['.a.h5', 'b.h5']) await writeFile(join(home, 'in', name), 'x');
  const files = [join(home, 'in/.a.h5'), join(home, 'in/b.h5')];
  expect(await main(['drop', ...files, '--task', 'hdf5-netcdf', '--home', home], out)).toBe(2);
  expect(notes).toEqual([expect.stringMatching(/Nothing was copied.*\.a\.h5: names that begin with a dot/)]);
});

const streams = (): { stdout: EventEmitter; stderr: EventEmitter; said: string[] } => {
  const said: string[] = [];
  const stderr = Object.assign(new EventEmitter(), { write: (text: string) => said.push(text) });
  const stdout = Object.assign(new EventEmitter(), { write: () => true });
  terminal(stdout as unknown as NodeJS.WriteStream, stderr as unknown as NodeJS.WriteStream);
  return { stdout, stderr, said };
};
const fault = (code: string): Error => Object.assign(new Error(`write ${code}`), { code });

describe('a stream that cannot be written', () => {
  test('as its reader has gone (`| head`) ends the command as SIGPIPE would', () => {
    const exit = jest.spyOn(process, 'exit').mockReturnValue(undefined as never);
    streams().stdout.emit('error', fault('EPIPE'));
    expect(exit).toHaveBeenCalledWith(141);
  });

  test('as its terminal was closed ends nothing', () => {
    const exit = jest.spyOn(process, 'exit').mockReturnValue(undefined as never);
    const { stdout, stderr, said } = streams();
    for (let time = 0; time < 3; time += 1) {
      stdout.emit('error', fault('EIO'));
      stderr.emit('error', fault('EIO'));
    }
    expect(exit).not.toHaveBeenCalled();
    expect(said).toEqual(['longshore: stdout cannot be written (EIO)\n']);
  });
});
