/**
 * One run, looked at again and again. A look is the admission record and one listing of the run's markers; a job's record is
 * read only when what these say of it has changed. So a look at 10,000 jobs of which none moved costs as many calls as the
 * listing has pages, and the records of jobs that have ended are read once.
 */
import { readAdmission, type Entry } from '../../lib/pipeline/admission.ts';
import { expectedUsd, remainingUsd } from '../../lib/pipeline/budget.ts';
import { mapLimit } from '../../lib/pipeline/concurrency.ts';
import type { PipelineContext } from '../../lib/pipeline/context.ts';
import { isTerminal, lastAttempt, type Attempt, type Job, type JobState } from '../../lib/pipeline/job.ts';
import { keys } from '../../lib/pipeline/keys.ts';
import { readJob } from '../../lib/pipeline/ledger.ts';
import { areaKey } from './areas.ts';
import { expectation, plannedView, recordedView } from './job-view.ts';
import { rememberedForecast } from './forecast.ts';
import { LiveStages, type LiveSources } from './live-stages.ts';
import { RunAreas } from './run-areas.ts';
import { RunPlan } from './run-plan.ts';
import { openOf, summarize } from './summary.ts';
import type { Changes, JobView, RunView, Summary } from './view.ts';

/** Records read at once; S3 answers one in some 30 ms. */
const AT_ONCE = 32;
/** Records read before what is known so far is shown. */
const BATCH = 500;
/** Plan and areas change rarely: they are looked at with every so many looks. */
const PLAN_EVERY = 10;

/** What markers and admission say of a job: while it stays the same, so does its record (in what is shown of it). */
interface Sighting {
  signature: string;
  state: JobState;
  ends: JobState[];
  entry: Entry | undefined;
}

/** A record that is ahead of its markers, or behind them, is read again at the next look; so is one between two phases. */
function agrees(job: Job, { ends, entry }: Sighting): boolean {
  if (isTerminal(job.state)) return ends.includes(job.state);
  if (ends.length > 0) return false;
  if (job.state === 'waiting') return entry === undefined;
  return entry !== undefined && entry.settledAt === undefined && job.phase === 'processing';
}

export class RunWatch {
  readonly run: string;
  readonly #ctx: PipelineContext;
  readonly #plan: RunPlan;
  readonly #areas: RunAreas;
  readonly #live: LiveStages;
  readonly #jobs = new Map<string, JobView>();
  /** As each record was when it was read last. */
  readonly #read = new Map<string, string>();
  readonly #toRead = new Map<string, Sighting>();
  /** The latest attempts of the jobs that run. */
  readonly #running = new Map<string, Attempt>();
  #changed = new Set<string>();
  #gone = new Set<string>();
  readonly #forecast = rememberedForecast();
  #looks = 0;
  #open = Number.POSITIVE_INFINITY;
  #capUsd: number | undefined;
  /** What its budget allows beside what is spent and under way. */
  #remainingUsd = Infinity;
  /** Slots that the run holds now. */
  #containers = 0;
  /** When it was last seen to hold a name or a slot. */
  #activeAt = 0;

  constructor(ctx: PipelineContext, run: string, options: LiveSources) {
    this.#ctx = ctx;
    this.run = run;
    this.#plan = new RunPlan(ctx, run);
    this.#areas = new RunAreas(ctx, run);
    this.#live = new LiveStages(ctx, options);
  }

  /** Whether there is such a run at all: a job of it was accepted, or it has a plan. Known after the first look. */
  get exists(): boolean {
    return this.#jobs.size > 0 || this.#plan.plan !== undefined;
  }

  /** Nothing is left to do. */
  get isDone(): boolean {
    return this.exists && this.#open === 0;
  }

  get unread(): number {
    return this.#toRead.size;
  }

