/** The task runner of functions that start nothing: they need no ECS client, and no right to use one. */
import type { TaskRunner } from '../ports.ts';

const refuse = async (): Promise<never> => {
  throw new Error(
    'Containers cannot be started, watched or stopped from here: the names of the ECS cluster (LONGSHORE_CLUSTER and its like) were not given',
  );
};

/** Cleaning is for Fargate to do (see EcsRunner), so it is no error here. */
export const idleRunner: TaskRunner = {
  launch: refuse,
  describe: refuse,
  stop: refuse,
  skip: refuse,
  clean: async () => {},
};
