import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ECRClient } from '@aws-sdk/client-ecr';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { afterEach, describe, expect, test } from '@jest/globals';
import { examineDisk, examineImage, parseEcrImage } from '../../cli/examine-ecr.ts';
import { examineConcurrency, examineQuotas } from '../../cli/examine-quotas.ts';
import { AwsException, startAwsJson, type AwsJson, type AwsOperations } from '../doubles/aws-json.ts';
import { makeTask } from './tasks/factories.ts';

const servers: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function config(operations: AwsOperations) {
  const double: AwsJson = await startAwsJson(operations);
  servers.push(double);
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  return { endpoint: double.endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 };
}

const quotas = async (values: Record<string, number>) =>
  new ServiceQuotasClient(
    await config({
      GetServiceQuota: ({ QuotaCode }) => {
        const Value = values[String(QuotaCode)];
        if (Value === undefined) throw new AwsException('NoSuchResourceException', 'none');
        return { Quota: { Value } };
      },
      GetAWSDefaultServiceQuota: () => ({ Quota: { Value: 6 } }),
    }),
  );

describe('the quotas', () => {
  const oneVcpu = makeTask({ size: () => ({ vcpu: 1, memoryMiB: 2048, diskGiB: 20 }) });

  test('of a new account let six containers of one vCPU run, and say how to ask for more', async () => {
    const found = await examineQuotas({ maxTasks: 50, spot: true, tasks: [oneVcpu] }, await quotas({}));
    expect(found.map(({ verdict }) => verdict)).toEqual(['warning', 'warning']);
    expect(found[1]?.detail).toContain('6 vCPU: at once 6 of copy (1 vCPU)');
    expect(found[1]?.todo).toContain('--quota-code L-3032A538 --desired-value 50');
  });

  test('that suffice are good, and Spot is not asked for where it is not used', async () => {
    const found = await examineQuotas(
      { maxTasks: 50, spot: false, tasks: [oneVcpu] },
      await quotas({ 'L-3032A538': 50 }),
    );
    expect(found).toMatchObject([{ verdict: 'good', what: 'Fargate On-Demand vCPU resource count' }]);
  });

  test.each([
    [10, 'warning'],
    [1000, 'good'],
  ])('of %i functions at once is a %s', async (Value, verdict) => {
    const found = await examineConcurrency(await quotas({ 'L-B99A9384': Value }));
    expect(found).toMatchObject({ verdict, detail: expect.stringContaining(`${Value} in this region`) });
    expect(found.todo?.includes('--service-code lambda')).toBe(verdict === 'warning' ? true : undefined);
  });

  test('that may not be read are no reason to stop', async () => {
    const denied = new ServiceQuotasClient(
      await config({
        GetServiceQuota: () => {
          throw new AwsException('AccessDeniedException', 'not allowed');
        },
      }),
    );
    const [found] = await examineQuotas({ maxTasks: 1, spot: false, tasks: [oneVcpu] }, denied);
    expect(found).toMatchObject({ verdict: 'warning' });
    expect(found?.detail).toContain('not allowed');
  });
});

describe('the deployed images', () => {
  const IMAGE = '123456789012.dkr.ecr.eu-west-1.amazonaws.com/longshore-dev/longshore/copy:develop';

  async function examine(architecture: string, changes: AwsOperations = {}) {
    const blobs: Server = createServer((_, response) => response.end(JSON.stringify({ architecture })));
    await new Promise<void>((done) => blobs.listen(0, '127.0.0.1', done));
    servers.push({
      close: async () => await new Promise((done) => blobs.close(() => done())),
    });
    const downloadUrl = `http://127.0.0.1:${(blobs.address() as AddressInfo).port}/`;
    const of = await config({
      DescribeImages: () => ({ imageDetails: [{ imageSizeInBytes: 3e8 }] }),
      BatchGetImage: () => ({
        images: [{ imageManifest: JSON.stringify({ config: { digest: 'sha256:1' } }) }],
      }),
      GetDownloadUrlForLayer: () => ({ downloadUrl }),
      ...changes,
    });
    return await examineImage(new ECRClient(of), IMAGE, 'x86_64', makeTask());
  }

  test('of the architecture that the stack starts are good', async () => {
    const [image, disk] = await examine('amd64');
    expect(image).toMatchObject({ verdict: 'good', what: `image ${IMAGE}` });
    expect(image?.detail).toMatch(/^286 MiB compressed, pushed .*, amd64$/);
    expect(disk).toMatchObject({ verdict: 'good', what: 'disk of copy' });
  });

  test('of the other architecture would never start', async () => {
    const [image] = await examine('arm64');
    expect(image).toMatchObject({ verdict: 'missing' });
    expect(image?.detail).toContain('arm64; the stack starts amd64');
    expect(image?.todo).toContain('--platform linux/amd64');
  });

  test('of several architectures are asked for theirs, without attestations', async () => {
    const manifests = [{ platform: { architecture: 'amd64' } }, { platform: { architecture: 'unknown' } }];
    const [image] = await examine('none', {
      BatchGetImage: () => ({ images: [{ imageManifest: JSON.stringify({ manifests }) }] }),
    });
    expect(image).toMatchObject({ verdict: 'good' });
  });

  test('that were never pushed say what to push', async () => {
    const [image] = await examine('amd64', {
      DescribeImages: () => {
        throw new AwsException('ImageNotFoundException', 'The image does not exist');
      },
    });
    expect(image).toMatchObject({ verdict: 'missing' });
    expect(image?.todo).toBe(
      `longshore image build copy && longshore image push copy --registry ${IMAGE.slice(0, IMAGE.indexOf('/longshore/'))}`,
    );
  });

  test.each([
    [`${'1'.repeat(12)}.dkr.ecr.eu-west-1.amazonaws.com/a/b`, { imageTag: 'latest' }],
    [`${'1'.repeat(12)}.dkr.ecr.eu-west-1.amazonaws.com/a/b:v1.0.0`, { imageTag: 'v1.0.0' }],
    [
      `${'1'.repeat(12)}.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b@sha256:${'ab'.repeat(32)}`,
      { imageDigest: `sha256:${'ab'.repeat(32)}` },
    ],
  ])('%s is looked up by what it names', (image, imageId) => {
    expect(parseEcrImage(image)).toEqual({ registryId: '1'.repeat(12), repositoryName: 'a/b', imageId });
  });

  test('in another registry are left to the engine', () => {
    expect(parseEcrImage('ghcr.io/longshore/copy:develop')).toBeUndefined();
  });
});

describe('the disk', () => {
  test('must hold the image and the input', () => {
    expect(examineDisk(makeTask(), 3e8)).toMatchObject({ verdict: 'good' });
    // 20 GiB, of which an image of 6 GB would take all.
    const found = examineDisk(makeTask(), 6e9);
    expect(found).toMatchObject({ verdict: 'missing' });
    expect(found.todo).toContain('tasks/copy/task.ts');
  });
});
