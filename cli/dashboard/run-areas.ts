/** The shapes of a run's jobs, by job, as they become known. */
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { planKeys } from '../../lib/pipeline/plan.ts';
import { areaKey, publishedArea, readAreas } from './areas.ts';
import { StoredJson } from './stored-json.ts';
import type { Area, JobView } from './view.ts';

export class RunAreas {
  readonly #ctx: PipelineContext;
  readonly #file: StoredJson;
  /** `<task>/<name>` → shape, of a run that has areas of its own. */
  #shapes: Map<string, unknown> | undefined;
  readonly #areas = new Map<string, unknown>();
  #new = new Set<string>();

  constructor(ctx: PipelineContext, run: string) {
    this.#ctx = ctx;
    this.#file = new StoredJson(ctx.stores.output, planKeys.areas(run));
  }

  get trouble(): string | undefined {
    return this.#file.trouble;
  }

  async look(jobs: Iterable<JobView>): Promise<void> {
    await this.#file.look((value) => {
      this.#shapes = readAreas(value);
      for (const job of jobs) this.give(job);
    });
  }

  /** What the run's own areas say of it. False when that is nothing. */
  give({ id, task, name }: JobView): boolean {
    const shape = this.#shapes?.get(areaKey(task, name));
    if (shape === undefined) return false;
    this.#set(id, shape);
    return true;
  }

  /** Looks beside what it has published, too. A run with areas of its own has them all: what is not among them is no area. */
  async find(job: JobView): Promise<void> {
    if (this.give(job) || this.#areas.has(job.id)) return;
    if (this.#shapes !== undefined || (job.state !== 'published' && job.state !== 'fresh')) return;
    const shape = await publishedArea(this.#ctx, job);
    if (shape !== undefined) this.#set(job.id, shape);
  }

  forget(id: string): void {
    this.#areas.delete(id);
    this.#new.delete(id);
  }

  all(): Area[] {
    return [...this.#areas].map(([job, geometry]) => ({ job, geometry }));
  }

  /** Those that came since it was last called. */
  takeNew(): Area[] {
    const fresh = [...this.#new].map((job) => ({ job, geometry: this.#areas.get(job) }));
    this.#new = new Set();
    return fresh;
  }

  #set(id: string, geometry: unknown): void {
    if (this.#areas.get(id) === geometry) return;
    this.#areas.set(id, geometry);
    this.#new.add(id);
  }
}
