/** The task runner of functions that start nothing: they need no ECS client, and no right to use one. */
import type { TaskRunner } from '../ports.ts';

const refuse = async (): Promise<never> => {
  throw new Error('This function may not start, watch or stop containers: give its context an EcsRunner');
};

/** Cleaning is for Fargate to do (see EcsRunner), so it is no error here. */
export const idleRunner: TaskRunner = {
  launch: refuse,
  describe: refuse,
  stop: refuse,
  clean: async () => {},
};
