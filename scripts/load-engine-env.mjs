/** `node --import` this to run with the container engine's settings that scripts/engine found. */
import { loadEngineEnv } from '../cli/engine-env.mjs';

loadEngineEnv(process.env);
