/** The extract behind an area, as its mirror describes it: looked at before a launch, never downloaded here. */
import { isNativeError } from 'node:util/types';
import type { Source } from '../../lib/pipeline/job.ts';
import type { Fetch } from '../../lib/ports.ts';
import { UnknownSourceError } from '../../lib/tasks/define-task.ts';

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
  if (response.status === 404 || response.status === 410) {
    throw new UnknownSourceError(
      `There is no area "${area}" at ${uri} (HTTP ${response.status}). The names are Geofabrik's ids, e.g. europe/monaco.`,
    );
  }
  if (!response.ok) {
    throw new Error(`${uri} answered HTTP ${response.status} to HEAD.`);
  }
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

/**
 * The answer to HEAD; where the server's proxy fails on that (as Geofabrik's at times), to GET for the first byte. One that
 * does not know ranges either would send it all: its answer to HEAD stands.
 */
async function describe(fetch: Fetch, uri: string): Promise<Response> {
  const head = await ask(fetch, uri, 'HEAD');
  if (head.status < 500) return head;
  const first = await ask(fetch, uri, 'GET', { range: 'bytes=0-0' });
  await first.body?.cancel();
  return first.status === 206 ? first : head;
}

/** The first word of `<extract>.md5`; undefined when the mirror publishes none (the container then says so in its report). */
async function lookUpMd5(uri: string, fetch: Fetch): Promise<string | undefined> {
  const response = await ask(fetch, `${uri}.md5`, 'GET');
  if (response.status === 404 || response.status === 410) {
    await response.body?.cancel();
    return undefined;
  }
  const [md5 = ''] = (await response.text()).split(/\s/, 1);
  if (!response.ok || !/^[0-9a-f]{32}$/i.test(md5)) {
    throw new Error(
      `${uri}.md5 should begin with 32 hex digits, but is "${md5.slice(0, 40)}" (HTTP ${response.status}).`,
    );
  }
  return md5.toLowerCase();
}

async function ask(
  fetch: Fetch,
  uri: string,
  method: 'HEAD' | 'GET',
  headers: Record<string, string> = {},
): Promise<Response> {
  try {
    return await fetch(uri, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    // fetch hides the reason ("connect ECONNREFUSED …") in the cause.
    const reason = isNativeError(error) && isNativeError(error.cause) ? error.cause.message : String(error);
    throw new Error(`${uri} cannot be reached: ${reason}`, { cause: error });
  }
}
