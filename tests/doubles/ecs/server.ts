/**
 * An ECS of our own for tests, over the real wire protocol (JSON 1.1), in process on a port of its own: point a client or
 * AWS_ENDPOINT_URL_ECS at `endpoint`. Tasks stay where they are put; a test moves them on with `change`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { EcsError } from './errors.ts';
import { describeTasks, stopTask } from './other-actions.ts';
import { runTask } from './run-task.ts';
import { newState, type EcsState, type Refusal, type TaskRecord } from './state.ts';

export interface EcsDouble {
  endpoint: string;
  state: EcsState;
  /** RunTask's next answers, in this order; then it works again. */
  refuse(...refusals: Refusal[]): void;
  /** A task's next state. Its version grows, as the real one's does. */
  change(taskArn: string, change: Partial<TaskRecord>): TaskRecord;
  stop(): Promise<void>;
}

const TARGET = /^AmazonEC2ContainerServiceV20141113\.(\w+)$/;

export async function startEcs({
  clusters,
  families,
}: {
  clusters: string[];
  families: Record<string, string[]>;
}): Promise<EcsDouble> {
  const state = newState();
  for (const cluster of clusters) state.clusters.add(cluster);
  for (const [family, containers] of Object.entries(families)) state.families.set(family, containers);
  const server = createServer((request, response) => void handle(state, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    refuse: (...refusals) => void state.refusals.push(...refusals),
    change: (taskArn, change) => {
      const task = state.tasks.get(taskArn);
      if (!task) throw new Error(`There is no task ${taskArn}`);
      return Object.assign(task, change, { version: task.version + 1 });
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(state: EcsState, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
  };
  try {
    const [, action = ''] = TARGET.exec(String(request.headers['x-amz-target'])) ?? [];
    const input = JSON.parse(await text(request)) as Record<string, unknown>;
    state.calls.push({ action, input });
    const { output, lost } = act(state, action, input);
    if (lost) request.socket.destroy();
    else reply(200, output);
  } catch (error) {
    if (error instanceof EcsError) {
      reply(error.status, { __type: error.type, message: error.message, ...error.fields });
    } else {
      reply(500, { __type: 'ServerException', message: `The double failed: ${String(error)}` });
    }
  }
}

function act(
  state: EcsState,
  action: string,
  input: Record<string, unknown>,
): { output: unknown; lost: boolean } {
  switch (action) {
    case 'RunTask':
      return runTask(state, input);
    case 'DescribeTasks':
      return { output: describeTasks(state, input), lost: false };
    case 'StopTask':
      return { output: stopTask(state, input), lost: false };
    default:
      throw new EcsError('UnsupportedFeatureException', `The double does not know ${action}`);
  }
}
