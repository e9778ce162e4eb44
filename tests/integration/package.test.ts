/** `serverless package`, offline and without credentials, and what is in the package. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { BaseEnvironment, RunnerEnvironment } from '../../lib/aws/environment.ts';
import { stackEnvironment } from '../../lib/aws/stack.ts';
import { readZip } from '../tools/zip.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

interface Resource {
  Type: string;
  Properties: Record<string, any>;
  Condition?: string;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}
interface Template {
  Resources: Record<string, Resource>;
  Conditions?: Record<string, unknown>;
  Parameters?: Record<string, unknown>;
  Outputs?: Record<string, { Value: unknown }>;
}

const FUNCTIONS = ['dispatch', 'settle', 'validate', 'metadata', 'sweep', 'rebuild', 'run'] as const;
/** Which SDK clients each function may be bundled with. */
const CLIENTS: Record<(typeof FUNCTIONS)[number], string[]> = {
  dispatch: ['ecs', 's3', 'sqs'],
  settle: ['s3', 'sqs'],
  validate: ['s3', 'sqs'],
  metadata: ['s3', 'sqs'],
  sweep: ['ecs', 's3', 'sqs'],
  rebuild: ['s3', 'sqs'],
  run: ['s3', 'sqs'],
};
const MAX_ZIP_BYTES = 300_000;

let template: Template;
let folder: string;

/** Nothing of the machine's own AWS settings: no credentials, no region, no home with a profile. */
const bare = (): Record<string, string> => ({
  PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
  HOME: folder,
  AWS_EC2_METADATA_DISABLED: 'true',
  LONGSHORE_BUILD_FOLDER: '.esbuild/package-test',
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longshore-package-'));
  await run('serverless', ['package'], { cwd: root, env: bare() });
  const path = join(root, '.serverless/cloudformation-template-update-stack.json');
  template = JSON.parse(readFileSync(path, 'utf8')) as Template;
}, 180_000);
afterAll(async () => await rm(folder, { recursive: true }));

const ofType = (type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
const resource = (id: string): Resource => {
  const found = template.Resources[id];
  if (!found) throw new Error(`The template has no resource ${id}`);
  return found;
};
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Every object below a value. */
function* objects(value: unknown): Generator<Record<string, unknown>> {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const one of Object.values(value)) yield* objects(one);
}

/** cfn-lint's errors and warnings on a file. */
async function cfnLint(path: string): Promise<string[]> {
  const { stdout } = await run('bash', [join(root, 'scripts/python/venv.sh'), 'cfn-lint']);
  const cfn = join(stdout.trim(), 'cfn-lint');
  const findings = await run(cfn, ['--format', 'parseable', '--', path]).then(
    ({ stdout: text }) => text,
    (error: { stdout?: string; code?: number }) => {
      // 2, 4, 6, 8 …: errors, warnings, information were found. Anything else is trouble of its own.
      if (error.stdout === undefined || error.stdout === '') throw error;
      return error.stdout;
    },
  );
  return findings.split('\n').filter((line) => line !== '');
}

