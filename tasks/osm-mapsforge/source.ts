/** The extract behind an area, as its mirror describes it: looked at before a launch, never downloaded here. */
import { isNativeError } from 'node:util/types';
import type { Source } from '../../lib/pipeline/job.ts';
import type { Fetch } from '../../lib/ports.ts';
import { BusySourceError, UnknownSourceError } from '../../lib/tasks/define-task.ts';

/** A HEAD that takes longer than this is tried again later: the dispatcher waits for it. */
const TIMEOUT_MS = 20_000;

/** `<mirror>/<area>-latest.osm.pbf`, the layout of Geofabrik's download server. */
export const extractUrl = (mirror: string, area: string): string =>
  `${mirror.replace(/\/+$/, '')}/${area}-latest.osm.pbf`;

/**
 * Size, ETag, date and published MD5 of an area's extract. Throws {@link UnknownSourceError} where the mirror has no such
 * area; any other error means that the mirror could not say, and that it is worth asking again.
 */
export async function lookUpExtract(mirror: string, area: string, fetch: Fetch): Promise<Source> {
  const uri = extractUrl(mirror, area);
  const response = await describe(fetch, uri);
  if (isMissing(response)) {
    throw new UnknownSourceError(
      `There is no area "${area}" at ${uri} (HTTP ${response.status}). The names are Geofabrik's ids, e.g. europe/monaco.`,
    );
  }
  assertGood(response, uri);
  const { headers } = response;
  const bytes = Number(
    /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1] ?? headers.get('content-length') ?? NaN,
  );
  const etag = headers.get('etag')?.replace(/^W\//, '').replaceAll('"', '');
  const modified = Date.parse(headers.get('last-modified') ?? '');
  const md5 = await lookUpMd5(uri, fetch);
  return {
    uri,
    ...(Number.isSafeInteger(bytes) ? { bytes } : {}),
    ...(etag ? { etag } : {}),
    ...(md5 ? { md5 } : {}),
    ...(Number.isNaN(modified) ? {} : { lastModified: new Date(modified).toISOString() }),
  };
}

/** The answer to HEAD; where the server or its proxy will not have that (405, 501, Geofabrik's 5xx at times), to GET for a byte. */
async function describe(fetch: Fetch, uri: string): Promise<Response> {
  const head = await ask(fetch, uri, 'HEAD');
  if (head.ok || isMissing(head)) return head;
  const first = await ask(fetch, uri, 'GET', { range: 'bytes=0-0' });
  // One that knows no ranges begins to send it all.
  await first.body?.cancel();
  return first;
}

const isMissing = ({ status }: Response): boolean => status === 404 || status === 410;

function assertGood({ ok, status, headers }: Response, uri: string): void {
  if (ok) return;
  const after = Number(headers.get('retry-after') ?? NaN);
  if (status === 429 || after > 0) throw new BusySourceError(`${uri} answered HTTP ${status}.`, after);
  throw new Error(`${uri} answered HTTP ${status}.`);
}

/** The first word of `<extract>.md5`; undefined when the mirror publishes none (the container then says so in its report). */
async function lookUpMd5(uri: string, fetch: Fetch): Promise<string | undefined> {
  const response = await ask(fetch, `${uri}.md5`, 'GET');
  // A bucket that may not be listed has a 403 for what it has not.
  if (isMissing(response) || response.status === 403) {
    await response.body?.cancel();
    return undefined;
  }
  const [md5 = ''] = (await response.text()).split(/\s/, 1);
  assertGood(response, `${uri}.md5`);
  if (!/^[0-9a-f]{32}$/i.test(md5)) {
    throw new Error(`${uri}.md5 should begin with 32 hex digits, but is "${md5.slice(0, 40)}".`);
  }
  return md5.toLowerCase();
}

async function ask(
  fetch: Fetch,
  uri: string,
  method: 'HEAD' | 'GET',
  headers: Record<string, string> = {},
): Promise<Response> {
  // A length or an ETag of the compressed answer would be another file's.
  const asked = { 'accept-encoding': 'identity', ...headers };
  try {
    return await fetch(uri, { method, headers: asked, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new Error(`${uri} cannot be reached: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (!isNativeError(error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  // fetch hides the reason ("connect ECONNREFUSED …") in the cause.
  return isNativeError(error.cause) ? error.cause.message : String(error);
}
