/** The images that the deployed task definitions name: whether they are there, of which architecture, and how large. */
import {
  BatchGetImageCommand,
  DescribeImagesCommand,
  ECRClient,
  GetDownloadUrlForLayerCommand,
} from '@aws-sdk/client-ecr';
import { DescribeTaskDefinitionCommand, ECSClient } from '@aws-sdk/client-ecs';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { MAIN_CONTAINER } from '../lib/aws/task-state.ts';
import { good, missing, warning, type Finding } from './findings.ts';
import { formatBytes } from './format.ts';

export interface EcrClients {
  ecs: ECSClient;
  ecr: ECRClient;
}

export interface Deployed {
  /** Task definition family, without the task at its end. */
  familyPrefix: string;
  architecture: 'x86_64' | 'arm64';
  tasks: Iterable<TaskDefinition>;
}

/** What Fargate keeps on a task's disk of an image: what it pulled and, some 2.5 times as large, what it unpacked. */
const DISK_PER_IMAGE_BYTE = 3.5;

export async function examineDeployedImages(
  { familyPrefix, architecture, tasks }: Deployed,
  clients: EcrClients = { ecs: new ECSClient({}), ecr: new ECRClient({}) },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const task of tasks) {
    const what = `image of ${task.name}`;
    try {
      const image = await deployedImage(clients.ecs, familyPrefix + task.name);
      findings.push(...(await examineImage(clients.ecr, what, image, task, architecture)));
    } catch (error) {
      findings.push(
        missing(what, (error as Error).message, `longshore image push ${task.name}, then deploy`),
      );
    }
  }
  return findings;
}

async function deployedImage(ecs: ECSClient, family: string): Promise<string> {
  const { taskDefinition } = await ecs.send(new DescribeTaskDefinitionCommand({ taskDefinition: family }));
  const main = taskDefinition?.containerDefinitions?.find(({ name }) => name === MAIN_CONTAINER);
  if (main?.image === undefined)
    throw new Error(`The task definition ${family} has no container ${MAIN_CONTAINER}`);
  return main.image;
}

interface EcrImage {
  registryId: string;
  repositoryName: string;
  imageId: { imageTag: string } | { imageDigest: string };
}

/** `123456789012.dkr.ecr.eu-west-1.amazonaws.com/longshore-prod/longshore/osm-mapsforge@sha256:…`; of no other registry. */
export function parseEcrImage(image: string): EcrImage | undefined {
  const [, registryId, repositoryName, imageTag, imageDigest] =
    /^(\d{12})\.dkr\.ecr\.[^/]+\/([^:@]+)(?::([^@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(image) ?? [];
  if (registryId === undefined || repositoryName === undefined) return undefined;
  const imageId = imageDigest === undefined ? { imageTag: imageTag ?? 'latest' } : { imageDigest };
  return { registryId, repositoryName, imageId };
}

async function examineImage(
  ecr: ECRClient,
  what: string,
  image: string,
  task: TaskDefinition,
  architecture: Deployed['architecture'],
): Promise<Finding[]> {
  const parsed = parseEcrImage(image);
  if (!parsed)
    return [
      warning(
        what,
        `${image} is in a registry that only its engine can look into`,
        `docker manifest inspect ${image}`,
      ),
    ];
  const { registryId, repositoryName, imageId } = parsed;
  const { imageDetails = [] } = await ecr.send(
    new DescribeImagesCommand({ registryId, repositoryName, imageIds: [imageId] }),
  );
  const bytes = imageDetails[0]?.imageSizeInBytes ?? 0;
  const found = await architectures(ecr, parsed);
  const wanted = architecture === 'arm64' ? 'arm64' : 'amd64';
  const detail = `${image}, ${formatBytes(bytes)} compressed, ${found.join(' and ')}`;
  const fits = found.includes(wanted)
    ? good(what, detail)
    : missing(
        what,
        `${detail}; the stack starts ${wanted}`,
        `build it for ${wanted} (docker buildx build --platform linux/${wanted} …) and push it, or deploy with --param architecture=${wanted === 'arm64' ? 'x86_64' : 'arm64'}`,
      );
  return [fits, examineDisk(task, bytes)];
}

interface Manifest {
  manifests?: { platform?: { architecture?: string } }[];
  config?: { digest?: string };
}

/** As Go names them: amd64, arm64. An index tells its images' own; a single image tells it in its configuration. */
async function architectures(
  ecr: ECRClient,
  { registryId, repositoryName, imageId }: EcrImage,
): Promise<string[]> {
  const { images = [] } = await ecr.send(
    new BatchGetImageCommand({ registryId, repositoryName, imageIds: [imageId] }),
  );
  const manifest = JSON.parse(images[0]?.imageManifest ?? '{}') as Manifest;
  if (manifest.manifests) {
    // Attestations of builds have the platform "unknown".
    const all = manifest.manifests.map(({ platform }) => platform?.architecture ?? 'unknown');
    return [...new Set(all)].filter((one) => one !== 'unknown');
  }
  const layerDigest = manifest.config?.digest;
  if (layerDigest === undefined) throw new Error(`${repositoryName} has a manifest without a configuration`);
  const { downloadUrl } = await ecr.send(
    new GetDownloadUrlForLayerCommand({ registryId, repositoryName, layerDigest }),
  );
  const answer = await fetch(downloadUrl ?? '');
  if (!answer.ok) throw new Error(`${repositoryName}: its configuration answers HTTP ${answer.status}`);
  const { architecture = 'unknown' } = (await answer.json()) as { architecture?: string };
  return [architecture];
}

/** From a small input to the largest extract that anybody makes maps of. */
const SAMPLE_BYTES = [1e6, 1e8, 1e9, 4e9];
const GIB = 1024 ** 3;

/** The image and its inputs share the task's disk with what the handler writes. */
export function examineDisk(task: TaskDefinition, imageBytes: number): Finding {
  const what = `disk of ${task.name}`;
  const params = task.params.safeParse({});
  if (!params.success) return good(what, 'it depends on parameters that every job gives');
  const sizes = SAMPLE_BYTES.map((bytes) => {
    const { diskGiB } = task.size({ bytes, params: params.data });
    return { bytes, diskGiB, leftBytes: diskGiB * GIB - imageBytes * DISK_PER_IMAGE_BYTE - bytes };
  });
  const text = sizes.map(({ bytes, diskGiB }) => `${diskGiB} GiB for ${formatBytes(bytes)}`).join(', ');
  const image = `of which the image takes some ${formatBytes(imageBytes * DISK_PER_IMAGE_BYTE)}`;
  const short = sizes.find(({ leftBytes }) => leftBytes < 0);
  if (!short) return good(what, `${text}, ${image}`);
  return missing(
    what,
    `${text}, ${image}: an input of ${formatBytes(short.bytes)} does not fit beside it`,
    `let size() in tasks/${task.name}/task.ts ask for more diskGiB`,
  );
}
