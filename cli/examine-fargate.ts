/** `doctor --backend aws`: what Fargate needs to start containers: task definitions, images, a way out. */
import { ECRClient } from '@aws-sdk/client-ecr';
import { DescribeTaskDefinitionCommand, ECSClient } from '@aws-sdk/client-ecs';
import { awsConfig } from '../lib/aws/clients.ts';
import { MAIN_CONTAINER } from '../lib/aws/task-state.ts';
import type { PipelineSettings } from '../lib/pipeline/context.ts';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { examineImage } from './examine-ecr.ts';
import { good, missing, warning, type Finding } from './findings.ts';
import type { Tasks } from './tasks-folder.ts';

export async function examineFargate(
  tasks: Tasks,
  { architecture }: Pick<PipelineSettings, 'architecture'>,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const prefix = env.LONGSHORE_TASK_FAMILY_PREFIX;
  if (prefix === undefined) return [];
  const ecs = new ECSClient(awsConfig(env));
  const families = await Promise.all(
    [...tasks.values()].map(async (task) => await examineFamily(ecs, prefix + task.name, task)),
  );
  // The stage image is in every definition, and looked at once.
  const images = new Map(families.flatMap((family) => family.images));
  const looked = [...images].map(
    async ([image, task]) => await examineImage(clientFor(image, env), image, architecture, task),
  );
  return [
    ...families.map(({ finding }) => finding),
    ...(await Promise.all(looked)).flat(),
    examineWayOut(env.LONGSHORE_ASSIGN_PUBLIC_IP),
  ];
}

/** Of the image's own region. */
function clientFor(image: string, env: NodeJS.ProcessEnv): ECRClient {
  const [, region] = /\.dkr\.ecr\.([a-z0-9-]+)\./.exec(image) ?? [];
  return new ECRClient({ ...awsConfig(env), ...(region === undefined ? {} : { region }) });
}

/** The images of a task's definition, the main container's with the task whose disk must hold it. */
async function examineFamily(
  ecs: ECSClient,
  family: string,
  task: TaskDefinition,
): Promise<{ finding: Finding; images: [string, TaskDefinition | undefined][] }> {
  const what = `task definition ${family}`;
  try {
    const { taskDefinition } = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: family }));
    const containers = taskDefinition?.containerDefinitions ?? [];
    return {
      images: containers.flatMap(({ name, image }): [string, TaskDefinition | undefined][] =>
        image === undefined ? [] : [[image, name === MAIN_CONTAINER ? task : undefined]],
      ),
      finding: good(what, `revision ${taskDefinition?.revision}`),
    };
  } catch (error) {
    const todo = 'deploy the stack again: it registers a definition for each task (npx serverless deploy)';
    return { images: [], finding: missing(what, (error as Error).message, todo) };
  }
}

/** Prices of us-east-1, November 2026. */
function examineWayOut(assignPublicIp: string | undefined): Finding {
  const what = 'network';
  if (assignPublicIp !== 'false')
    return good(what, 'containers have public addresses, $0.005 an hour each while they run; no NAT gateway');
  return warning(
    what,
    'containers have no public address: behind a NAT gateway each gigabyte that they fetch costs $0.045, images included, besides $33 a month for the gateway',
    'give the subnets endpoints for S3 (free), ECR and CloudWatch Logs, or deploy with assignPublicIp=true in public subnets',
  );
}