describe('the template', () => {
  test('passes cfn-lint without an error or a warning', async () => {
    const path = join(root, '.serverless/cloudformation-template-update-stack.json');
    expect(await cfnLint(path)).toEqual([]);
    const broken = join(folder, 'broken.json');
    const { AlarmsTopic, ...Resources } = template.Resources;
    const Properties = { ...AlarmsTopic?.Properties, TopicNam: 'x' };
    writeFileSync(
      broken,
      JSON.stringify({
        ...template,
        Resources: { ...Resources, AlarmsTopic: { ...AlarmsTopic, Properties } },
      }),
    );
    expect(await cfnLint(broken)).toEqual([expect.stringContaining('TopicNam')]);
  }, 180_000);

  test('has alarms for dead letters, failed jobs, stalled jobs and a sweep that does not run, told to one topic', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm');
    expect(alarms.map(([id]) => id).toSorted()).toEqual([
      'EventsDeadLettersAlarm',
      'FailedJobsAlarm',
      'JobsDeadLettersAlarm',
      'MetadataDeadLettersAlarm',
      'StalledJobsAlarm',
      'SweepAlarm',
      'ValidateDeadLettersAlarm',
    ]);
    for (const [, { Properties }] of alarms)
      expect(Properties.AlarmActions).toEqual([{ Ref: 'AlarmsTopic' }]);
  });

  test('forwards every log group but the forwarding’s own to Splunk, when that is asked for, and no token stands in it', () => {
    const groups = ofType('AWS::Logs::LogGroup').map(([id]) => id);
    const subscribed = ofType('AWS::Logs::SubscriptionFilter').map(([, { Properties, Condition }]) => {
      expect(Condition).toBe('ForwardLogs');
      return (Properties.LogGroupName as { Ref: string }).Ref;
    });
    expect(subscribed.toSorted()).toEqual(groups.filter((id) => id !== 'LogForwardingLogGroup').toSorted());
    const splunk = resource('LogForwarding').Properties.SplunkDestinationConfiguration as object;
    expect(splunk).not.toHaveProperty('HECToken');
    expect(splunk).toMatchObject({
      SecretsManagerConfiguration: { SecretARN: { Ref: 'SplunkHecTokenSecret' } },
    });
  });

  test('shows in its dashboard, and alarms by, only metrics that the functions send', () => {
    const sent = readFileSync(join(root, 'lib/aws/metrics.ts'), 'utf8');
    const dashboard = JSON.parse(
      (resource('Dashboard').Properties.DashboardBody['Fn::Sub'] as string).replaceAll(/\$\{[^}]*\}/g, 'x'),
    ) as { widgets: { properties: { metrics?: unknown[][] } }[] };
    const shown = dashboard.widgets
      .flatMap(({ properties }) => properties.metrics ?? [])
      .filter(([namespace]) => namespace === 'longshore')
      .map(([, name]) => String(name));
    const alarmed = [...objects(ofType('AWS::CloudWatch::Alarm'))]
      .filter(({ Namespace }) => Namespace === 'longshore')
      .map(({ MetricName }) => String(MetricName));
    expect(alarmed.toSorted()).toEqual(['JobsFailed', 'JobsStalledSeconds']);
    expect(shown.length).toBeGreaterThan(8);
    for (const name of [...shown, ...alarmed]) expect(sent).toContain(`'${name}'`);
  });

  test('refers only to what it has', () => {
    const known = new Set(
      [template.Resources, template.Conditions ?? {}, template.Parameters ?? {}].flatMap(Object.keys),
    );
    const named = [...objects(template)].flatMap((one) => [
      ...(typeof one.Ref === 'string' ? [one.Ref] : []),
      ...(Array.isArray(one['Fn::GetAtt']) ? [String(one['Fn::GetAtt'][0])] : []),
      ...(Array.isArray(one['Fn::If']) ? [String(one['Fn::If'][0])] : []),
      ...(typeof one['Fn::Sub'] === 'string'
        ? [...one['Fn::Sub'].matchAll(/\$\{([^}.!]+)/g)].map(([, name = '']) => name)
        : []),
    ]);
    const unknown = named.filter((name) => !known.has(name) && !name.startsWith('AWS::'));
    expect(named.length).toBeGreaterThan(100);
    expect(unknown).toEqual([]);
  });

  test('tells in its outputs all that the command needs', () => {
    const outputs = Object.entries(template.Outputs ?? {}).map(([OutputKey, { Value }]) => ({
      OutputKey,
      OutputValue: typeof Value === 'string' ? Value : 'made-up',
    }));
    const told = stackEnvironment({
      StackName: 'longshore-dev',
      StackStatus: 'CREATE_COMPLETE',
      Outputs: outputs,
    });
    const names = [BaseEnvironment, RunnerEnvironment].flatMap(({ shape }) => Object.keys(shape));
    expect(Object.keys(told)).toEqual(expect.arrayContaining(names));
    expect(told).toMatchObject({ LONGSHORE_MAX_TASKS: '50', LONGSHORE_STEP_TIMEOUT: '1200' });
  });

  test('leaves no variable of ours unresolved', () => {
    expect(JSON.stringify(template)).not.toMatch(/\$\{(self|sls|param|opt|env|file):/);
  });

  test('buckets are private, encrypted, TLS only, keep their data, and clean up broken uploads', () => {
    const buckets = ofType('AWS::S3::Bucket').filter(([id]) => id !== 'ServerlessDeploymentBucket');
    expect(buckets.map(([id]) => id).toSorted()).toEqual([
      'OutputBucket',
      'QuarantineBucket',
      'StateBucket',
      'UploadsBucket',
    ]);
    for (const [id, { Properties, DeletionPolicy, UpdateReplacePolicy }] of buckets) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
      expect(Properties.BucketEncryption).toBeDefined();
      // A first deployment that fails must leave no bucket: the next one would find the name taken.
      expect(DeletionPolicy).toBe('RetainExceptOnCreate');
      expect(UpdateReplacePolicy).toBe('Retain');
      const rules = Properties.LifecycleConfiguration.Rules as Record<string, unknown>[];
      expect(rules.some((rule) => 'AbortIncompleteMultipartUpload' in rule)).toBe(true);
      const [statement] = resource(`${id}Policy`).Properties.PolicyDocument.Statement;
      expect(statement).toMatchObject({
        Effect: 'Deny',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      });
    }
  });

  test('uploads notify the jobs queue, which lets them', () => {
    const { NotificationConfiguration } = resource('UploadsBucket').Properties;
    expect(NotificationConfiguration.QueueConfigurations).toEqual([
      { Event: 's3:ObjectCreated:*', Queue: { 'Fn::GetAtt': ['JobsQueue', 'Arn'] } },
    ]);
    const [allow] = resource('JobsQueuePolicy').Properties.PolicyDocument.Statement;
    expect(allow).toMatchObject({ Effect: 'Allow', Principal: { Service: 's3.amazonaws.com' } });
    // The policy cannot refer to the bucket, which depends on it: the name is made twice.
    const { BucketName } = resource('UploadsBucket').Properties;
    const source = allow.Condition.ArnEquals['aws:SourceArn'];
    expect(source['Fn::Sub'].endsWith(`:::${BucketName['Fn::Sub']}`)).toBe(true);
  });

  test('queues are encrypted; what fails in them is set aside', () => {
    const queues = ofType('AWS::SQS::Queue');
    expect(queues.every(([, { Properties }]) => Properties.SqsManagedSseEnabled === true)).toBe(true);
    const working = queues.filter(([id]) => !id.endsWith('DeadLetterQueue'));
    expect(working).toHaveLength(4);
    for (const [id, { Properties }] of working) {
      // New work and wake-ups are one function's.
      const dead = id.replace(/^Wake/, 'Jobs').replace('Queue', 'DeadLetterQueue');
      expect(Properties.RedrivePolicy.deadLetterTargetArn).toEqual({ 'Fn::GetAtt': [dead, 'Arn'] });
    }
  });

  test('messages stay hidden six times as long as their function may take, and failures are told one by one', () => {
    const mappings = ofType('AWS::Lambda::EventSourceMapping');
    expect(mappings).toHaveLength(4);
    for (const [, { Properties }] of mappings) {
      const queue = resource(Properties.EventSourceArn['Fn::GetAtt'][0]);
      const { Timeout } = resource(Properties.FunctionName['Fn::GetAtt'][0]).Properties;
      expect(queue.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Timeout);
      expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      expect(Properties.ScalingConfig.MaximumConcurrency).toBeGreaterThanOrEqual(2);
    }
  });

  test('a function that sends to a queue of its own may call itself for as long as it takes', () => {
    // Lambda stops others after some 16 calls in one chain: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    const looping = ofType('AWS::Lambda::EventSourceMapping').flatMap(([, { Properties }]) => {
      const [queue] = Properties.EventSourceArn['Fn::GetAtt'] as [string];
      const [name] = Properties.FunctionName['Fn::GetAtt'] as [string];
      return rightsOf(name).some((text) => text.includes('sqs:SendMessage') && text.includes(`"${queue}"`))
        ? [name]
        : [];
    });
    expect(looping).toEqual(['DispatchLambdaFunction']);
    for (const [id, { Properties }] of ofType('AWS::Lambda::Function'))
      expect([id, Properties.RecursiveLoop]).toEqual([id, looping.includes(id) ? 'Allow' : undefined]);
  });

  test('run answers before `serverless invoke` takes its silence for a fault and calls again', () => {
    expect(resource('RunLambdaFunction').Properties.Timeout).toBeLessThan(120);
  });

  test('stopped containers come to settle, the minute to the sweep, and the rebuild is off', () => {
    expect(resource('StoppedRule').Properties.EventPattern).toMatchObject({
      source: ['aws.ecs'],
      'detail-type': ['ECS Task State Change'],
      detail: { lastStatus: ['STOPPED'], startedBy: [{ prefix: 'longshore/' }] },
    });
    expect(resource('SweepRule').Properties.ScheduleExpression).toBe('rate(1 minute)');
    expect(resource('RebuildRule').Properties.State).toBe('DISABLED');
    for (const [name, target] of [
      ['Stopped', 'Settle'],
      ['Sweep', 'Sweep'],
      ['Rebuild', 'Rebuild'],
    ]) {
      const [{ Arn, DeadLetterConfig }] = resource(`${name}Rule`).Properties.Targets;
      expect(Arn).toEqual({ 'Fn::GetAtt': [`${target}LambdaFunction`, 'Arn'] });
      expect(DeadLetterConfig).toBeDefined();
      expect(resource(`${name}RulePermission`).Properties.SourceArn).toEqual({
        'Fn::GetAtt': [`${name}Rule`, 'Arn'],
      });
    }
  });

  test('what a rule cannot deliver may be set aside by each rule that is told to', () => {
    const rules = ofType('AWS::Events::Rule').filter(
      ([, { Properties }]) => Properties.Targets[0].DeadLetterConfig,
    );
    const [allow] = resource('EventsDeadLetterQueuePolicy').Properties.PolicyDocument.Statement;
    expect(allow.Condition.ArnEquals['aws:SourceArn']).toEqual(
      rules.map(([id]) => ({ 'Fn::GetAtt': [id, 'Arn'] })),
    );
  });

  test('logs do not stay for ever', () => {
    const groups = ofType('AWS::Logs::LogGroup');
    // And one of the forwarding's own.
    expect(groups).toHaveLength(FUNCTIONS.length + taskNames().length + 1);
    for (const [, { Properties }] of groups) expect(Properties.RetentionInDays).toBeGreaterThan(0);
  });

  test('nothing can come in to the containers', () => {
    const { Properties } = resource('ContainersSecurityGroup');
    expect(Properties.SecurityGroupEgress).toBeDefined();
    expect(Properties.SecurityGroupIngress).toBeUndefined();
    expect(ofType('AWS::EC2::SecurityGroupIngress')).toEqual([]);
  });
});

