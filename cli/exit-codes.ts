/** Exit codes, the same for every verb (docs/cli.md). */
export const EXIT = {
  ok: 0,
  /** The work itself: a job did not get published, a build failed. */
  failed: 1,
  /** The command was not given right; nothing was done. */
  usage: 2,
  /** The machine or the account lacks something: engine, image, room, credentials. */
  environment: 3,
  /** Ctrl-C or SIGTERM: 128 + 2. */
  interrupted: 130,
} as const;
