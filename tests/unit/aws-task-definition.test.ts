import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPushedImages, recordPush, type PushedImage } from '../../lib/aws/pushed-images.ts';
import {
  STAGE_IMAGE,
  taskResources,
  unpinned,
  type TaskTemplateSettings,
} from '../../lib/aws/task-definition.ts';
import { makeTask } from './tasks/factories.ts';

const settings: TaskTemplateSettings = {
  service: 'longshore',
  stage: 'test',
  registry: '',
  imageTag: 'develop',
  pushed: {},
  architecture: 'x86_64',
  logRetentionInDays: 30,
};

interface Container {
  Name: string;
  Secrets?: unknown;
}

describe('secrets of a task', () => {
  const resources = taskResources([makeTask({ secrets: { API_TOKEN: 'Token of the server' } })], settings);
  const containers = resources.CopyTask?.Properties.ContainerDefinitions as unknown as Container[];

  test('come from Secrets Manager by reference, to main alone', () => {
    expect(containers.map(({ Name, Secrets }) => [Name, Secrets])).toEqual([
      ['stage-in', undefined],
      ['main', [{ Name: 'API_TOKEN', ValueFrom: { Ref: 'CopyApiTokenSecret' } }]],
      ['stage-out', undefined],
    ]);
  });

  test('are made empty, below the name that the execution role may read', () => {
    expect(resources.CopyApiTokenSecret).toEqual({
      Type: 'AWS::SecretsManager::Secret',
      Properties: { Name: 'longshore-test/copy/API_TOKEN', Description: 'Token of the server' },
    });
  });
});

const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/longshore-test';
const pushed = (changes: Partial<PushedImage> = {}): PushedImage => ({
  registry: ECR,
  tag: 'v1.0.0',
  digest: `sha256:${'ab'.repeat(32)}`,
  pushedAt: '2026-11-24T09:00:00.000Z',
  ...changes,
});

const imagesOf = (changes: Partial<TaskTemplateSettings>): unknown[] => {
  const { CopyTask } = taskResources([makeTask({})], { ...settings, ...changes });
  const containers = CopyTask?.Properties.ContainerDefinitions as unknown as { Image: unknown }[];
  return containers.map(({ Image }) => Image);
};

describe('the images of a task definition', () => {
  const own = '${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/longshore-test';

  test('are named by the digest that was pushed, the others by the tag', () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    expect(imagesOf({ pushed: { 'longshore/copy': pushed() } })).toEqual([
      { 'Fn::Sub': `${own}/longshore/stage:develop` },
      { 'Fn::Sub': `${own}/longshore/copy@${digest}` },
      { 'Fn::Sub': `${own}/longshore/stage:develop` },
    ]);
  });

  test('of a registry given by hand too', () => {
    const registry = 'registry.example.com/maps';
    const known = { 'longshore/copy': pushed({ registry }), [STAGE_IMAGE]: pushed({ registry }) };
    const [stage, main] = imagesOf({ registry, pushed: known });
    expect([stage, main]).toEqual([
      `${registry}/longshore/stage@sha256:${'ab'.repeat(32)}`,
      `${registry}/longshore/copy@sha256:${'ab'.repeat(32)}`,
    ]);
  });

  test.each([
    ['', 'registry.example.com/maps'],
    ['', ECR.replace('longshore-test', 'longshore-prod')],
    ['registry.example.com/maps', ECR],
  ])('with the registry "%s" are not those that were pushed to %s', (registry, to) => {
    const known = { 'longshore/copy': pushed({ registry: to }) };
    expect(() => imagesOf({ registry, pushed: known })).toThrow(`longshore/copy was pushed to ${to}`);
  });

  test('that nobody pushed are told', () => {
    expect(unpinned([makeTask({})], { pushed: {} })).toEqual(['longshore/stage', 'longshore/copy']);
    expect(
      unpinned([makeTask({})], { pushed: { [STAGE_IMAGE]: pushed(), 'longshore/copy': pushed() } }),
    ).toEqual([]);
  });
});

describe('the file of what was pushed', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longshore-pushed-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('keeps the last push of each image', async () => {
    const path = join(folder, 'deep/images.json');
    expect(await readPushedImages(path)).toEqual({});
    await recordPush(path, 'longshore/b', pushed());
    await recordPush(path, 'longshore/a', pushed());
    await recordPush(path, 'longshore/b', pushed({ tag: 'v1.0.1' }));
    const images = await readPushedImages(path);
    expect(Object.entries(images).map(([name, { tag }]) => [name, tag])).toEqual([
      ['longshore/a', 'v1.0.0'],
      ['longshore/b', 'v1.0.1'],
    ]);
  });

  test.each(['', '[]', '{"longshore/a":{"digest":"latest"}}'])(
    'that says %j stops the deployment',
    async (text) => {
      const path = join(folder, 'images.json');
      await writeFile(path, text);
      await expect(readPushedImages(path)).rejects.toThrow(
        'images.json cannot be understood: push the images again',
      );
    },
  );
});