const statements = (): [string, Record<string, any>][] =>
  Object.entries(template.Resources)
    .filter(([, { Type }]) => /^AWS::IAM::(Role|ManagedPolicy)$/.test(Type))
    .flatMap(([id, { Properties }]) =>
      [
        ...(Properties.PolicyDocument ? [Properties.PolicyDocument] : []),
        ...((Properties.Policies ?? []) as { PolicyDocument: unknown }[]).map((one) => one.PolicyDocument),
      ].flatMap(({ Statement }) =>
        (Statement as Record<string, any>[]).map((one): [string, typeof one] => [id, one]),
      ),
    );

/** The statements of a function's role and of the policies that it shares, as JSON. */
function rightsOf(functionId: string): string[] {
  const role = resource(functionId).Properties.Role['Fn::Sub'].slice(2, -'.Arn}'.length) as string;
  const shared = (resource(role).Properties.ManagedPolicyArns ?? []) as { Ref: string }[];
  const places = new Set([role, ...shared.map(({ Ref }) => Ref)]);
  return statements()
    .filter(([id]) => places.has(id))
    .map(([, statement]) => JSON.stringify(statement));
}

/** Who may do this, with which objects. */
const allowed = (action: string): [string, string][] =>
  statements()
    .filter(([, { Action }]) => Action.includes(action))
    .map(([id, statement]) => [id, statement.Resource[0]['Fn::Sub']]);

