/** `doctor --backend aws`: the account, the stack, its settings, its buckets, what its containers need. */
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { awsConfig } from '../lib/aws/clients.ts';
import { awsContext } from '../lib/aws/context.ts';
import type { PipelineContext } from '../lib/pipeline/context.ts';
import { awsEnvironment, type AwsOptions } from './aws-backend.ts';
import { examineFargate } from './examine-fargate.ts';
import { DEFAULT_DEMAND, examineConcurrency, examineQuotas, type Demand } from './examine-quotas.ts';
import { good, missing, type Finding } from './findings.ts';
import { noteLog } from './note-log.ts';
import { terminal } from './streams.ts';
import type { Tasks } from './tasks-folder.ts';

export async function examineAws(
  tasks: Tasks,
  options: AwsOptions,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const given = { ...env, ...(options.region === undefined ? {} : { AWS_REGION: options.region }) };
  const account = await examineAccount(given);
  if (account.some(({ verdict }) => verdict === 'missing')) return account;
  const { found, finding } = await examineSettings(options, env);
  const quotas = async (demand: Omit<Demand, 'tasks'>): Promise<Finding[]> => {
    const client = new ServiceQuotasClient(awsConfig(given));
    const fargate = await examineQuotas({ ...demand, tasks: tasks.values() }, client);
    return [...fargate, await examineConcurrency(client)];
  };
  // Quotas take days to be raised: they are told before there is a stack.
  if (!found) return [...account, finding, ...(await quotas(DEFAULT_DEMAND))];
  const { context, settings } = found;
  const { maxTasks, spotAvailable: spot } = context.settings;
  return [
    ...account,
    finding,
    ...(await examineBuckets(context)),
    ...(await examineFargate(tasks, context.settings, settings)),
    ...(await quotas({ maxTasks, spot })),
  ];
}

async function examineAccount(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const client = new STSClient(awsConfig(env));
  const region = await settled(
    'region',
    client.config.region,
    'give --region, or set AWS_REGION, or region in ~/.aws/config',
  );
  if (region.verdict === 'missing') return [region];
  const who = async (): Promise<string> => {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    return `account ${Account}, as ${Arn}`;
  };
  const todo = 'set AWS_PROFILE (then: aws sso login), or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  return [region, await settled('credentials', who, todo)];
}

export async function settled(what: string, look: () => Promise<string>, todo: string): Promise<Finding> {
  try {
    return good(what, await look());
  } catch (error) {
    return missing(what, (error as Error).message, todo);
  }
}

interface Found {
  context: PipelineContext;
  settings: NodeJS.ProcessEnv;
}

async function examineSettings(
  options: AwsOptions,
  env: NodeJS.ProcessEnv,
): Promise<{ found?: Found; finding: Finding }> {
  try {
    const settings = await awsEnvironment(options, env);
    const log = noteLog(terminal(process.stdout, process.stderr));
    const context = awsContext({ log, tasks: new Map(), env: settings });
    const { maxTasks, spotAvailable, architecture } = context.settings;
    const detail = `stage ${options.stage}: at most ${maxTasks} containers at once, ${architecture}, ${spotAvailable ? 'Spot first' : 'on demand only'}`;
    return { found: { context, settings }, finding: good('stack', detail) };
  } catch (error) {
    return {
      finding: missing('stack', (error as Error).message, 'docs/cli.md says what is read, and from where'),
    };
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
