/** A CloudFormation that knows finished stacks: their outputs (DescribeStacks) and their resources (ListStackResources). */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface KnownStack {
  status?: string;
  outputs?: Record<string, string>;
  /** Logical → physical id. */
  resources?: Record<string, string>;
}

export interface CloudFormationDouble {
  endpoint: string;
  stop(): Promise<void>;
}

export async function startCloudFormation(stacks: Record<string, KnownStack>): Promise<CloudFormationDouble> {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const input = new URLSearchParams(await text(request));
    const { status, body } = answer(stacks, input.get('Action') ?? '', input.get('StackName') ?? '');
    response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  stacks: Record<string, KnownStack>,
  action: string,
  name: string,
): { status: number; body: string } {
  const stack = stacks[name];
  if (!stack) return fault('ValidationError', `Stack with id ${name} does not exist`);
  switch (action) {
    case 'DescribeStacks':
      return result(action, `<Stacks><member>${described(name, stack)}</member></Stacks>`);
    case 'ListStackResources':
      return result(
        action,
        `<StackResourceSummaries>${members(stack.resources, 'LogicalResourceId', 'PhysicalResourceId')}</StackResourceSummaries>`,
      );
    default:
      return fault('InvalidAction', `The double does not know ${action}`);
  }
}

const described = (name: string, { status = 'CREATE_COMPLETE', outputs }: KnownStack): string =>
  `<StackName>${name}</StackName><StackStatus>${status}</StackStatus><Outputs>${members(outputs, 'OutputKey', 'OutputValue')}</Outputs>`;

const members = (pairs: Record<string, string> = {}, key: string, value: string): string =>
  Object.entries(pairs)
    .map(([one, other]) => `<member><${key}>${one}</${key}><${value}>${escape(other)}</${value}></member>`)
    .join('');

const escape = (value: string): string =>
  value.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const NAMESPACE = 'xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"';

const result = (action: string, content: string) => ({
  status: 200,
  body: `<${action}Response ${NAMESPACE}><${action}Result>${content}</${action}Result></${action}Response>`,
});

const fault = (code: string, message: string) => ({
  status: 400,
  body: `<ErrorResponse ${NAMESPACE}><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
});