describe('rights', () => {
  test('no action has a wildcard', () => {
    const actions = statements().flatMap(([, { Action }]) => [Action].flat() as string[]);
    expect(actions.length).toBeGreaterThan(20);
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });

  test('only the login to ECR is for all resources', () => {
    const all = statements().filter(([, { Resource: of }]) => ([of].flat() as unknown[]).includes('*'));
    expect(all.map(([id, { Action }]) => [id, Action])).toEqual([
      ['ExecutionRole', ['ecr:GetAuthorizationToken']],
    ]);
  });

  test('each function has a role of its own', () => {
    const roles = FUNCTIONS.map(
      (name) => resource(`${capital(name)}LambdaFunction`).Properties.Role['Fn::Sub'] as string,
    );
    expect(roles).toEqual(FUNCTIONS.map((name) => `\${${capital(name)}Role.Arn}`));
  });

  test('only functions that start containers may, and only they have the client for it', () => {
    const launching = FUNCTIONS.filter((name) => {
      const { ManagedPolicyArns = [] } = resource(`${capital(name)}Role`).Properties;
      return JSON.stringify(ManagedPolicyArns).includes('LaunchPolicy');
    });
    expect(launching).toEqual(FUNCTIONS.filter((name) => CLIENTS[name].includes('ecs')));
  });

  test('who copies files that others dropped may copy their tags, without which S3 refuses', () => {
    expect(allowed('s3:GetObjectTagging')).toEqual([['FinishPolicy', '${UploadsBucket.Arn}/*']]);
    expect(allowed('s3:PutObjectTagging')).toEqual([['FinishPolicy', '${QuarantineBucket.Arn}/*']]);
  });

  test('containers reach neither the ledger nor what is published', () => {
    const text = JSON.stringify(resource('TaskRole').Properties.Policies);
    expect(text).toContain('StateBucket.Arn}/staging/*');
    expect(text).not.toMatch(/ledger|OutputBucket|StateBucket\.Arn\}\/\*/);
  });
});

