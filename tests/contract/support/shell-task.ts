/** Tasks whose work is a line of shell: real processes, in a container or on the host. */
import * as z from 'zod';
import { defineTask, type TaskDefinition } from '../../../lib/tasks/define-task.ts';

/** Small, with a POSIX shell, and the base of our own images, so it is usually there. */
export const SHELL_IMAGE = 'docker.io/library/debian:bookworm-slim';

/** `script` finds the input folder in `$1` and the output folder in `$2`. */
export function shellTask(name: string, script: string, more: Partial<TaskDefinition> = {}): TaskDefinition {
  const command = ['sh', '-c', script, 'sh'];
  return Object.assign(
    defineTask({
      name,
      description: 'Runs a line of shell',
      image: SHELL_IMAGE,
      command,
      host: { command, tools: { sh: 'dash' } },
      accepts: ['.txt'],
      params: z.object({}),
      size: () => ({ vcpu: 1, memoryMiB: 256, diskGiB: 20 }),
      ceiling: { vcpu: 1, memoryMiB: 512, diskGiB: 20 },
      deadlineSeconds: () => 300,
      expectedSeconds: () => 10,
      attempts: 3,
      spot: false,
      network: false,
      outputs: [
        {
          pattern: '*',
          description: 'Whatever it writes',
          contentType: 'application/octet-stream',
          atLeast: () => 1,
          checks: [],
        },
      ],
      metadata: [],
    }),
    more,
  );
}
