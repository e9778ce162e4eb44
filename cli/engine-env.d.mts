export function engineEnvFile(env: NodeJS.ProcessEnv): string;
export function loadEngineEnv(env: NodeJS.ProcessEnv): void;
