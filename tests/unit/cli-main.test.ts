import { describe, expect, test } from '@jest/globals';
import { main, program } from '../../cli/main.ts';
import type { Output } from '../../cli/streams.ts';

const VERBS = [
  'up',
  'drop',
  'run',
  'rebuild',
  'status',
  'dashboard',
  'logs',
  'cancel',
  'retry',
  'tasks',
  'simulate',
  'new',
  'test',
  'image',
  'doctor',
];

const listener = (): Output & { lines: string[]; notes: string[] } => {
  const lines: string[] = [];
  const notes: string[] = [];
  return {
    lines,
    notes,
    live: false,
    line: (text) => void lines.push(text),
    note: (text) => void notes.push(text),
    status: () => {},
  };
};

describe('the program', () => {
  test('knows every verb when none is named, and loads one when it is', async () => {
    const shell = { out: listener(), exit: () => {} };
    expect((await program(['--help'], shell)).commands.map((one) => one.name())).toEqual(VERBS);
    expect((await program(['status', '--json'], shell)).commands.map((one) => one.name())).toEqual([
      'status',
    ]);
  });

  test('describes each verb and each of its options', async () => {
    const { commands } = await program([], { out: listener(), exit: () => {} });
    for (const verb of commands) {
      expect(verb.description()).not.toBe('');
      for (const option of verb.options) expect([option.flags, option.description]).not.toContain('');
    }
  });

  test('tells the own options of a verb before those that all have', async () => {
    const { commands } = await program([], { out: listener(), exit: () => {} });
    const withBackend = commands.filter(({ options }) => options.some(({ long }) => long === '--backend'));
    expect(withBackend.length).toBeGreaterThan(8);
    for (const verb of withBackend)
      expect(verb.helpInformation()).toMatch(/\nOptions:\n[^]*--json[^]*\nWhere:\n[^]*--backend/);
  });

  test('prints with --json on every verb that prints', async () => {
    const { commands } = await program([], { out: listener(), exit: () => {} });
    const printing = commands.flatMap((verb) => (verb.commands.length > 0 ? verb.commands : [verb]));
    const without = printing.filter((verb) => verb.options.every(({ long }) => long !== '--json'));
    // A shell is a shell, and an image's own tests say what they say.
    expect(without.map((verb) => verb.name())).toEqual(['test', 'shell']);
  });
});

describe('main', () => {
  test('answers with 0 for a verb that did its work', async () => {
    const out = listener();
    expect(await main(['tasks', '--json'], out)).toBe(0);
    expect(JSON.parse(out.lines.join('\n'))).toMatchObject([
      { name: 'hdf5-netcdf' },
      { name: 'osm-mapsforge' },
    ]);
  });

  test('answers with 2 and one sentence for an unknown task', async () => {
    const out = listener();
    expect(await main(['tasks', 'osm'], out)).toBe(2);
    expect(out.lines).toEqual([]);
    expect(out.notes).toEqual([expect.stringMatching(/^longshore: There is no task "osm"/)]);
  });
});
