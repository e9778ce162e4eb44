/** An image of a deployed task definition, looked at in ECR: whether it is there, of which architecture, and how large. */
import {
  BatchGetImageCommand,
  DescribeImagesCommand,
  GetDownloadUrlForLayerCommand,
  type ECRClient,
} from '@aws-sdk/client-ecr';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { good, missing, type Finding } from './findings.ts';
import { formatBytes } from './format.ts';

/** As a task definition names it. */
type Architecture = 'x86_64' | 'arm64';

/** What Fargate keeps on a task's disk of an image: what it pulled and, some 2.5 times as large, what it unpacked. */
const DISK_PER_IMAGE_BYTE = 3.5;

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

/** `task`: whose disk must hold it; not given for an image that is not a task's own (stage). */
export async function examineImage(
  ecr: ECRClient,
  image: string,
  architecture: Architecture,
  task?: TaskDefinition,
): Promise<Finding[]> {
  const what = `image ${image}`;
  const parsed = parseEcrImage(image);
  if (!parsed) return [good(what, 'in a registry that is not ECR, which is not asked')];
  const { registryId, repositoryName, imageId } = parsed;
  try {
    const { imageDetails: [found] = [] } = await ecr.send(
      new DescribeImagesCommand({ registryId, repositoryName, imageIds: [imageId] }),
    );
    if (!found) throw new Error('there is no such image');
    const bytes = found.imageSizeInBytes ?? 0;
    const pushed = found.imagePushedAt?.toISOString() ?? 'at an unknown time';
    const detail = `${formatBytes(bytes)} compressed, pushed ${pushed}`;
    const fits = architectureFinding(what, detail, await architectures(ecr, parsed), architecture);
    return task ? [fits, examineDisk(task, bytes)] : [fits];
  } catch (error) {
    const name = repositoryName.slice(repositoryName.lastIndexOf('/') + 1);
    const registry = image.slice(0, image.indexOf('/longshore/'));
    const todo = `longshore image build ${name} && longshore image push ${name} --registry ${registry}`;
    return [missing(what, (error as Error).message, todo)];
  }
}

function architectureFinding(
  what: string,
  detail: string,
  found: string[],
  architecture: Architecture,
): Finding {
  const wanted = architecture === 'arm64' ? 'arm64' : 'amd64';
  const known = `${detail}, ${found.join(' and ')}`;
  if (found.includes(wanted)) return good(what, known);
  const other = wanted === 'arm64' ? 'x86_64' : 'arm64';
  return missing(
    what,
    `${known}; the stack starts ${wanted}`,
    `build it for ${wanted} (docker buildx build --platform linux/${wanted} …) and push it, or deploy with --param architecture=${other}`,
  );
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
