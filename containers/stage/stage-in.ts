/** First container of a Fargate task: inputs, runner script and parameters to the shared volume. Exit code 1: main must not start. */
import { fileURLToPath } from 'node:url';
import { stageInOnFargate } from '../../lib/aws/stage.ts';
import { tell, tellError } from './tell.ts';

// Nothing here is worth finishing: the task is being stopped.
process.on('SIGTERM', () => process.exit(143));

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

try {
  for (const { job, attempt, inputs, failed } of await stageInOnFargate(process.env, {
    run: beside('run.sh'),
    pack: beside('pack.sh'),
  })) {
    if (failed) tellError('Input:Stage:Failed', failed, { job, attempt });
    else
      tell('Input:Stage:Done', {
        job,
        attempt,
        inputs: inputs.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })),
      });
  }
} catch (error) {
  tellError('Input:Stage:Failed', error);
  process.exitCode = 1;
}
