import { getGlobalDispatcher } from 'undici';
import { StoreError, type StoreFailure } from '../errors.ts';
import type { Answer, Observation } from '../model/answer.ts';

/** A request that is ours to send. */
export interface Sent {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: Buffer | undefined;
}

/** What belongs to one connection, and not to the request. */
const HOP = new Set([
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding', 'keep-alive', 'te', 'trailer'],
  ...['upgrade', 'expect', 'proxy-connection', 'http2-settings'],
]);

/** Longest body that is compared. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Asks a legacy service at `base` within so many milliseconds, once. Never rejects. */
export async function askLegacy(
  base: string,
  { method, url, headers, body }: Sent,
  timeout: number,
): Promise<Observation> {
  const began = performance.now();
  const duration = () => performance.now() - began;
  try {
    const { origin, pathname } = new URL(base);
    // Not undici's own `request`, which parses a URL: `..` would lead elsewhere.
    const reply = await getGlobalDispatcher().request({
      origin,
      path: `${pathname.replace(/\/$/, '')}${url}`,
      method: method as 'GET',
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP.has(name.toLowerCase()))) as never,
      signal: AbortSignal.timeout(timeout),
      ...(body === undefined ? {} : { body }),
    });
    const answer: Answer = {
      status: reply.statusCode,
      headers: reply.headers as Answer['headers'],
      body: await wholeOf(reply.body),
    };
    return { origin: 'legacy', ok: true, answer, duration: duration() };
  } catch (error) {
    const { name, message } = error as Error;
    const failure: StoreFailure = name === 'TimeoutError' || name === 'AbortError' ? 'timeout' : 'unavailable';
    const told = error instanceof StoreError ? error : new StoreError('legacy', failure, message, error);
    return { origin: 'legacy', ok: false, error: told, duration: duration() };
  }
}

async function wholeOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let held = 0;
  for await (const part of body) {
    held += part.length;
    if (held > MAX_BYTES) throw new StoreError('legacy', 'tooLarge', `the body is larger than ${MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
