/**
 * After `npm ci` in a clone: puts the `longshore` command beside those of the packages, where `npx longshore` finds it at
 * once (npm links the commands of packages, but not a project's own). Plain JavaScript, for any Node.
 */
import { chmodSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../node_modules/.bin/longshore', import.meta.url));
const command = fileURLToPath(new URL('../cli/longshore.mjs', import.meta.url));

rmSync(bin, { force: true });
symlinkSync('../../cli/longshore.mjs', bin);
chmodSync(command, 0o755);
