/** Carries a large file through a folder store, and tells this process's peak memory: `carry.ts STORE FILE`. */
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FolderStore } from '../../../lib/local/folder-store.ts';
import { peakMemoryBytes } from '../../tools/peak-memory.ts';

const [root = '', file = ''] = process.argv.slice(2);
const store = new FolderStore({ root: join(root, 'store') });
const { bytes } = await store.put('streamed', createReadStream(file, { highWaterMark: 1 << 20 }));
await store.delete('streamed');
await store.upload(file, 'uploaded');
await store.download('uploaded', join(root, 'downloaded'));
let read = 0;
for await (const chunk of await store.get('uploaded')) read += (chunk as Buffer).length;
await rm(root, { recursive: true });
console.log(JSON.stringify({ bytes, read, maxRssBytes: peakMemoryBytes() }));