  /** Lists; then reads the first of the records that have changed. {@link readMore} reads the rest. */
  async look(): Promise<void> {
    if (this.#looks % PLAN_EVERY === 0) await this.#readPlan();
    this.#looks += 1;
    // Before the markers: a job that ended since then has its marker by the time they are listed.
    const admission = await readAdmission(this.#ctx);
    const { entries } = admission;
    const held = new Map(
      entries
        .filter(({ run }) => run === this.run)
        .flatMap((entry) =>
          entry.members.filter(({ left }) => !left).map(({ job }) => [job, entry] as const),
        ),
    );
    for (const [id, markers] of await this.#markers()) this.#sight(id, markers, held.get(id));
    this.#containers = [...new Set(held.values())].filter(({ settledAt }) => settledAt === undefined).length;
    if (held.size > 0) this.#activeAt = this.#ctx.clock.now();
    this.#capUsd = admission.budgets?.[this.run]?.capUsd;
    this.#remainingUsd = remainingUsd(admission, this.run);
    await this.readMore();
    await this.#lookAtRunning();
  }

  /** Reads the next {@link BATCH} of the records that have changed: what went wrong and what runs before what went well. */
  async readMore(): Promise<void> {
    const order: Record<JobState, number> = {
      failed: 0,
      quarantined: 0,
      running: 1,
      waiting: 2,
      cancelled: 3,
      published: 4,
    };
    const next = [...this.#toRead].sort(([, a], [, b]) => order[a.state] - order[b.state]).slice(0, BATCH);
    await mapLimit(next, AT_ONCE, async ([id, sighting]) => await this.#readRecord(id, sighting));
    this.#hold();
  }

  /** Everything, for whoever comes new. */
  view(): RunView {
    return {
      summary: this.#summary(),
      jobs: [...this.#jobs.values()],
      areas: this.#areas.all(),
    };
  }

  /** What changed since it was last called. */
  changes(): Changes {
    const jobs = [...this.#changed].flatMap((id) => this.#jobs.get(id) ?? []);
    const areas = this.#areas.takeNew();
    const gone = [...this.#gone];
    this.#changed = new Set();
    this.#gone = new Set();
    return { summary: this.#summary(), jobs, gone, areas };
  }

  #summary(): Summary {
    const summary = summarize({
      ctx: this.#ctx,
      forecastOf: this.#forecast,
      run: this.run,
      plan: this.#plan.plan,
      capUsd: this.#capUsd,
      jobs: this.#jobs.values(),
      containers: this.#containers,
      activeAt: this.#activeAt,
      unread: this.#toRead.size,
      troubles: [this.#plan.trouble, this.#areas.trouble].filter((one) => one !== undefined),
    });
    this.#open = openOf(summary);
    return summary;
  }

  // --- Markers and records --------------------------------------------------------------------------------------

  async #markers(): Promise<Map<string, string[]>> {
    const markers = new Map<string, string[]>();
    for await (const key of this.#ctx.records.list(keys.run(this.run))) {
      const [, , state = '', job = ''] = key.split('/');
      const known = markers.get(job);
      if (known) known.push(state);
      else markers.set(job, [state]);
    }
    return markers;
  }

  #sight(id: string, markers: string[], entry: Entry | undefined): void {
    const ends = markers.filter((marker) => marker !== 'accepted') as JobState[];
    const signature = `${markers.join(' ')} ${entry?.claim ?? ''} ${entry?.settledAt ?? ''}`;
    if (this.#read.get(id) === signature) return;
    const state = ends[0] ?? (entry ? 'running' : 'waiting');
    const known = this.#jobs.get(id);
    if (known && !known.accepted) this.#put({ ...known, accepted: true, state });
    // Accepted, planned, and not begun: the plan has said all that its record would say.
    const untouched = state === 'waiting' && !this.#read.has(id) && known !== undefined;
    if (untouched) return;
    this.#toRead.set(id, { signature, state, ends, entry });
  }

  async #readRecord(id: string, sighting: Sighting): Promise<void> {
    this.#toRead.delete(id);
    const job = await readJob(this.#ctx, id);
    // Its marker is written before its record: there at the next look, or never.
    if (!job) return;
    const planned = this.#plan.of(job);
    if (planned) this.#takeOver(planned.id, id);
    if (agrees(job, sighting)) this.#read.set(id, sighting.signature);
    const attempt = lastAttempt(job);
    if (attempt && job.state === 'running') this.#running.set(id, attempt);
    else this.#running.delete(id);
    this.#put({ ...recordedView(job, planned?.job), ...this.#live.of(id) });
    await this.#areas.find(this.#jobs.get(id)!);
  }

  /** A job that brings a file has an id that the plan could not know: its placeholder goes. */
  #takeOver(placeholder: string, id: string): void {
    if (placeholder === id || this.#jobs.get(placeholder)?.accepted !== false) return;
    this.#jobs.delete(placeholder);
    this.#areas.forget(placeholder);
    this.#gone.add(placeholder);
  }

  #put(view: JobView): void {
    const known = this.#jobs.get(view.id);
    if (known && JSON.stringify(known) === JSON.stringify(view)) return;
    this.#jobs.set(view.id, view);
    this.#changed.add(view.id);
  }

  /** What waits, and would cost more than the run's budget has left, does not only wait. */
  #hold(): void {
    for (const job of this.#jobs.values()) {
      if (job.state !== 'waiting' && job.state !== 'held') continue;
      const state = this.#canPay(job) ? 'waiting' : 'held';
      if (state !== job.state) this.#put({ ...job, state });
    }
  }

  #canPay({ size, spot = false, expectedSeconds = 0 }: JobView): boolean {
    if (this.#remainingUsd === Infinity || !size) return true;
    return expectedUsd({ size, spot, expectedSeconds }, this.#ctx.settings) <= this.#remainingUsd + 1e-9;
  }

  // --- Plan and areas ---------------------------------------------------------------------------------------------

  async #readPlan(): Promise<void> {
    if (await this.#plan.look()) this.#usePlan();
    await this.#areas.look(this.#jobs.values());
  }

  #usePlan(): void {
    const known = new Map([...this.#jobs.values()].map((job) => [areaKey(job.task, job.name), job]));
    for (const { job: planned, id } of this.#plan.jobs()) {
      const view = plannedView(id, planned);
      const job = known.get(areaKey(planned.task, planned.name));
      if (job?.accepted) this.#put({ ...job, ...expectation(planned) });
      else this.#put(view);
      this.#areas.give(job ?? view);
    }
  }

  // --- What runs -------------------------------------------------------------------------------------------------

  async #lookAtRunning(): Promise<void> {
    await mapLimit([...this.#running], 8, async ([id, attempt]) => {
      // What it said in a phase that is over is no news.
      const { stage: _, memoryBytes: __, ...view } = this.#jobs.get(id)!;
      await this.#live.look(view, attempt);
      this.#put({ ...view, ...this.#live.of(id) });
    });
    this.#live.forget(this.#running);
  }
}
