/**
 * Who may ask. The page has no password: it is for whoever sits at this machine, so it must not be reachable by a web page
 * from elsewhere that this person's browser has open.
 *
 * - A foreign page can point a name of its own at 127.0.0.1 (DNS rebinding): requests whose Host is not this machine are
 *   refused. An address in numbers cannot be rebound.
 * - A foreign page can send a POST without reading the answer (CSRF): each POST needs the token that only this page was
 *   given, and an Origin that is ours.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

export const newToken = (): string => randomBytes(24).toString('base64url');

export const TOKEN_HEADER = 'x-longshore-token';

/** The name that a Host header has, without port and brackets. */
function nameOf(host: string): string | undefined {
  try {
    return new URL(`http://${host}/`).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return undefined;
  }
}

/** `bound`: what the person gave as --host. */
export function isOwnHost(host: string | undefined, bound: string): boolean {
  const name = host === undefined ? undefined : nameOf(host);
  if (name === undefined) return false;
  const own = ['localhost', bound.toLowerCase(), hostname().toLowerCase()];
  return isIP(name) !== 0 || own.includes(name) || name.endsWith('.localhost');
}

/** Why a request that changes something is refused; `undefined` when it is not. */
export function refusal({ headers }: IncomingMessage, token: string): string | undefined {
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}`)
    return `Requests from pages of ${origin} are not taken`;
  const given = headers[TOKEN_HEADER];
  if (typeof given !== 'string' || !same(given, token))
    return 'The page is from an earlier start of  longshore dashboard: load it again';
  return undefined;
}

function same(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** On each answer. Nothing from elsewhere, nothing inline, in no one's frame. */
export function setSafeHeaders(response: ServerResponse): void {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  response.setHeader('Content-Security-Policy', policy.join('; '));
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Cache-Control', 'no-store');
}
