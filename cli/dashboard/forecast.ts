/**
 * When a run will be done. What has ended says how far off the estimates are, one by one; the rest of the run is played
 * through many times over with errors drawn from those, on as many slots as are in use, the largest first as the dispatcher
 * does. So the range is wide while little is known, and while one large area may hold everything up.
 */
import type { Confidence, Forecast, JobView } from './view.ts';

/** Fewer ended jobs than this say nothing about the others (all but one, of a run of three). */
const NEEDED = 3;
/** Each turn draws its own set of errors first (a bootstrap), so that few observations give a wide range. */
const TURNS = 60;
/** Jobs times turns: 10,000 jobs left are played through 20 times, in some 50 ms. */
const MOST_DRAWS = 200_000;

/** With many jobs left it takes some 0.1 s: not at each look then. */
const MANY = 1000;
const AGAIN_AFTER_MS = 5000;

export interface ForecastParts {
  jobs: Iterable<JobView>;
  /** How many of them wait or run. */
  open: number;
  /** Containers that may run at once. */
  slots: number;
  /** Milliseconds since the epoch. */
  now: number;
  /** The run is being worked on, or was a moment ago. */
  active: boolean;
}

interface Left {
  expected: number;
  /** Seconds that it has run already. */
  elapsed: number;
}

/** {@link forecast} for one run that is looked at often. */
export function rememberedForecast(): (parts: ForecastParts) => Forecast {
  let last: { at: number; active: boolean; forecast: Forecast } | undefined;
  return (parts) => {
    const { now, active, open } = parts;
    if (last && open > MANY && active === last.active && now - last.at < AGAIN_AFTER_MS) return last.forecast;
    last = { at: now, active, forecast: forecast(parts) };
    return last.forecast;
  };
}

export function forecast({ jobs, slots, now, active }: Omit<ForecastParts, 'open'>): Forecast {
  const left: Left[] = [];
  const ratios: number[] = [];
  let took = 0;
  let expectedTook = 0;
  let held = 0;
  const packs = new Map<string, Left>();
  for (const job of jobs) {
    const expected = job.expectedSeconds;
    if (job.state === 'held') held += 1;
    if (job.state === 'waiting' || job.state === 'running') {
      const elapsed = job.state === 'running' ? (now - (job.startedAt ?? now)) / 1000 : 0;
      const shared = job.state === 'running' && job.launch && packs.get(job.launch.id);
      // Jobs of one container have their turn one after the other.
      if (shared) shared.expected += expected ?? 0;
      else left.push({ expected: expected ?? 0, elapsed });
      if (job.state === 'running' && job.launch && !shared) packs.set(job.launch.id, left.at(-1)!);
    } else if (isMeasure(job) && expected) {
      ratios.push(job.seconds / expected);
      took += job.seconds;
      expectedTook += expected;
    }
  }
  // The largest first, as they are dispatched.
  left.sort((a, b) => b.expected - a.expected);
  if (left.length === 0) return held > 0 ? { kind: 'held', jobs: held } : { kind: 'done' };
  if (!active) return { kind: 'idle' };
  if (ratios.length < NEEDED || left.some(({ expected }) => expected === 0)) {
    const planned = makespan(left, slots, () => 1);
    return {
      kind: 'unknown',
      ended: ratios.length,
      needed: NEEDED,
      ...(planned > 0 ? { planSeconds: planned } : {}),
    };
  }
  const [low, likely, high] = quantiles(outcomes(left, slots, ratios));
  return {
    kind: 'range',
    low,
    likely,
    high,
    confidence: confidenceOf(low, high),
    ended: ratios.length,
    ratio: took / expectedTook,
  };
}

/** What never ran, or was cut short, says nothing about how long such a job takes. */
function isMeasure(job: JobView): job is JobView & { seconds: number } {
  return job.state === 'published' && job.seconds !== undefined && job.seconds > 0;
}

function outcomes(left: Left[], slots: number, ratios: number[]): number[] {
  const random = seeded();
  const turns = Math.max(10, Math.min(TURNS, Math.floor(MOST_DRAWS / left.length)));
  return Array.from({ length: turns }, () => {
    const drawn = ratios.map(() => pick(ratios, random));
    return makespan(left, slots, () => pick(drawn, random));
  });
}

/** A job that has run for longer than it was given in this turn is taken to have a tenth of its time before it. */
function remaining({ expected, elapsed }: Left, ratio: number): number {
  const seconds = expected * ratio;
  return Math.max(seconds - elapsed, elapsed > 0 ? Math.max(elapsed, seconds) * 0.1 : 0);
}

/** Seconds. What runs goes on; each slot that gets free takes the next that waits, in the order of `left`. */
export function makespan(left: Left[], slots: number, ratio: () => number): number {
  const running = left.filter(({ elapsed }) => elapsed > 0).map((job) => remaining(job, ratio()));
  const waiting = left.filter(({ elapsed }) => elapsed <= 0);
  const ends = new Heap(running);
  let last = Math.max(0, ...running);
  for (const job of waiting) {
    const from = ends.size < Math.max(1, slots) ? 0 : ends.pop();
    const end = from + remaining(job, ratio());
    ends.push(end);
    last = Math.max(last, end);
  }
  return last;
}

const pick = (values: number[], random: () => number): number =>
  values[Math.floor(random() * values.length)] ?? 1;

function quantiles(values: number[]): [number, number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [at(0.1), at(0.5), at(0.9)];
}

function confidenceOf(low: number, high: number): Confidence {
  const spread = high / Math.max(low, 1);
  return spread < 1.25 ? 'good' : spread < 2 ? 'fair' : 'rough';
}

/** The same draws at each look (mulberry32): a time that jumps to and fro by chance is no information. */
function seeded(): () => number {
  let state = 20_261_124;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A binary heap, the least first. */
class Heap {
  readonly #values: number[] = [];

  constructor(values: number[]) {
    for (const value of values) this.push(value);
  }

  get size(): number {
    return this.#values.length;
  }

  push(value: number): void {
    const values = this.#values;
    let at = values.push(value) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (values[parent]! <= value) break;
      values[at] = values[parent]!;
      at = parent;
    }
    values[at] = value;
  }

  /** 0 when there is none. */
  pop(): number {
    const values = this.#values;
    const [least = 0] = values;
    const value = values.pop();
    if (value === undefined || values.length === 0) return least;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= values.length) break;
      if (child + 1 < values.length && values[child + 1]! < values[child]!) child += 1;
      if (values[child]! >= value) break;
      values[at] = values[child]!;
      at = child;
    }
    values[at] = value;
    return least;
  }
}
