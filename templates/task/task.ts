/** task-name: one sentence on what goes in, what is done with it, and what comes out. */
import * as z from 'zod';
import { notEmpty, signature } from '../../lib/tasks/checks/generic.ts';
import { defineTask } from '../../lib/tasks/define-task.ts';

/** Each becomes an environment variable of the container: `label` is LABEL. The description is its help text. */
const params = z.strictObject({
  label: z.string().max(100).optional().describe('Text that is written into the result.'),
});

export default defineTask({
  name: 'task-name',
  description: 'Counts the bytes and lines of a file',
  image: 'longshore/task-name',
  // Started as COMMAND INPUT OUTPUT.
  command: ['task-command'],
  accepts: ['.txt'],
  params,
  // What Fargate has: lib/tasks/sizes.ts; roundUp() finds the next one for what you reckon with. `bytes` is the input's size.
  size: () => ({ vcpu: 0.5, memoryMiB: 1024, diskGiB: 20 }),
  // Out of memory is tried again with twice as much, up to this.
  ceiling: { vcpu: 4, memoryMiB: 16_384, diskGiB: 100 },
  // Ten minutes, and one second more for each megabyte: what takes longer hangs.
  deadlineSeconds: ({ bytes }) => 600 + bytes / 1e6,
  expectedSeconds: ({ bytes }) => 30 + bytes / 20e6,
  attempts: 3,
  spot: true,
  network: false,
  outputs: [
    {
      pattern: '*.json',
      description: 'What was counted',
      contentType: 'application/json',
      atLeast: () => 1,
      checks: [notEmpty(), signature('{', 'JSON object')],
    },
  ],
  metadata: [],
});
