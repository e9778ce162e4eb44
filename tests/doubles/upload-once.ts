/** Uploads the file named on the command line with the S3 store, and tells this process's peak memory. */
import { S3Client } from '@aws-sdk/client-s3';
import { s3Config } from '../../lib/aws/clients.ts';
import { S3Store } from '../../lib/aws/s3-store.ts';
import { peakMemoryBytes } from '../tools/peak-memory.ts';

const [path = ''] = process.argv.slice(2);
const store = new S3Store({ client: new S3Client(s3Config()), bucket: 'sink' });
const { bytes } = await store.upload(path, 'large.bin');
console.log(JSON.stringify({ bytes, maxRssBytes: peakMemoryBytes() }));
