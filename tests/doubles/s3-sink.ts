/**
 * An S3 that keeps nothing but the checksum of what it is given: for uploads too large to be held by a double in memory.
 * CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload. Parts may come in any order.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Sink {
  endpoint: string;
  /** Parts of the completed upload, in order. */
  completed: { number: number; bytes: number; md5: string }[];
  stop(): Promise<void>;
}

export async function startSink(): Promise<Sink> {
  const parts = new Map<number, { bytes: number; md5: string }>();
  const completed: Sink['completed'] = [];
  const server = createServer((request, response) => void answer(request, response, parts, completed));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    completed,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  parts: Map<number, { bytes: number; md5: string }>,
  completed: Sink['completed'],
): Promise<void> {
  const { searchParams } = new URL(request.url ?? '/', 'http://sink');
  const number = Number(searchParams.get('partNumber'));
  if (request.method === 'PUT' && number > 0) {
    const hash = createHash('md5');
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    const md5 = hash.digest('hex');
    parts.set(number, { bytes, md5 });
    response.writeHead(200, { etag: `"${md5}"` }).end();
    return;
  }
  const body = await text(request);
  response.setHeader('content-type', 'application/xml');
  if (request.method === 'POST' && searchParams.has('uploads')) {
    response.end('<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>');
  } else if (request.method === 'POST') {
    for (const [, asked] of body.matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)) {
      completed.push({ number: Number(asked), ...(parts.get(Number(asked)) ?? { bytes: 0, md5: '' }) });
    }
    response.end('<CompleteMultipartUploadResult><ETag>"done"</ETag></CompleteMultipartUploadResult>');
  } else {
    response.writeHead(request.method === 'DELETE' ? 204 : 501).end();
  }
}
