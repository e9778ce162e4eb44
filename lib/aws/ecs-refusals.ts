/**
 * What RunTask's refusals mean for the job. A throttle or a full quota is a wait, whatever it is dressed as; what can never
 * work is told with its reason; what leaves it open whether the task was started is neither, and is thrown.
 */
import type { Failure } from '@aws-sdk/client-ecs';
import type { LaunchOutcome } from '../ports.ts';
import { statusOf } from './s3-errors.ts';

/** RunTask's bucket refills 20 launches a second: a throttle is over soon. */
const THROTTLE_SECONDS = 2;
/** Fargate has no room for this one, most often on Spot: another moment, or another zone, may have. */
const CAPACITY_SECONDS = 10;
/** The account's vCPU quota is in use: room comes when a task stops, which wakes the dispatcher anyway. */
const QUOTA_SECONDS = 60;

const wait = (reason: string, retryAfterSeconds: number): LaunchOutcome => ({
  outcome: 'wait',
  reason,
  retryAfterSeconds,
});

/** `failures[]` of an answer with HTTP 200: RESOURCE:* and capacity, which other tasks' ends or time will cure. */
export function ofFailures(failures: Failure[]): LaunchOutcome {
  const [{ reason = 'RunTask told no reason', detail, arn } = {}] = failures;
  const words = [reason, detail, arn].filter(Boolean).join(', ');
  return wait(`ECS could not place the task: ${words}`, CAPACITY_SECONDS);
}

const THROTTLE_NAMES = new Set([
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
]);
/** A throttle may come as InvalidParameterException or ClientException, and is known by its words alone. */
const THROTTLE_WORDS = /throttl|rate exceeded|too many (concurrent )?(requests|attempts)/i;
/** "You've reached the limit on the number of vCPUs you can run concurrently" and its relatives. */
const QUOTA_WORDS = /reached the limit|limit on the number|quota|vcpus? limit/i;
const CAPACITY_WORDS = /capacity is unavailable|insufficient capacity|no capacity/i;

/** Refusals of the request itself: asked again, the answer would be the same. */
const FINAL_NAMES = new Set([
  'AccessDeniedException',
  'AccessDenied',
  'BlockedException',
  'ClientException',
  'ClusterNotFoundException',
  'InvalidParameterException',
  'PlatformTaskDefinitionIncompatibilityException',
  'PlatformUnknownException',
  'UnsupportedFeatureException',
]);

/** Throws the error again when it does not say whether a task was started. */
export function ofError(error: unknown): LaunchOutcome {
  if (!(error instanceof Error)) throw error;
  const { name, message } = error;
  // The token was used with other settings, by a dispatcher that was faster: its task is this attempt's task.
  const [ref] = (error as { resourceIds?: string[] }).resourceIds ?? [];
  if (name === 'ConflictException' && ref !== undefined) return { outcome: 'started', ref };

  const words = `${name}: ${message}`;
  if (THROTTLE_NAMES.has(name) || THROTTLE_WORDS.test(message) || statusOf(error) === 429) {
    return wait(`ECS throttles: ${words}`, THROTTLE_SECONDS);
  }
  if (CAPACITY_WORDS.test(message)) return wait(`Fargate has no room: ${words}`, CAPACITY_SECONDS);
  if (name === 'LimitExceededException' || QUOTA_WORDS.test(message)) {
    return wait(`A quota of the account is in use: ${words}`, QUOTA_SECONDS);
  }
  if (FINAL_NAMES.has(name)) return { outcome: 'refused', reason: `ECS refused the task: ${words}` };
  throw error;
}
