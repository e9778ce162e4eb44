/** How SDK clients are made. An endpoint given by AWS_ENDPOINT_URL(_S3|_SQS|_ECS) is the SDK's own affair. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';

/**
 * Endpoints given by hand are emulators and S3-compatible stores, which have no DNS name for each bucket: there the bucket
 * stands in the path.
 */
export function s3Config(env: Record<string, string | undefined> = process.env): S3ClientConfig {
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  return endpoint === undefined ? {} : { forcePathStyle: true };
}
