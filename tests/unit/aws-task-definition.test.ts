import { describe, expect, test } from '@jest/globals';
import { taskResources, type TaskTemplateSettings } from '../../lib/aws/task-definition.ts';
import { makeTask } from './tasks/factories.ts';

const settings: TaskTemplateSettings = {
  service: 'longshore',
  stage: 'test',
  registry: '',
  imageTag: 'develop',
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
