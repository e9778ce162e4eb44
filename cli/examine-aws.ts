/** `doctor --backend aws`. */
import { S3Client } from '@aws-sdk/client-s3';
import { awsContext } from '../lib/aws/context.ts';
import { EnvironmentError as AwsEnvironmentError } from '../lib/aws/environment.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { good, missing, type Finding } from './findings.ts';
import { noteLog } from './note-log.ts';
import { terminal } from './streams.ts';

export async function examineAws(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const account = await examineAccount();
  const { context, finding } = examineSettings(env);
  const usable = context && account.every(({ verdict }) => verdict === 'good');
  return [...account, finding, ...(usable ? await examineBuckets(context) : [])];
}

async function examineAccount(): Promise<Finding[]> {
  const { config } = new S3Client({});
  return [
    await settled('region', config.region, 'set AWS_REGION, or region in ~/.aws/config'),
    await settled(
      'credentials',
      async () => `access key ${(await config.credentials()).accessKeyId.slice(0, 8)}…`,
      'set AWS_PROFILE (then: aws sso login), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    ),
  ];
}

async function settled(what: string, look: () => Promise<string>, todo: string): Promise<Finding> {
  try {
    return good(what, await look());
  } catch (error) {
    return missing(what, (error as Error).message, todo);
  }
}

function examineSettings(env: NodeJS.ProcessEnv): { context?: PipelineContext; finding: Finding } {
  try {
    const log = noteLog(terminal(process.stdout, process.stderr));
    return {
      context: awsContext({ log, tasks: new Map(), env }),
      finding: good('settings', 'all are there'),
    };
  } catch (error) {
    if (!(error instanceof AwsEnvironmentError)) throw error;
    return { finding: missing('settings', error.message, 'docs/cli.md says where to find them') };
  }
}

async function examineBuckets({ stores }: PipelineContext): Promise<Finding[]> {
  const names = ['uploads', 'output', 'quarantine', 'staging'] as const;
  return await Promise.all(
    names.map(async (name) =>
      settled(
        `bucket for ${name}`,
        async () => {
          for await (const { key } of stores[name].list(''))
            return `${stores[name].uri('')} can be listed (${key}, …)`;
          return `${stores[name].uri('')} can be listed (it is empty)`;
        },
        'the stack must be deployed, and these credentials must be allowed to read and write its buckets',
      ),
    ),
  );
}
