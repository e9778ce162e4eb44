/** The schedule of the world rebuild, or a call by hand: every job of the manifest goes to the jobs queue. */
import { text } from 'node:stream/consumers';
import middy from '@middy/core';
import { jobMessages } from '../lib/aws/job-messages.ts';
import { lambdaLog } from '../lib/aws/log.ts';
import { rebuildContext, type RebuildEvent } from '../lib/aws/rebuild.ts';
import { readManifest } from '../lib/pipeline/manifest.ts';

const log = lambdaLog();
const ctx = rebuildContext();

export const handler = middy<RebuildEvent>().handler(async (event) => {
  const { store, key } = ctx.manifest(event);
  const manifest = store.uri(key);
  const entries = readManifest(await text(await store.get(key)), manifest);
  const { run, messages } = jobMessages({ manifest, entries, time: event.time, run: event.run });
  await ctx.jobs.send(messages.map((message) => JSON.stringify(message)));
  log.info('Manifest:Send:Done', { run, manifest, jobs: messages.length });
  return { run, manifest, jobs: messages.length };
});
