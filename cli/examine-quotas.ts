/** The account's quotas against what the stage may do at once: Fargate's, and Lambda's. */
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  type ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import type { TaskDefinition } from '../lib/tasks/define-task.ts';
import { good, warning, type Finding } from './findings.ts';

/** https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html */
const QUOTAS = {
  onDemand: { code: 'L-3032A538', name: 'Fargate On-Demand vCPU resource count' },
  spot: { code: 'L-36FBB829', name: 'Fargate Spot vCPU resource count' },
};

export interface Demand {
  maxTasks: number;
  spot: boolean;
  tasks: Iterable<TaskDefinition>;
}

/** What serverless.yml has without a word, for an account without a stack. */
export const DEFAULT_DEMAND: Omit<Demand, 'tasks'> = { maxTasks: 50, spot: true };

/** Spot's quota only where Spot is used; on demand always, as every job may end there. */
export async function examineQuotas(demand: Demand, client: ServiceQuotasClient): Promise<Finding[]> {
  const kinds = demand.spot ? [QUOTAS.spot, QUOTAS.onDemand] : [QUOTAS.onDemand];
  return await Promise.all(
    kinds.map(async ({ code, name }) => {
      try {
        const vcpu = await quota(client, { ServiceCode: 'fargate', QuotaCode: code });
        return quotaFinding(name, code, vcpu, demand);
      } catch (error) {
        return unknown(name, error, 'AWS Fargate');
      }
    }),
  );
}

/** What the functions may be at once: the maximumConcurrency of all queues in serverless.yml, and the ends of containers. */
const FUNCTIONS_AT_ONCE = 64;

/** A new account has ten. Steps and ends of jobs wait for one another then; nothing is lost. */
export async function examineConcurrency(client: ServiceQuotasClient): Promise<Finding> {
  const name = 'Lambda concurrent executions';
  try {
    const value = await quota(client, { ServiceCode: 'lambda', QuotaCode: 'L-B99A9384' });
    const detail = `${value} in this region, for all functions of the account`;
    if (value >= FUNCTIONS_AT_ONCE) return good(name, detail);
    return warning(
      name,
      `${detail}; a stage with much to do uses ${FUNCTIONS_AT_ONCE}. What finds no room waits`,
      'aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value 1000',
    );
  } catch (error) {
    return unknown(name, error, 'AWS Lambda');
  }
}

const unknown = (name: string, error: unknown, service: string): Finding =>
  warning(
    name,
    `it could not be read (${(error as Error).message})`,
    `allow servicequotas:GetServiceQuota, or look at Service Quotas ▸ ${service} in the console`,
  );

async function quota(
  client: ServiceQuotasClient,
  of: { ServiceCode: string; QuotaCode: string },
): Promise<number> {
  try {
    return (await client.send(new GetServiceQuotaCommand(of))).Quota?.Value ?? NaN;
  } catch (error) {
    // An account that never asked for another has the default, which is told by another call.
    if ((error as Error).name !== 'NoSuchResourceException') throw error;
    return (await client.send(new GetAWSDefaultServiceQuotaCommand(of))).Quota?.Value ?? NaN;
  }
}

function quotaFinding(name: string, code: string, vcpu: number, { maxTasks, tasks }: Demand): Finding {
  const wanted = [...tasks].map((task) => ({ task: task.name, vcpu: smallestVcpu(task) }));
  const least = Math.min(...wanted.map((one) => one.vcpu));
  const atOnce = Math.min(maxTasks, Math.floor(vcpu / least));
  const most = wanted.map((one) => `${Math.floor(vcpu / one.vcpu)} of ${one.task} (${one.vcpu} vCPU)`);
  const detail = `${vcpu} vCPU: at once ${most.join(', ')} at their smallest; maxTasks is ${maxTasks}`;
  if (atOnce >= maxTasks) return good(name, detail);
  return warning(
    name,
    `${detail}. The rest waits`,
    `aws service-quotas request-service-quota-increase --service-code fargate --quota-code ${code} --desired-value ${Math.ceil(maxTasks * least)}`,
  );
}

/** Of an input of unknown size; of a task with required parameters, of Fargate's smallest container. */
function smallestVcpu(task: TaskDefinition): number {
  const params = task.params.safeParse({});
  return params.success ? task.size({ bytes: 0, params: params.data }).vcpu : 0.25;
}
