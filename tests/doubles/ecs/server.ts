/**
 * An ECS of our own for tests, over the real wire protocol (JSON 1.1): point a client or AWS_ENDPOINT_URL_ECS at `endpoint`.
 * README.md says what it does, and what it knowingly lacks.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { ACTIONS } from './actions/index.ts';
import { LOST } from './actions/run-task.ts';
import { fastClock } from './clock.ts';
import { register } from './definitions.ts';
import type { Ecs } from './ecs.ts';
import { EcsError } from './errors.ts';
import { eventPost, type EventPost } from './events.ts';
import { engineHost } from './hosts/engine.ts';
import { scriptedHost } from './hosts/scripted.ts';
import { metadata } from './metadata.ts';
import type { EcsOptions } from './options.ts';
import { limits } from './quotas.ts';
import type { Refusal } from './refusals.ts';
import { newState, type DefinitionRecord, type EcsState, type TaskRecord } from './state.ts';

export interface EcsDouble {
  endpoint: string;
  state: EcsState;
  events: EventPost['counts'];
  register(definition: RegisterTaskDefinitionRequest): DefinitionRecord;
  /** RunTask's next answers, in this order; then it works again. */
  refuse(...refusals: Refusal[]): void;
  /** A task's next state, where tasks stay where they are put. Its version grows, as the real one's does. */
  change(taskArn: string, change: Partial<TaskRecord>): TaskRecord;
  /** Spot takes the machine below the task back: SIGTERM, two minutes, SIGKILL. */
  interrupt(taskArn: string): void;
  /** Every task has stopped, and every event has arrived, was lost, or was given up. */
  idle(): Promise<void>;
  /** Stops all tasks, and the server. */
  stop(): Promise<void>;
}

const TARGET = /^AmazonEC2ContainerServiceV20141113\.(\w+)$/;

export async function startEcsDouble(options: EcsOptions = {}): Promise<EcsDouble> {
  const { clock = fastClock(), seed = 1, clusters = [], taskDefinitions = [], region, account } = options;
  const state = newState({ ...(region ? { region } : {}), ...(account ? { account } : {}) });
  const events = eventPost({ sink: options.eventSink, faults: options.events ?? {}, seed, clock });
  const ecs: Ecs = {
    state,
    clock,
    seed,
    events,
    options,
    limits: limits(options.quotas ?? {}, state, clock),
  };
  for (const cluster of clusters) state.clusters.add(cluster);
  for (const definition of taskDefinitions) register(state, definition, clock.now());

  const server = createServer((request, response) => void handle(ecs, request, response));
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await addHost(ecs, endpoint);
  const lives = () => [...state.lives.values()];
  const idle = async (): Promise<void> => {
    await Promise.all(lives().map(async ({ over }) => await over));
    await events.idle();
  };
  return {
    endpoint,
    state,
    events: events.counts,
    register: (definition) => register(state, definition, clock.now()),
    refuse: (...refusals) => void state.refusals.push(...refusals),
    change: (taskArn, change) => {
      const task = state.tasks.get(taskArn);
      if (!task) throw new Error(`There is no task ${taskArn}`);
      Object.assign(task, change, { version: task.version + 1 });
      events.post(task, task.startedBy ?? taskArn);
      return task;
    },
    interrupt: (taskArn) =>
      state.lives
        .get(taskArn)
        ?.stop({ stopCode: 'SpotInterruption', reason: 'Your Spot Task was interrupted.' }),
    idle,
    stop: async () => {
      events.stop();
      for (const life of lives()) life.stop({ stopCode: 'UserInitiated', reason: 'The double was stopped' });
      await Promise.all(lives().map(async ({ over }) => await over));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function addHost(ecs: Ecs, endpoint: string): Promise<void> {
  const { containers = 'manual', engine = {} } = ecs.options;
  if (containers === 'manual') return;
  if (containers === 'engine') {
    const { seed, clock } = ecs;
    ecs.host = await engineHost({
      options: engine,
      seed,
      region: ecs.state.region,
      sleep: clock.sleep,
      endpoint,
    });
  } else {
    ecs.host = scriptedHost(containers, ecs.clock);
  }
}

async function handle(ecs: Ecs, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (status: number, body: unknown): void => {
    // The SDK sets its own clock by this one, and asks again for each error when they differ.
    const date = new Date(ecs.clock.now()).toUTCString();
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', date })
      .end(JSON.stringify(body));
  };
  try {
    if (request.method === 'GET') {
      const known = metadata(ecs.state, request.url ?? '');
      reply(known === undefined ? 404 : 200, known ?? {});
      return;
    }
    const [, action = ''] = TARGET.exec(String(request.headers['x-amz-target'])) ?? [];
    const input = JSON.parse(await text(request)) as Record<string, unknown>;
    ecs.state.calls.push({ action, input });
    const act = ACTIONS[action];
    if (!act) throw new EcsError('UnsupportedFeatureException', `The double does not know ${action}`);
    const output = act(ecs, input as never);
    if (output === LOST) request.socket.destroy();
    else reply(200, output);
  } catch (error) {
    if (error instanceof EcsError) {
      reply(error.status, { __type: error.type, message: error.message, ...error.fields });
    } else {
      reply(500, { __type: 'ServerException', message: `The double failed: ${String(error)}` });
    }
  }
}

/** A test that moves tasks by hand calls faster than any dispatcher would. */
const NO_QUOTAS = { callsPerSecond: 1e6, launchBurst: 1e6, launchesPerSecond: 1e6 };

/** Clusters, and families with these containers, whose tasks stay where a test puts them. */
export async function startEcs({
  clusters,
  families,
}: {
  clusters: string[];
  families: Record<string, string[]>;
}): Promise<EcsDouble> {
  const taskDefinitions = Object.entries(families).map(([family, names]) => smallDefinition(family, names));
  return await startEcsDouble({ clusters, taskDefinitions, quotas: NO_QUOTAS });
}

/** Of containers without an order, the last of which is essential. */
export const smallDefinition = (family: string, names: string[]): RegisterTaskDefinitionRequest => ({
  family,
  networkMode: 'awsvpc',
  requiresCompatibilities: ['FARGATE'],
  cpu: '1024',
  memory: '2048',
  containerDefinitions: names.map((name, at) => ({
    name,
    image: 'example',
    essential: at === names.length - 1,
  })),
});