const taskNames = (): string[] =>
  readdirSync(join(root, 'tasks'), { withFileTypes: true })
    .filter(
      (entry) => entry.isDirectory() && readdirSync(join(root, 'tasks', entry.name)).includes('task.ts'),
    )
    .map(({ name }) => name);

const after = (ContainerName: string, Condition: string): object[] => [{ ContainerName, Condition }];

describe('task definitions', () => {
  test('there is one for each task', () => {
    const families = ofType('AWS::ECS::TaskDefinition').map(
      ([, { Properties }]) => Properties.Family as string,
    );
    expect(new Set(families)).toEqual(new Set(taskNames().map((name) => `longshore-dev-${name}`)));
    expect(families.length).toBeGreaterThan(0);
  });

  test.each([
    [
      'longshore-dev-hdf5-netcdf',
      [
        ['stage-in', false, undefined],
        ['main', false, after('stage-in', 'SUCCESS')],
        // Not after main: ECS stops tasks of which a container has waited for three hours.
        ['stage-out', true, after('stage-in', 'SUCCESS')],
      ],
    ],
    [
      'longshore-dev-osm-mapsforge',
      [
        ['stage-in', false, undefined],
        ['fetch', false, after('stage-in', 'SUCCESS')],
        // Not its success: stage-out must run, and tell why.
        ['main', false, after('fetch', 'COMPLETE')],
        ['stage-out', true, after('fetch', 'COMPLETE')],
      ],
    ],
  ])('the containers of %s follow one another', (family, expected) => {
    const [, found] = ofType('AWS::ECS::TaskDefinition').find(
      ([, { Properties }]) => Properties.Family === family,
    )!;
    const containers = found.Properties.ContainerDefinitions as Record<string, any>[];
    expect(containers.map(({ Name, Essential, DependsOn }) => [Name, Essential, DependsOn])).toEqual(
      expected,
    );
  });

  test('they share the same volumes, as nobody, with a read-only root', () => {
    for (const [, { Properties }] of ofType('AWS::ECS::TaskDefinition')) {
      const containers = Properties.ContainerDefinitions as Record<string, any>[];
      for (const container of containers) {
        expect(container).toMatchObject({
          User: '1000:1000',
          ReadonlyRootFilesystem: true,
          StopTimeout: 120,
          MountPoints: [
            { SourceVolume: 'longshore', ContainerPath: '/longshore', ReadOnly: false },
            { SourceVolume: 'tmp', ContainerPath: '/tmp', ReadOnly: false },
          ],
          // Else it is the account's affair whether a container stands still while CloudWatch is slow.
          LogConfiguration: { LogDriver: 'awslogs', Options: { mode: 'non-blocking' } },
        });
        // It is how long the next container waits for this one, 120 s at most: an input may take longer.
        expect(container).not.toHaveProperty('StartTimeout');
      }
      // The folders come after the command, and of several jobs each has its own: the entry point knows them.
      const main = containers.find(({ Name }) => Name === 'main')!;
      const [, , start] = main.EntryPoint as string[];
      expect(start).toContain('control/run.sh "$@" /longshore/input /longshore/output');
      expect(start).toContain('control/pack.sh container "$@"');
      expect(main.Command).not.toContain('/longshore/input');
    }
  });
});

