/** The AWS requests that the ports make: how long each takes, and what it costs. docs/simulate.md says where from. */

export const REQUESTS = {
  's3:GetObject': { ms: 18, usd: 0.4e-6 },
  's3:HeadObject': { ms: 12, usd: 0.4e-6 },
  's3:PutObject': { ms: 28, usd: 5e-6 },
  's3:CopyObject': { ms: 80, usd: 5e-6 },
  's3:ListObjectsV2': { ms: 35, usd: 5e-6 },
  's3:DeleteObject': { ms: 18, usd: 0 },
  'sqs:SendMessageBatch': { ms: 8, usd: 0.4e-6 },
  'sqs:ReceiveMessage': { ms: 0, usd: 0.4e-6 },
  'sqs:DeleteMessageBatch': { ms: 0, usd: 0.4e-6 },
  'ecs:RunTask': { ms: 350, usd: 0 },
  'ecs:DescribeTasks': { ms: 60, usd: 0 },
  'ecs:StopTask': { ms: 100, usd: 0 },
  'lambda:Invoke': { ms: 0, usd: 0.2e-6 },
} as const;
export type Request = keyof typeof REQUESTS;

/** Spread of the logarithm of a request's time: one in forty takes twice the median. */
export const REQUEST_SIGMA = 0.35;

export const LAMBDA = {
  /** US dollars per GB and second, arm64. */
  usdPerGbSecond: 13.3334e-6,
  /** `memorySize` of serverless.yml. */
  memoryGb: 0.5,
  /** The runtime and our 250 kB start in so much; an environment that nobody calls is kept some ten minutes. */
  coldStartMs: 450,
  keptWarmMs: 600_000,
  /** Parsing, logging and our own code, in each call. */
  ownMs: 10,
} as const;

/** Lambda's pollers ask each queue for messages in calls of 20 s, five at once, whether there are any or not. */
export const IDLE_POLLS_PER_SECOND = 5 / 20;
