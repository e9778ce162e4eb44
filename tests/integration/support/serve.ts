/**
 * Serves a home until every dropped file has its end: `serve.ts HOME FILES [JOBS [engine]]`. JOBS share a container (1: each has
 * its own); without `engine` they run on the host. To be killed at any moment.
 */
import { openHome } from '../../../lib/local/home.ts';
import { serve } from '../../../lib/local/serve.ts';
import { status } from '../../../lib/pipeline/status.ts';
import { quietLog } from '../../contract/support/quiet-log.ts';
import { shellTask } from '../../contract/support/shell-task.ts';

const [dir = '', files = '', jobs = '1', where = 'host'] = process.argv.slice(2);
// Each start of a job leaves a line in the cache, which outlives it.
const script =
  'echo "$LONGSHORE_JOB $LONGSHORE_ATTEMPT" >>"$LONGSHORE_CACHE/starts"; sleep 0.3; cat "$1"/* >"$2/out.txt"';
const log = quietLog();
const home = await openHome({
  dir,
  tasks: new Map([
    ['text', shellTask('text', script, { pack: { jobs: Number(jobs), bytes: 1e6, seconds: 1000 } })],
  ]),
  log,
  ...(where === 'engine' ? {} : { engine: { tried: ['not in this test'] } }),
  settings: { maxTasks: 3, quietSeconds: 0.1 },
});
await serve(home, {
  signal: new AbortController().signal,
  until: async () => {
    const { jobs: counts } = await status(home.ctx, {});
    return counts.published + counts.failed + counts.quarantined >= Number(files);
  },
});
home.close();
console.log(
  JSON.stringify({
    jobs: (await status(home.ctx, {})).jobs,
    errors: log.lines.filter((line) => line.level === 'error'),
  }),
);