describe('functions', () => {
  test.each(FUNCTIONS)('%s is small, loads by itself, and exports its handler', async (name) => {
    const { Properties } = resource(`${capital(name)}LambdaFunction`);
    expect(Properties.Runtime).toBe('nodejs24.x');
    const zip = join(root, `.serverless/${name}.zip`);
    expect(statSync(zip).size).toBeLessThan(MAX_ZIP_BYTES);
    // Outside of this repository, where it can find no node_modules but its own.
    const at = join(folder, name);
    for (const [file, content] of readZip(zip)) {
      mkdirSync(join(at, dirname(file)), { recursive: true });
      writeFileSync(join(at, file), content);
    }
    const [module, exported] = String(Properties.Handler).split('.');
    const script = `console.log(typeof require('./${module}.cjs')['${exported}'])`;
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: at, env: environment(name) });
    expect(stdout.trim()).toBe('function');
  });

  test.each(FUNCTIONS)('%s says which variable is missing', async (name) => {
    const script = `require('./functions/${name}.cjs')`;
    const { LONGSHORE_JOBS_QUEUE: _, ...rest } = environment(name);
    await expect(
      run(process.execPath, ['-e', script], { cwd: join(folder, name), env: rest }),
    ).rejects.toThrow('LONGSHORE_JOBS_QUEUE is not set');
  });

  test.each(FUNCTIONS)('%s is bundled with its own SDK clients only', async (name) => {
    const { metafile } = await build({
      entryPoints: [join(root, `functions/${name}.ts`)],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'cjs',
      mainFields: ['module', 'main'],
      logLevel: 'silent',
    });
    const clients = Object.entries(Object.values(metafile.outputs)[0]?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .flatMap(([path]) => /@aws-sdk\/client-([a-z0-9-]+)\//.exec(path)?.[1] ?? []);
    expect([...new Set(clients)].toSorted()).toEqual(CLIENTS[name]);
  });
});

/** The function's variables as the template has them; what CloudFormation would fill in is made up. */
function environment(name: string): Record<string, string> {
  const { Variables } = resource(`${capital(name)}LambdaFunction`).Properties.Environment;
  const filled = Object.entries(Variables as Record<string, unknown>).map(([key, value]) => [
    key,
    typeof value === 'object'
      ? key.endsWith('_QUEUE')
        ? 'https://sqs.test/queue'
        : 'made-up'
      : `${value as string | number}`,
  ]);
  return { ...Object.fromEntries(filled), AWS_REGION: 'us-east-1' } as Record<string, string>;
}
