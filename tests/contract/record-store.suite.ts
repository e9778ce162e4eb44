/** What every record store must do. Run by `record-store.*.test.ts`, once for each implementation. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { RecordStore } from '../../lib/ports.ts';

export interface RecordStoreContext {
  /** Empty. */
  records: RecordStore;
  close(): Promise<void>;
}

interface Counter {
  count: number;
  by: string[];
}

export function describeRecordStoreContract(
  name: string,
  makeContext: () => Promise<RecordStoreContext>,
): void {
  describe(`${name} keeps the record store contract`, () => {
    let context: RecordStoreContext;
    let records: RecordStore;
    let count = 0;
    const fresh = (): string => `t${String((count += 1)).padStart(3, '0')}`;
    const keysOf = async (prefix: string, after?: string): Promise<string[]> => {
      const keys: string[] = [];
      for await (const key of records.list(prefix, after === undefined ? {} : { after })) keys.push(key);
      return keys;
    };

    beforeAll(async () => {
      context = await makeContext();
      records = context.records;
    });
    afterAll(async () => {
      await context.close();
    });

    test('a record that is created is read back with its version', async () => {
      const key = `${fresh()}/jobs/a`;
      const value = { name: 'Zürich 🗺', list: [1, 2.5, null], nested: { empty: {} } };
      const version = await records.create(key, value);
      expect(version).toEqual(expect.any(String));
      expect(await records.read(key)).toEqual({ value, version });
    });

    test('a record that is not there is undefined, and can be deleted', async () => {
      const key = `${fresh()}/none`;
      expect(await records.read(key)).toBeUndefined();
      await expect(records.delete(key)).resolves.toBeUndefined();
    });

    test('create never replaces', async () => {
      const key = `${fresh()}/once`;
      await records.create(key, 1);
      expect(await records.create(key, 2)).toBeUndefined();
      expect((await records.read(key))?.value).toBe(1);
    });

    test('replace works for the current version only, and makes a new one each time', async () => {
      const key = `${fresh()}/cas`;
      const first = (await records.create(key, { at: 1 })) ?? '';
      const second = (await records.replace(key, { at: 2 }, first)) ?? '';
      const third = (await records.replace(key, { at: 3 }, second)) ?? '';
      expect(new Set([first, second, third]).size).toBe(3);
      for (const stale of [first, second])
        expect(await records.replace(key, { at: 9 }, stale)).toBeUndefined();
      expect(await records.read(key)).toEqual({ value: { at: 3 }, version: third });
    });

    test('a deleted record cannot be replaced, and can be created again', async () => {
      const key = `${fresh()}/deleted`;
      const version = (await records.create(key, { life: 1 })) ?? '';
      await records.delete(key);
      expect(await records.read(key)).toBeUndefined();
      expect(await records.replace(key, { life: 9 }, version)).toBeUndefined();
      expect(await records.read(key)).toBeUndefined();
      expect(await records.create(key, { life: 2 })).toEqual(expect.any(String));
    });

    test('a version from before a delete does not fit the record that was created after it', async () => {
      const key = `${fresh()}/lives`;
      const old = (await records.create(key, { life: 1 })) ?? '';
      await records.delete(key);
      await records.create(key, { life: 2 });
      expect(await records.replace(key, { life: 9 }, old)).toBeUndefined();
      expect((await records.read(key))?.value).toEqual({ life: 2 });
    });

    test('of 50 that create one record at once, exactly one wins', async () => {
      const key = `${fresh()}/race`;
      const versions = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => await records.create(key, { index })),
      );
      const winners = versions.flatMap((version, index) =>
        version === undefined ? [] : [{ version, index }],
      );
      expect(winners).toHaveLength(1);
      expect(await records.read(key)).toEqual({
        value: { index: winners[0]?.index },
        version: winners[0]?.version,
      });
    });

    test('of 20 that replace one version at once, exactly one wins', async () => {
      const key = `${fresh()}/race`;
      const version = (await records.create(key, {})) ?? '';
      const versions = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => await records.replace(key, { index }, version)),
      );
      const winners = versions.flatMap((next, index) => (next === undefined ? [] : [index]));
      expect(winners).toHaveLength(1);
      expect((await records.read(key))?.value).toEqual({ index: winners[0] });
    });

    test('20 workers that add to one counter by compare-and-swap lose nothing', async () => {
      const key = `${fresh()}/counter`;
      await records.create(key, { count: 0, by: [] } satisfies Counter);
      const add = async (worker: string): Promise<void> => {
        for (;;) {
          const read = await records.read<Counter>(key);
          if (!read) throw new Error('The counter is gone');
          const { count: before, by } = read.value;
          const next: Counter = { count: before + 1, by: [...by, worker] };
          if ((await records.replace(key, next, read.version)) !== undefined) return;
        }
      };
      const workers = Array.from({ length: 20 }, (_, index) => `worker ${index}`);
      await Promise.all(
        workers.map(async (worker) => {
          for (let turn = 0; turn < 3; turn++) await add(worker);
        }),
      );
      const { value } = (await records.read<Counter>(key)) ?? {};
      expect(value?.count).toBe(60);
      for (const worker of workers) expect(value?.by.filter((one) => one === worker)).toHaveLength(3);
    }, 120_000);

    test('list gives keys in order of UTF-8 bytes, from any prefix and any place', async () => {
      const prefix = fresh();
      const names = [
        'jobs/a',
        'jobs/a-b',
        'jobs/a.b',
        'jobs/a/b',
        'jobs/a0',
        'jobs/A',
        'runs/r/1',
        'z',
        'jobs/ü',
      ];
      for (const one of names) await records.create(`${prefix}/${one}`, {});
      const sorted = names
        .map((one) => `${prefix}/${one}`)
        .toSorted((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two)));
      expect(await keysOf(`${prefix}/`)).toEqual(sorted);
      for (const [index, after] of sorted.entries()) {
        expect(await keysOf(`${prefix}/`, after)).toEqual(sorted.slice(index + 1));
      }
      expect(await keysOf(`${prefix}/runs/`)).toEqual([`${prefix}/runs/r/1`]);
      expect(await keysOf(`${prefix}/jobs/a-`)).toEqual([`${prefix}/jobs/a-b`]);
      expect(await keysOf(`${prefix}/none/`)).toEqual([]);
    });

    test('list sees at once what was created and deleted', async () => {
      const prefix = fresh();
      await records.create(`${prefix}/a/one`, {});
      await records.create(`${prefix}/b/two`, {});
      expect(await keysOf(`${prefix}/`)).toEqual([`${prefix}/a/one`, `${prefix}/b/two`]);
      await records.delete(`${prefix}/a/one`);
      expect(await keysOf(`${prefix}/`)).toEqual([`${prefix}/b/two`]);
    });

    test('list goes on past the 1,000 keys of one S3 page', async () => {
      const prefix = fresh();
      const keys = Array.from({ length: 1003 }, (_, index) => `${prefix}/${String(index).padStart(4, '0')}`);
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map(async (key) => await records.create(key, {})));
      }
      expect(await keysOf(`${prefix}/`)).toEqual(keys);
    }, 120_000);

    test('a record of 500 KB is kept', async () => {
      const key = `${fresh()}/large`;
      const value = { text: 'ü'.repeat(250_000) };
      await records.create(key, value);
      expect((await records.read(key))?.value).toEqual(value);
    });

    test('creating and deleting neighbours at once disturbs nobody', async () => {
      const prefix = fresh();
      await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const key = `${prefix}/deep/${index % 4}/${index}`;
          for (let turn = 0; turn < 5; turn++) {
            expect(await records.create(key, { turn })).toEqual(expect.any(String));
            await records.delete(key);
          }
        }),
      );
      expect(await keysOf(`${prefix}/`)).toEqual([]);
    }, 60_000);
  });
}
