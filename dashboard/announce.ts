/** Says changes to those who do not see them: one polite sentence every few seconds, not one for each job. */
import type { Changes, JobView } from '../cli/dashboard/view.ts';
import { STATES } from './states.ts';

const EVERY_MS = 4000;
/** More than this are told as a number. */
const NAMED = 2;

/** The live region; it must be in the page before anything is put into it. */
const region = document.createElement('div');
region.setAttribute('role', 'status');
region.setAttribute('aria-live', 'polite');
region.className = 'unseen';
region.id = 'announcements';
document.body.append(region);

let changed: { name: string; label: string }[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  region.textContent = text;
}

/** `before`: the jobs as they were. Progress of a running job is no news; a new state is. */
export function announceChanges({ jobs }: Changes, before: ReadonlyMap<string, JobView>): void {
  for (const { id, name, state } of jobs) {
    const known = before.get(id);
    if (known && known.state !== state) changed.push({ name, label: STATES[state].label.toLowerCase() });
  }
  if (changed.length > 0) timer ??= setTimeout(tell, EVERY_MS);
}

function tell(): void {
  timer = undefined;
  const byLabel = Map.groupBy(changed, ({ label }) => label);
  changed = [];
  const parts = [...byLabel].map(([label, jobs]) =>
    jobs.length <= NAMED
      ? `${jobs.map(({ name }) => name).join(', ')}: ${label}`
      : `${jobs.length} jobs: ${label}`,
  );
  announce(`${parts.join('; ')}.`);
}
