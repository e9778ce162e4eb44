/** How SDK clients are made. An endpoint given by AWS_ENDPOINT_URL(_S3|_SQS|_ECS) is the SDK's own affair. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import type { SQSClientConfig } from '@aws-sdk/client-sqs';

type Env = Record<string, string | undefined>;

/**
 * By itself the SDK waits for ever for a connection, and for an answer on one that has died: for as long as a function or a
 * container has. What times out here is tried again.
 */
const HTTP = {
  /** Counted from when the request is made, also while it waits for a free socket, or a slow processor for its turn. */
  connectionTimeout: 10_000,
  /** Without a byte in either direction. Where S3 takes longer to complete an upload, it sends blanks. */
  socketTimeout: 20_000,
};

/** What every client has. Without AWS_REGION the SDK looks in ~/.aws/config. */
export const awsConfig = ({ AWS_REGION: region }: Env = process.env): ClientConfig => ({
  ...(region === undefined ? {} : { region }),
  requestHandler: HTTP,
});

interface ClientConfig {
  region?: string;
  requestHandler: typeof HTTP;
}

/** A new bucket takes some 3,500 writes a second, and answers 503 to more, until it has grown with them. */
const S3_ATTEMPTS = 6;
/** For copies in parts, of several files at once; 50 without it. */
const S3_SOCKETS = 200;

/**
 * Endpoints given by hand are emulators and S3-compatible stores, which have no DNS name for each bucket: there the bucket
 * stands in the path.
 */
export function s3Config(env: Env = process.env): S3ClientConfig {
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL;
  return {
    ...awsConfig(env),
    maxAttempts: S3_ATTEMPTS,
    requestHandler: { ...HTTP, httpsAgent: { maxSockets: S3_SOCKETS } },
    ...(endpoint === undefined ? {} : { forcePathStyle: true }),
  };
}

/** An emulator's queue URLs may have a host name that only the emulator knows: the endpoint given by hand is the truth. */
export function sqsConfig(env: Env = process.env): SQSClientConfig {
  const endpoint = env.AWS_ENDPOINT_URL_SQS ?? env.AWS_ENDPOINT_URL;
  return { ...awsConfig(env), ...(endpoint === undefined ? {} : { useQueueUrlAsEndpoint: false }) };
}
