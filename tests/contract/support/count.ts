/**
 * Adds to a counter by compare-and-swap, for ever, until it is killed: `count.ts FOLDER KEY NAME`. Prints a line for each
 * addition that it knows it has made, after it was made.
 */
import { writeSync } from 'node:fs';
import { FolderRecords } from '../../../lib/local/folder-records.ts';

interface Counter {
  count: number;
  /** The last number that each process has added. */
  last: Record<string, number>;
}

const [folder = '', key = '', name = ''] = process.argv.slice(2);
const records = new FolderRecords(folder);
for (let number = 1; ;) {
  const read = await records.read<Counter>(key);
  const next: Counter = {
    count: (read?.value.count ?? 0) + 1,
    last: { ...read?.value.last, [name]: number },
  };
  const version = read ? await records.replace(key, next, read.version) : await records.create(key, next);
  if (version === undefined) continue;
  // Not console.log: what is known must be told before the next addition, and survive a kill.
  writeSync(1, `${number}\n`);
  number += 1;
}
