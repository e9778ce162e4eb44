/** The plan of a run, where it has one. */
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { planKeys, type Plan, type PlannedJob } from '../../lib/pipeline/plan.ts';
import { idsOf } from '../../lib/rebuild/start.ts';
import { areaKey } from './areas.ts';
import { StoredJson } from './stored-json.ts';

export interface Planned {
  job: PlannedJob;
  /** That it has in the ledger, unless it brings a file. */
  id: string;
}

export class RunPlan {
  readonly #ctx: PipelineContext;
  readonly #file: StoredJson;
  #jobs = new Map<string, Planned>();
  plan: Plan | undefined;

  constructor(ctx: PipelineContext, run: string) {
    this.#ctx = ctx;
    this.#file = new StoredJson(ctx.stores.output, planKeys.plan(run));
  }

  get trouble(): string | undefined {
    return this.#file.trouble;
  }

  of({ task, name }: { task: string; name: string }): Planned | undefined {
    return this.#jobs.get(areaKey(task, name));
  }

  /** True when it is there for the first time, or another than before. */
  async look(): Promise<boolean> {
    const before = this.plan;
    await this.#file.look((value) => this.#use(value as Plan));
    return this.plan !== before;
  }

  jobs(): Iterable<Planned> {
    return this.#jobs.values();
  }

  #use(plan: Plan): void {
    if (plan.planVersion !== 1 || !Array.isArray(plan.jobs))
      throw new Error('it is no plan of version 1, which is what this longshore reads');
    const ids = idsOf(this.#ctx, plan);
    this.#jobs = new Map(plan.jobs.map((job, at) => [areaKey(job.task, job.name), { job, id: ids[at]! }]));
    this.plan = plan;
  }
}
