/** The stack, deployed by the command that a user types, from the package that this command makes. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** `serverless ARGS`, as installed here. */
export async function serverless(args: string[], env: Record<string, string>): Promise<Ended> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  try {
    const { stdout, stderr } = await promisify(execFile)('serverless', args, {
      cwd: root,
      env: {
        ...inherited,
        ...env,
        PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
        LONGSHORE_BUILD_FOLDER: '.esbuild/aws-test',
      },
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}
