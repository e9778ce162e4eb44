/** Task definitions, clusters and lists. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DeregisterTaskDefinitionCommand,
  DescribeClustersCommand,
  DescribeTaskDefinitionCommand,
  ListClustersCommand,
  ListServicesCommand,
  ListTaskDefinitionsCommand,
  ListTasksCommand,
  RegisterTaskDefinitionCommand,
  type ListTasksCommandInput,
} from '@aws-sdk/client-ecs';
import { tasks } from '../../../tasks/index.ts';
import { taskResources } from '../../../lib/aws/task-definition.ts';
import { fromCloudFormation } from '../../doubles/ecs/from-cloudformation.ts';
import { bench, definition, steps, type Bench } from './support.ts';

let one: Bench;
beforeAll(async () => {
  one = await bench({ containers: () => ({ hangs: true }) });
});
afterAll(async () => await one.stop());

test('each registration is a revision; a family alone is its latest active one', async () => {
  const { client } = one;
  const register = new RegisterTaskDefinitionCommand(definition(steps, 'revised'));
  expect((await client.send(register)).taskDefinition).toMatchObject({
    family: 'revised',
    revision: 1,
    status: 'ACTIVE',
  });
  await client.send(register);
  const look = async (taskDefinition: string) =>
    (await client.send(new DescribeTaskDefinitionCommand({ taskDefinition }))).taskDefinition;
  expect(await look('revised')).toMatchObject({ revision: 2 });
  expect(await look('revised:1')).toMatchObject({ revision: 1, containerDefinitions: expect.any(Array) });
  await client.send(new DeregisterTaskDefinitionCommand({ taskDefinition: 'revised:2' }));
  expect(await look('revised')).toMatchObject({ revision: 1 });
  expect(await look('revised:2')).toMatchObject({ status: 'INACTIVE' });
  await expect(one.run({ taskDefinition: 'revised:2' })).rejects.toThrow('TaskDefinition is inactive');
  await expect(look('nothing')).rejects.toMatchObject({ name: 'ClientException' });
  const listed = await client.send(new ListTaskDefinitionsCommand({ familyPrefix: 'revised' }));
  expect(listed.taskDefinitionArns).toEqual([expect.stringMatching(/task-definition\/revised:1$/)]);
});

test.each([
  ['no essential container', [{ name: 'a', essential: false }], 'essential'],
  ['two of one name', [{ name: 'a' }, { name: 'a' }], 'unique'],
  [
    'a volume that there is not',
    [{ name: 'a', mountPoints: [{ sourceVolume: 'v', containerPath: '/v' }] }],
    'v, is not',
  ],
  ['a stopTimeout over 120 s', [{ name: 'a', stopTimeout: 121 }], 'at most 120'],
  [
    'a dependency on nobody',
    [{ name: 'a', dependsOn: [{ containerName: 'b', condition: 'START' as const }] }],
    'non-existent',
  ],
  [
    'HEALTHY without a health check',
    [{ name: 'a' }, { name: 'b', dependsOn: [{ containerName: 'a', condition: 'HEALTHY' as const }] }],
    'no healthCheck',
  ],
  [
    'a circle',
    [
      { name: 'a', dependsOn: [{ containerName: 'b', condition: 'START' as const }] },
      { name: 'b', dependsOn: [{ containerName: 'a', condition: 'START' as const }] },
    ],
    'circular',
  ],
])('a definition with %s is refused', async (_, containers, words) => {
  await expect(
    one.client.send(new RegisterTaskDefinitionCommand(definition(containers))),
  ).rejects.toMatchObject({
    name: 'ClientException',
    message: expect.stringContaining(words),
  });
});

test('a size that Fargate has not is refused', async () => {
  const wrong = { ...definition(steps), memory: '4096' };
  await expect(one.client.send(new RegisterTaskDefinitionCommand(wrong))).rejects.toThrow(
    'No Fargate configuration exists for given values: 256 CPU, 4096 memory',
  );
});

test('the definitions of this project’s template are taken, with what they refer to filled in', async () => {
  const settings = {
    service: 'longshore',
    stage: 'test',
    registry: 'localhost',
    imageTag: 'develop',
    architecture: 'x86_64',
    logRetentionInDays: 1,
    pushed: {},
  } as const;
  const resources = taskResources(tasks.values(), settings);
  const definitions = Object.values(resources).filter(({ Type }) => Type === 'AWS::ECS::TaskDefinition');
  expect(definitions).toHaveLength(tasks.size);
  for (const { Properties } of definitions) {
    const input = fromCloudFormation(Properties, (intrinsic) => JSON.stringify(intrinsic));
    const { taskDefinition } = await one.client.send(new RegisterTaskDefinitionCommand(input));
    const names = taskDefinition?.containerDefinitions?.map(({ name }) => name);
    expect(names?.filter((name) => name !== 'fetch')).toEqual(['stage-in', 'main', 'stage-out']);
    expect(taskDefinition?.containerDefinitions?.[0]?.environment).toContainEqual({
      name: 'LONGSHORE_STATE_BUCKET',
      value: '{"Ref":"StateBucket"}',
    });
  }
});

test('clusters are made, described, listed, and deleted when nothing runs in them', async () => {
  const { client } = one;
  await client.send(new CreateClusterCommand({ clusterName: 'second' }));
  const taskArn = await one.run({ cluster: 'second' });
  const { clusters, failures } = await client.send(
    new DescribeClustersCommand({ clusters: ['second', 'third'] }),
  );
  expect(clusters).toMatchObject([{ clusterName: 'second', status: 'ACTIVE', pendingTasksCount: 1 }]);
  expect(failures).toMatchObject([{ reason: 'MISSING' }]);
  expect((await client.send(new ListClustersCommand({}))).clusterArns).toHaveLength(2);
  const remove = new DeleteClusterCommand({ cluster: 'second' });
  await expect(client.send(remove)).rejects.toMatchObject({ name: 'ClusterContainsTasksException' });
  one.ecs.state.lives.get(taskArn)?.stop({ stopCode: 'UserInitiated', reason: 'test' });
  await one.ecs.state.lives.get(taskArn)?.over;
  expect((await client.send(remove)).cluster).toMatchObject({ status: 'INACTIVE' });
});

test('tasks are listed by who started them, family and desired status, in pages', async () => {
  const { client, run } = one;
  const arns: string[] = [];
  for (let n = 0; n < 5; n += 1) arns.push(await run({ startedBy: `by-${n % 2}` }));
  const list = async (input: Partial<ListTasksCommandInput>): Promise<string[]> => {
    const found: string[] = [];
    let nextToken: string | undefined;
    do {
      const answer = await client.send(
        new ListTasksCommand({
          cluster: 'cluster',
          ...input,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
      found.push(...(answer.taskArns ?? []));
      ({ nextToken } = answer);
    } while (nextToken !== undefined);
    return found;
  };
  expect(await list({ startedBy: 'by-0' })).toEqual([arns[0], arns[2], arns[4]]);
  expect(await list({ family: 'family', maxResults: 2 })).toEqual(arns);
  expect(await list({ desiredStatus: 'STOPPED' })).toEqual([]);
  one.ecs.interrupt(arns[1]!);
  expect(await list({ desiredStatus: 'STOPPED' })).toEqual([arns[1]]);
  await expect(list({ startedBy: 'by-0', family: 'family' })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  });
});

test('an action that it does not know is told by its name', async () => {
  await expect(one.client.send(new ListServicesCommand({ cluster: 'cluster' }))).rejects.toThrow(
    'The double does not know ListServices',
  );
});
