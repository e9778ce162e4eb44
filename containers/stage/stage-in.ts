/** First container of a Fargate task: inputs, runner script and parameters to the shared volume. Exit code 1: main must not start. */
import { fileURLToPath } from 'node:url';
import { stageInOnFargate } from '../../lib/aws/stage.ts';
import { tell, tellError } from './tell.ts';

// Nothing here is worth finishing: the task is being stopped.
process.on('SIGTERM', () => process.exit(143));

try {
  const inputs = await stageInOnFargate(process.env, fileURLToPath(new URL('run.sh', import.meta.url)));
  tell('Input:Stage:Done', { inputs: inputs.map(({ name, bytes, sha256 }) => ({ name, bytes, sha256 })) });
} catch (error) {
  tellError('Input:Stage:Failed', error);
  process.exitCode = 1;
}
