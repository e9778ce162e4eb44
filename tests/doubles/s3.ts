/**
 * S3 and SQS in process: fauxqs, with what it lacks of S3 put in front of it.
 *
 * - It takes no notice of `If-None-Match` and `If-Match` on PUT and on CompleteMultipartUpload.
 * - It takes no body over 11 MiB, where S3 takes 5 GiB: such bodies are cut into parts here.
 * - It lists keys in the order of the locale and pages by their code units, so that pages overlap or miss keys; S3 lists in
 *   the order of the keys' UTF-8 bytes. Listing is done here, from what was written.
 * - It takes keys of any length, where S3 takes 1,024 bytes.
 * - It refuses SQS messages with characters above U+FFFF, which SQS takes.
 * - It never answers 409, and never loses an answer: {@link S3Double.conflict} and {@link S3Double.loseAnswer} do.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs, type FauxqsServer } from 'fauxqs';

const MAX_KEY_BYTES = 1024;
const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Sub-parts that one part may be cut into. */
const SUB_PARTS = 100;

export interface S3Double {
  s3: S3Client;
  sqs: SQSClient;
  s3Endpoint: string;
  sqsEndpoint: string;
  /** What a process or a container needs to work with this double. */
  env: Record<string, string>;
  createBucket(name: string): void;
  createQueue(name: string): string;
  /** The next so many conditional writes are answered with 409. */
  conflict(times: number): void;
  /** The next PUT (or completion of an upload in parts) is carried out, and its answer never arrives. */
  loseAnswer(of?: 'PUT' | 'CompleteMultipartUpload'): void;
  /** Method and path of each request so far. */
  requests: string[];
  stop(): Promise<void>;
}

interface State {
  backend: string;
  conflicts: number;
  lose: 'PUT' | 'CompleteMultipartUpload' | undefined;
  requests: string[];
  /** Writes of one key, one after the other: looking and writing must be one step. */
  turns: Map<string, Promise<unknown>>;
  /** `<upload>/<part>` → the parts that it was cut into. */
  cut: Map<string, { number: number; etag: string }[]>;
  /** `/bucket/key`, decoded → what a listing says of it. */
  objects: Map<string, { bytes: string; etag: string; modified: string }>;
}

/**
 * The characters that SQS takes, as its documentation has them. The expression lacks the `u` flag in fauxqs, and so the last
 * range; the module is not exported, hence the path.
 */
async function takeAllCharacters(): Promise<void> {
  const path = new URL('../../node_modules/fauxqs/dist/sqs/sqsTypes.js', import.meta.url).href;
  const { INVALID_MESSAGE_BODY_CHAR: invalid } = (await import(path)) as {
    INVALID_MESSAGE_BODY_CHAR: RegExp;
  };
  invalid.compile(String.raw`[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]`, 'u');
}

