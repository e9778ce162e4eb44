/** How SDK clients are made. An endpoint given by AWS_ENDPOINT_URL(_S3|_SQS|_ECS) is the SDK's own affair. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';

type Env = Record<string, string | undefined>;

/** What every client has. Without AWS_REGION the SDK looks in ~/.aws/config. */
export const awsConfig = ({ AWS_REGION: region }: Env = process.env): { region?: string } =>
  region === undefined ? {} : { region };

/**
 * Endpoints given by hand are emulators and S3-compatible stores, which have no DNS name for each bucket: there the bucket
 * stands in the path.
 */
export function s3Config(env: Env = process.env): S3ClientConfig {
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  return { ...awsConfig(env), ...(endpoint === undefined ? {} : { forcePathStyle: true }) };
}

/** An emulator's queue URLs may have a host name that only the emulator knows: the endpoint given by hand is the truth. */
export function sqsConfig(env: Env = process.env): SQSClientConfig {
  const endpoint = env.AWS_ENDPOINT_URL_SQS ?? env.AWS_ENDPOINT_URL;
  return { ...awsConfig(env), ...(endpoint === undefined ? {} : { useQueueUrlAsEndpoint: false }) };
}
