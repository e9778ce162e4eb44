/** Where this installation's own files are. */
import { fileURLToPath } from 'node:url';

/** The folder with package.json, tasks/ and containers/. */
export const PROJECT = fileURLToPath(new URL('..', import.meta.url));
