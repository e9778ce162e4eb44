/** The account's Fargate quotas against what the stage may start at once. */
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
        return quotaFinding(name, code, await vcpuQuota(client, code), demand);
      } catch (error) {
        return warning(
          name,
          `it could not be read (${(error as Error).message})`,
          'allow servicequotas:GetServiceQuota, or look at Service Quotas ▸ AWS Fargate in the console',
        );
      }
    }),
  );
}

async function vcpuQuota(client: ServiceQuotasClient, QuotaCode: string): Promise<number> {
  const of = { ServiceCode: 'fargate', QuotaCode };
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
