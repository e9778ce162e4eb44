/** `doctor --backend aws`: what Fargate needs to start containers: task definitions, images, a quota. */
import { DescribeImagesCommand, ECRClient } from '@aws-sdk/client-ecr';
import { DescribeTaskDefinitionCommand, ECSClient } from '@aws-sdk/client-ecs';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { awsConfig } from '../lib/aws/clients.ts';
import type { PipelineSettings } from '../lib/pipeline/context.ts';
import { parseEcrImage } from './examine-ecr.ts';
import { good, missing, warning, type Finding } from './findings.ts';
import type { Tasks } from './tasks-folder.ts';

export async function examineFargate(
  tasks: Tasks,
  settings: Pick<PipelineSettings, 'maxTasks' | 'spotAvailable'>,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const prefix = env.LONGSHORE_TASK_FAMILY_PREFIX;
  if (prefix === undefined) return [];
  const ecs = new ECSClient(awsConfig(env));
  const families = await Promise.all(
    [...tasks.keys()].map(async (task) => await examineFamily(ecs, prefix + task)),
  );
  const images = [...new Set(families.flatMap((family) => family.images))];
  return [
    ...families.map(({ finding }) => finding),
    ...(await Promise.all(images.map(async (image) => await examineImage(image, env)))),
    ...(await examineQuotas(settings, env)),
  ];
}

async function examineFamily(
  ecs: ECSClient,
  family: string,
): Promise<{ finding: Finding; images: string[] }> {
  const what = `task definition ${family}`;
  try {
    const { taskDefinition } = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: family }));
    const images = (taskDefinition?.containerDefinitions ?? []).flatMap(({ image }) => image ?? []);
    return { images, finding: good(what, `revision ${taskDefinition?.revision}`) };
  } catch (error) {
    const todo = 'deploy the stack again: it registers a definition for each task (npx serverless deploy)';
    return { images: [], finding: missing(what, (error as Error).message, todo) };
  }
}

async function examineImage(image: string, env: NodeJS.ProcessEnv): Promise<Finding> {
  const parsed = parseEcrImage(image);
  const [, region] = /\.dkr\.ecr\.([a-z0-9-]+)\./.exec(image) ?? [];
  const what = `image ${image}`;
  if (parsed === undefined || region === undefined)
    return good(what, 'in a registry that is not ECR, which is not asked');
  const { registryId, repositoryName, imageId } = parsed;
  try {
    const ecr = new ECRClient({ ...awsConfig(env), region });
    const { imageDetails: [found] = [] } = await ecr.send(
      new DescribeImagesCommand({ registryId, repositoryName, imageIds: [imageId] }),
    );
    if (!found) throw new Error('there is no such image');
    return good(what, `${found.imageDigest}, pushed ${found.imagePushedAt?.toISOString()}`);
  } catch (error) {
    const task = repositoryName.slice(repositoryName.lastIndexOf('/') + 1);
    const registry = image.slice(0, image.indexOf('/longshore/'));
    return missing(
      what,
      (error as Error).message,
      `longshore image build ${task} && longshore image push ${task} --registry ${registry}`,
    );
  }
}

/** vCPUs that may run at once in this account and region. New accounts begin with few (6 have been seen). */
const QUOTAS = { 'on demand': 'L-3032A538', Spot: 'L-36FBB829' } as const;
/** Less than this for each of maxTasks: then the quota is the limit, not maxTasks. */
const VCPU_PER_TASK = 1;

async function examineQuotas(
  { maxTasks, spotAvailable }: Pick<PipelineSettings, 'maxTasks' | 'spotAvailable'>,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const client = new ServiceQuotasClient(awsConfig(env));
  const kinds = (['on demand', 'Spot'] as const).filter((kind) => kind !== 'Spot' || spotAvailable);
  return await Promise.all(
    kinds.map(async (kind): Promise<Finding> => {
      const what = `Fargate quota (${kind})`;
      const QuotaCode = QUOTAS[kind];
      try {
        const { Quota } = await client.send(
          new GetServiceQuotaCommand({ ServiceCode: 'fargate', QuotaCode }),
        );
        const vcpus = Quota?.Value ?? 0;
        if (vcpus >= maxTasks * VCPU_PER_TASK) return good(what, `${vcpus} vCPU at once`);
        return warning(
          what,
          `${vcpus} vCPU at once, and the stack may start ${maxTasks} containers`,
          `ask for more (Service Quotas, fargate, ${QuotaCode}); until then jobs wait for room, none fails for it`,
        );
      } catch (error) {
        const todo = `look at it yourself: Service Quotas, fargate, ${QuotaCode}`;
        return warning(what, `cannot be read: ${(error as Error).message}`, todo);
      }
    }),
  );
}