export async function startS3(): Promise<S3Double> {
  await takeAllCharacters();
  const fauxqs = await startFauxqs({ port: 0, logger: false });
  const sqsEndpoint = `http://127.0.0.1:${fauxqs.port}`;
  const state: State = {
    backend: sqsEndpoint,
    conflicts: 0,
    lose: undefined,
    requests: [],
    turns: new Map(),
    cut: new Map(),
    objects: new Map(),
  };
  const server = createServer((request, response) => {
    handle(state, request, response).catch((error: unknown) => {
      response
        .writeHead(500)
        .end(`<Error><Code>DoubleFailed</Code><Message>${String(error)}</Message></Error>`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const s3Endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ...handles(fauxqs, server, state), ...clients(s3Endpoint, sqsEndpoint) };
}

function handles(fauxqs: FauxqsServer, server: Server, state: State) {
  return {
    createBucket: (name: string) => void fauxqs.createBucket(name),
    createQueue: (name: string) => fauxqs.createQueue(name).queueUrl,
    conflict: (times: number) => {
      state.conflicts = times;
    },
    loseAnswer: (of: NonNullable<State['lose']> = 'PUT') => {
      state.lose = of;
    },
    requests: state.requests,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await fauxqs.stop();
    },
  };
}

function clients(s3Endpoint: string, sqsEndpoint: string) {
  const config = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  return {
    s3Endpoint,
    sqsEndpoint,
    s3: new S3Client({ ...config, endpoint: s3Endpoint, forcePathStyle: true }),
    sqs: new SQSClient({ ...config, endpoint: sqsEndpoint, useQueueUrlAsEndpoint: false }),
    env: {
      AWS_REGION: config.region,
      AWS_ACCESS_KEY_ID: config.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: config.credentials.secretAccessKey,
      AWS_ENDPOINT_URL_S3: s3Endpoint,
      AWS_ENDPOINT_URL_SQS: sqsEndpoint,
      AWS_ENDPOINT_URL_STS: sqsEndpoint,
    },
  };
}

async function handle(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  state.requests.push(`${method} ${url}`);
  const body = await buffer(request);
  const lists = method === 'GET' && new URL(url, state.backend).searchParams.get('list-type') === '2';
  if (lists) {
    await send(listing(state, new URL(url, state.backend)), method, response);
    return;
  }
  const writes = method === 'PUT' || method === 'POST' || method === 'DELETE';
  const answer = writes
    ? await inTurn(state, url.split('?')[0] ?? '', async () => {
        const written = await write(state, request, body);
        if (written.ok) await note(state, request, written);
        return written;
      })
    : await forward(state, method, url, headersOf(request), body);
  const completes = method === 'POST' && url.includes('uploadId=');
  if (state.lose !== undefined && state.lose === (completes ? 'CompleteMultipartUpload' : method)) {
    state.lose = undefined;
    request.socket.destroy();
    return;
  }
  await send(answer, method, response);
}

async function inTurn<T>({ turns }: State, key: string, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(key) ?? Promise.resolve()).then(work);
  // The next one waits for this one's end, whatever it is.
  turns.set(
    key,
    turn.catch(() => undefined),
  );
  return await turn;
}

async function write(state: State, request: IncomingMessage, body: Buffer): Promise<Response> {
  const { method = 'PUT', url = '/' } = request;
  if (Buffer.byteLength(keyOf(url)) > MAX_KEY_BYTES) return failure(400, 'KeyTooLongError');
  const refusal = condition(state, request, url);
  if (refusal) return refusal;
  const headers = headersOf(request);
  const { searchParams, pathname } = new URL(url, state.backend);
  const upload = searchParams.get('uploadId');
  const part = searchParams.get('partNumber');
  if (method === 'PUT' && body.length > MAX_BODY_BYTES) {
    if (headers.get('content-encoding')?.includes('aws-chunked')) {
      throw new Error('A large body in aws-chunked encoding cannot be cut here');
    }
    return upload !== null && part !== null
      ? await putPartInParts(state, pathname, upload, Number(part), body)
      : await putInParts(state, pathname, headers, body);
  }
  if (upload !== null && part !== null) {
    return await forward(
      state,
      method,
      pathname + partQuery(upload, Number(part) * SUB_PARTS),
      headers,
      body,
    );
  }
  if (method === 'POST' && upload !== null) {
    const parts = partsOf(state, upload, body.toString());
    return await forward(state, method, url, headers, completion(parts));
  }
  return await forward(state, method, url, headers, body);
}

/** `/bucket/key?query`, encoded → the key. */
const keyOf = (url: string): string =>
  decodeURIComponent((url.split('?')[0] ?? '').split('/').slice(2).join('/'));

/** `undefined` when the condition holds, or there is none. */
function condition(state: State, request: IncomingMessage, url: string): Response | undefined {
  const none = request.headers['if-none-match'];
  const match = request.headers['if-match'];
  if (none === undefined && match === undefined) return undefined;
  if (state.conflicts > 0) {
    state.conflicts -= 1;
    return failure(409, 'ConditionalRequestConflict');
  }
  const found = state.objects.get(decodeURIComponent(url.split('?')[0] ?? ''));
  if (none === '*') return found ? failure(412, 'PreconditionFailed') : undefined;
  if (!found) return failure(404, 'NoSuchKey');
  return found.etag === match ? undefined : failure(412, 'PreconditionFailed');
}

const failure = (status: number, code: string): Response =>
  new Response(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`, {
    status,
    headers: { 'content-type': 'application/xml' },
  });

const HOP_BY_HOP = new Set([
  'connection',
  'host',
  'transfer-encoding',
  'keep-alive',
  'expect',
  'content-length',
]);

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (!HOP_BY_HOP.has(name) && value !== undefined) headers.set(name, String(value));
  }
  return headers;
}

async function forward(
  { backend }: State,
  method: string,
  url: string,
  headers: Headers,
  body: Buffer | string,
): Promise<Response> {
  const content = body.length > 0 ? { body: typeof body === 'string' ? body : new Uint8Array(body) } : {};
  return await fetch(backend + url, { method, headers, ...content });
}

async function send(answer: Response, method: string, response: ServerResponse): Promise<void> {
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !HOP_BY_HOP.has(name)));
  // The SDK sets its clock by this one, and asks again for each error when they differ: a test's clock may run fast.
  headers.date = new Date(Date.now()).toUTCString();
  const length = answer.headers.get('content-length');
  if (length !== null) headers['content-length'] = length;
  response.writeHead(answer.status, headers);
  response.end(method === 'HEAD' ? undefined : Buffer.from(await answer.arrayBuffer()));
}

// --- Listing --------------------------------------------------------------------------------------------------------

/** What is there after a write, for listings and conditions. */
async function note(
  { backend, objects }: State,
  { method, url = '', headers }: IncomingMessage,
  written: Response,
) {
  const [path = '', query] = url.split('?');
  if (path.split('/').length < 3) return;
  const key = decodeURIComponent(path);
  const etag = written.headers.get('etag');
  const length = headers['x-amz-decoded-content-length'] ?? headers['content-length'];
  const whole = query === undefined || /^x-id=PutObject$/.test(query);
  if (method === 'PUT' && whole && etag !== null && length !== undefined && !headers['x-amz-copy-source']) {
    objects.set(key, { bytes: String(length), etag, modified: new Date(Date.now()).toISOString() });
    return;
  }
  const head = await fetch(backend + path, { method: 'HEAD' });
  if (!head.ok) {
    objects.delete(key);
    return;
  }
  objects.set(key, {
    bytes: head.headers.get('content-length') ?? '0',
    etag: head.headers.get('etag') ?? '',
    modified: new Date(head.headers.get('last-modified') ?? 0).toISOString(),
  });
}

const MAX_KEYS = 1000;

function listing({ objects }: State, { pathname, searchParams }: URL): Response {
  const root = `/${pathname.split('/')[1]}/`;
  const prefix = root + (searchParams.get('prefix') ?? '');
  const token = searchParams.get('continuation-token');
  const after = root + (token ?? searchParams.get('start-after') ?? '');
  const found = [...objects.keys()]
    .filter((key) => key.startsWith(prefix) && Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const page = found.slice(0, MAX_KEYS);
  const next = found.length > MAX_KEYS ? page.at(-1)?.slice(root.length) : undefined;
  const contents = page.map((key) => {
    const { bytes = '', etag = '', modified = '' } = objects.get(key) ?? {};
    return `<Contents><Key>${xml(key.slice(root.length))}</Key><Size>${bytes}</Size><ETag>${xml(etag)}</ETag><LastModified>${modified}</LastModified></Contents>`;
  });
  const more = next === undefined ? '' : `<NextContinuationToken>${xml(next)}</NextContinuationToken>`;
  return new Response(
    `<?xml version="1.0"?><ListBucketResult><KeyCount>${page.length}</KeyCount><IsTruncated>${next !== undefined}</IsTruncated>${more}${contents.join('')}</ListBucketResult>`,
    { headers: { 'content-type': 'application/xml' } },
  );
}

/** Control characters as references, as S3 writes them. */
/** What XML cannot hold as it is. Control characters come as references, as from S3. */
const xml = (text: string): string =>
  text.replace(/[&<>"\p{Cc}]/gu, (character) => `&#x${(character.codePointAt(0) ?? 0).toString(16)};`);

// --- Bodies that are too large for fauxqs --------------------------------------------------------------------------

async function putPartInParts(
  state: State,
  path: string,
  upload: string,
  part: number,
  body: Buffer,
): Promise<Response> {
  const parts: { number: number; etag: string }[] = [];
  // Evenly: no piece but the last of all may be below 5 MiB.
  const size = Math.ceil(body.length / Math.ceil(body.length / MAX_BODY_BYTES));
  for (let at = 0; at < body.length; at += size) {
    const number = part * SUB_PARTS + parts.length;
    const piece = body.subarray(at, at + size);
    const put = await forward(state, 'PUT', path + partQuery(upload, number), new Headers(), piece);
    if (!put.ok) return put;
    parts.push({ number, etag: put.headers.get('etag') ?? '' });
  }
  state.cut.set(`${upload}/${part}`, parts);
  return new Response(null, { status: 200, headers: { etag: parts[0]?.etag ?? '' } });
}

async function putInParts(state: State, path: string, headers: Headers, body: Buffer): Promise<Response> {
  const kept = new Headers([...headers].filter(([name]) => name === 'content-type'));
  const created = await (await forward(state, 'POST', `${path}?uploads`, kept, '')).text();
  const upload = /<UploadId>(.*?)<\/UploadId>/.exec(created)?.[1] ?? '';
  await putPartInParts(state, path, upload, 1, body);
  const query = `?uploadId=${encodeURIComponent(upload)}`;
  const list = completion(partsOf(state, upload, '<Part><PartNumber>1</PartNumber><ETag></ETag></Part>'));
  const done = await forward(
    state,
    'POST',
    path + query,
    new Headers({ 'content-type': 'application/xml' }),
    list,
  );
  const etag = /<ETag>(.*?)<\/ETag>/.exec(await done.text())?.[1] ?? '';
  return new Response(null, { status: done.status, headers: { etag: etag.replaceAll('&quot;', '"') } });
}

const partQuery = (upload: string, number: number): string =>
  `?uploadId=${encodeURIComponent(upload)}&partNumber=${number}`;

/** The parts as fauxqs has them. All numbers are spread, so that the order stays. */
function partsOf({ cut }: State, upload: string, body: string): { number: number; etag: string }[] {
  const asked = [...body.matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, part = '']) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    etag: (/<ETag>(.*?)<\/ETag>/.exec(part)?.[1] ?? '').replaceAll('&quot;', '"'),
  }));
  return asked.flatMap(
    (part) => cut.get(`${upload}/${part.number}`) ?? [{ ...part, number: part.number * SUB_PARTS }],
  );
}

const completion = (parts: { number: number; etag: string }[]): string =>
  `<CompleteMultipartUpload>${parts
    .map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`;
