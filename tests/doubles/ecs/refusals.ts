/** RunTask's answers out of the ordinary, as they were seen of the real one. */
import { client, EcsError, invalid } from './errors.ts';

export type Refusal =
  | { error: EcsError }
  /** HTTP 200, no task, and this. */
  | { failures: { arn?: string; reason: string; detail?: string }[] }
  /** The task is started, and the answer never arrives. */
  | { loseAnswer: true };

const VCPU_QUOTA = "You've reached the limit on the number of vCPUs you can run concurrently";

export const REFUSALS = {
  throttle: { error: new EcsError('ThrottlingException', 'Rate exceeded') },
  /** EC2's throttle for the network interface, which ECS passes on as the caller's fault. */
  throttleAsInvalidParameter: {
    error: invalid(
      'Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)',
    ),
  },
  throttleAsClientException: { error: client('Too many concurrent attempts to create a new task.') },
  noCapacity: {
    failures: [
      {
        reason:
          'Capacity is unavailable at this time. Please try again later or in a different availability zone',
      },
    ],
  },
  noResource: { failures: [{ reason: 'RESOURCE:MEMORY' }] },
  vcpuQuota: { error: client(VCPU_QUOTA) },
  serverError: {
    error: new EcsError('ServerException', 'Service Unavailable. Please try again later.', { status: 503 }),
  },
  loseAnswer: { loseAnswer: true },
} as const satisfies Record<string, Refusal>;

export type RefusalName = keyof typeof REFUSALS;
