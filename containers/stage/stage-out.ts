/** Last container of a Fargate task: what main left behind to the state bucket, the attempt record last. */
import { stageOutOnFargate } from '../../lib/aws/stage.ts';
import { tell, tellError } from './tell.ts';

// Two minutes are left after this (stopTimeout): enough for most outputs, and worth the try.
process.on('SIGTERM', () => tell('Output:Stage:Hurry', {}));

try {
  const records = await stageOutOnFargate(process.env, (error) => tellError('Image:Look:Failed', error));
  for (const { job, attempt, exit, files, stageIn, stageOut } of records) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const exitCode = exit?.exitCode;
    tell('Output:Stage:Done', { job, attempt, exitCode, files: files.length, bytes, stageIn, stageOut });
  }
} catch (error) {
  tellError('Output:Stage:Failed', error);
  process.exitCode = 1;
}
