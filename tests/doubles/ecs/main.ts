/**
 * The double as a program. It prints its endpoint as one line of JSON, and each event and each line of a container's log as
 * another one, until SIGTERM or SIGINT.
 *
 *     node tests/doubles/ecs/main.ts --port 4580 --cluster longshore-dev --definitions definitions.json \
 *       --events-endpoint http://127.0.0.1:4566 --env AWS_ENDPOINT_URL_S3=http://127.0.0.1:4566
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { loadEngineEnv } from '../../../cli/engine-env.mjs';
import { fastClock } from './clock.ts';
import { putEvents } from './put-events.ts';
import { startEcsDouble } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    region: { type: 'string', default: 'us-east-1' },
    account: { type: 'string', default: '000000000000' },
    cluster: { type: 'string', multiple: true, default: ['default'] },
    /** A JSON file: a list of what RegisterTaskDefinition takes. */
    definitions: { type: 'string' },
    /** EventBridge's: each event goes there by PutEvents. */
    'events-endpoint': { type: 'string' },
    'event-bus': { type: 'string', default: 'default' },
    /** NAME=VALUE for every container. */
    env: { type: 'string', multiple: true, default: [] },
    network: { type: 'string', default: 'host' },
    /** REGISTRY-PREFIX=LOCAL-PREFIX for images, e.g. `123.dkr.ecr.us-east-1.amazonaws.com/longshore-dev/=localhost/`. */
    image: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: '1' },
    speed: { type: 'string', default: '1' },
  },
});

const pair = (text: string): [string, string] => {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`"${text}" must be NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
};
const say = (fields: Record<string, unknown>): void => console.log(JSON.stringify(fields));

loadEngineEnv(process.env);
const images = values.image.map(pair);
const post =
  values['events-endpoint'] === undefined
    ? undefined
    : putEvents(values['events-endpoint'], values['event-bus']);
const definitions: RegisterTaskDefinitionRequest[] =
  values.definitions === undefined
    ? []
    : (JSON.parse(await readFile(values.definitions, 'utf8')) as RegisterTaskDefinitionRequest[]);

const ecs = await startEcsDouble({
  port: Number(values.port),
  region: values.region,
  account: values.account,
  clusters: values.cluster,
  taskDefinitions: definitions,
  containers: 'engine',
  seed: Number(values.seed),
  clock: fastClock(Number(values.speed)),
  engine: {
    network: values.network,
    environment: Object.fromEntries(values.env.map(pair)),
    image: (image) => {
      const [from, to] = images.find(([prefix]) => image.startsWith(prefix)) ?? ['', ''];
      return to + image.slice(from.length);
    },
    onLog: ({ task, container, stream, line }) =>
      say({ log: line, stream, container, startedBy: task.startedBy }),
  },
  eventSink: async (event) => {
    const { taskArn, lastStatus, version, stoppedReason } = event.detail;
    say({ event: lastStatus, version, taskArn, stoppedReason });
    await post?.(event);
  },
});
say({ endpoint: ecs.endpoint });
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void ecs.stop().then(() => process.exit(0)));
}
