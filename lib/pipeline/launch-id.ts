/** Names of launches: what a container is known by before it has a ref, and how a stopped one is found in the ledger. */

/** What a launch's name is made of: `pack` where several jobs share it. */
export type LaunchName = { job: string; attempt: number } | { pack: string };

const ALONE = /^([A-Za-z0-9][A-Za-z0-9-]*)\/([1-9]\d*)$/;
const PACK = /^pack\/([a-z][a-z0-9-]*-[0-9a-f]{12})$/;

/**
 * A job alone is named by itself, so that its attempt is one container whoever launches it. A pack is named by its claim,
 * and not by its members: one that is launched again after a crash, with fewer of them left to tell, is still the same.
 */
export function launchId(task: string, members: { job: string; attempt: number }[], claim: string): string {
  const [first, ...others] = members;
  if (first && others.length === 0) return `${first.job}/${first.attempt}`;
  return `pack/${task}-${claim.replaceAll('-', '').slice(0, 12)}`;
}

/** `undefined` for what is no launch's name. */
export function parseLaunchId(id: string): LaunchName | undefined {
  const [, job, attempt] = ALONE.exec(id) ?? [];
  if (job !== undefined) return { job, attempt: Number(attempt) };
  const [, pack] = PACK.exec(id) ?? [];
  return pack === undefined ? undefined : { pack };
}
