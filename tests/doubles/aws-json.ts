/** A server that speaks AWS JSON 1.1: answers by the operation's name, whatever the service. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** By operation (`GetServiceQuota`). Throwing an Error with a name answers with that exception. */
export type AwsOperations = Record<string, (input: Record<string, unknown>) => unknown>;

export interface AwsJson {
  endpoint: string;
  close(): Promise<void>;
}

export class AwsException extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export async function startAwsJson(operations: AwsOperations): Promise<AwsJson> {
  const server = createServer((request, response) => {
    void answer(operations, request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function answer(
  operations: AwsOperations,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, body } = await outcome(operations, request);
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
}

async function outcome(
  operations: AwsOperations,
  request: IncomingMessage,
): Promise<{ status: number; body: unknown }> {
  const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
  try {
    const handle = operations[operation];
    if (!handle) throw new AwsException('UnknownOperationException', `no ${operation} here`);
    const body = await text(request);
    return { status: 200, body: handle(JSON.parse(body === '' ? '{}' : body) as Record<string, unknown>) };
  } catch (error) {
    const { name, message } = error as Error;
    return { status: 400, body: { __type: name, message } };
  }
}
