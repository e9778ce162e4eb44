/** The task metadata endpoint, version 4, as far as containers ask: `/v4/<task>-<container>` and `…/task`. */
import { shortName, type EcsState, type TaskRecord } from './state.ts';

const PATH = /^\/v4\/([0-9a-f]{32})-([A-Za-z0-9_-]+?)(\/task)?$/;

export function metadata({ tasks }: EcsState, path: string): unknown {
  const [, id, container, whole] = PATH.exec(path) ?? [];
  const task = [...tasks.values()].find(({ taskArn }) => shortName(taskArn) === id);
  if (!task) return undefined;
  const containers = containersOf(task);
  if (whole === undefined) return containers.find(({ Name }) => Name === container);
  const [family, revision] = shortName(task.taskDefinitionArn).split(':');
  return {
    Cluster: task.clusterArn,
    TaskARN: task.taskArn,
    Family: family,
    Revision: revision,
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    Limits: { CPU: Number(task.cpu) / 1024, Memory: Number(task.memory) },
    LaunchType: 'FARGATE',
    Containers: containers,
  };
}

const containersOf = ({ containers }: TaskRecord) =>
  containers.map(({ name, image, imageDigest, runtimeId, lastStatus, exitCode, containerArn }) => ({
    DockerId: runtimeId,
    Name: name,
    DockerName: name,
    Image: image,
    ImageID: imageDigest,
    KnownStatus: lastStatus,
    ContainerARN: containerArn,
    Type: 'NORMAL',
    ...(exitCode === undefined ? {} : { ExitCode: exitCode }),
  }));
