import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { CASES, type Case } from './cases.ts';
import type { Seen, Upstream } from './upstreams.ts';
import { exchange, type WireReply } from './wire.ts';

/** Headers of a reply that may differ, and why; the same list stands in docs/operating.md. */
export const REPLY_DIFFERS: Readonly<Record<string, string>> = {
  connection: 'the client’s connection is another one than legacy’s',
  'keep-alive': 'the client’s connection is another one than legacy’s',
  'transfer-encoding': 'chunks are made anew for each connection',
  trailer: 'trailers are not passed on',
  'x-request-id': 'ours, or the client’s',
};

/** Headers of a request that legacy may see differently, and why; the same list stands in docs/operating.md. */
export const REQUEST_DIFFERS: Readonly<Record<string, string>> = {
  host: 'of LEGACY_URL; the client’s own is in X-Forwarded-Host',
  connection: 'of one connection',
  'keep-alive': 'of one connection',
  'proxy-authorization': 'of one connection',
  'proxy-connection': 'of one connection',
  te: 'of one connection',
  trailer: 'trailers are not passed on',
  'transfer-encoding': 'chunks are made anew for each connection',
  upgrade: 'connections stay HTTP/1.1',
  expect: 'the façade has said 100 Continue itself',
  'x-forwarded-for': 'added to',
  'x-forwarded-host': 'set where the client says none',
  'x-forwarded-proto': 'set where the client says none',
  'x-request-id': 'ours, where the client’s cannot be taken over',
};

const STATUS = /^HTTP\/1\.[01] (\d{3})/;

/** Sends the whole corpus to one upstream, directly and through the façade on `port`; each case is a test. */
export async function runCorpus(t: Test, upstream: Upstream, port: number): Promise<void> {
  await upstream.take(0);
  for (const one of CASES.filter(({ only }) => only === undefined || only === upstream.name)) {
    if (one.expected === 'refused') await isRefused(t, one, upstream, port);
    else if (one.expected === 'aborted') await isAborted(t, one, upstream, port);
    else if (one.expected === 'read') await isRead(t, one, upstream, port);
    else if (one.expected === 'cut') await isCut(t, one, upstream, port);
    else await isSame(t, one, upstream, port);
  }
}

async function isSame(t: Test, one: Case, upstream: Upstream, port: number): Promise<void> {
  const direct = await exchange(upstream.port, one);
  const seenDirectly = await upstream.take(direct.length);
  if (one.expected === 'safe') await settle(upstream);
  const passed = await exchange(port, one);
  const seen = await upstream.take(one.expected === 'safe' ? 0 : passed.length);
  if (one.expected === 'safe') await settle(upstream);
  const refused = one.expected === 'safe' && seen.length === 0 && passed.every(isError);
  if (refused) return void t.pass(`${one.name}: refused`);
  t.strictSame(passed.map(comparableReply), direct.map(comparableReply), `${one.name}: the reply`);
  t.strictSame(
    seen.map((each) => comparableSeen(each, one)),
    seenDirectly.map((each) => comparableSeen(each, one)),
    `${one.name}: what legacy saw`,
  );
}

async function isRefused(t: Test, one: Case, upstream: Upstream, port: number): Promise<void> {
  const replies = await exchange(port, one);
  await sleep(2);
  const seen = await upstream.take(0);
  t.strictSame(seen, [], `${one.name}: legacy sees nothing`);
  t.match(
    replies,
    [{ line: /^HTTP\/1\.1 (400|408|413|431|501|505) /, body: /^\{"refused":".+"\}$/ }],
    `${one.name}: our error`,
  );
}

async function isAborted(t: Test, one: Case, upstream: Upstream, port: number): Promise<void> {
  const direct = await exchange(upstream.port, one);
  await sleep(20);
  const seenDirectly = await upstream.take(0);
  const passed = await exchange(port, one);
  await sleep(20);
  const seen = await upstream.take(seenDirectly.length);
  t.strictSame(
    seen.map((each) => comparableSeen(each, one)),
    seenDirectly.map((each) => comparableSeen(each, one)),
    `${one.name}: what legacy saw`,
  );
  const part = ({ line, whole }: WireReply) => !whole || /^HTTP\/1\.1 503 /.test(line);
  t.ok(direct.every(part) && passed.every(part), `${one.name}: no reply passes for a whole one`);
}

async function isRead(t: Test, one: Case, upstream: Upstream, port: number): Promise<void> {
  const replies = await exchange(port, one);
  const seen = (await upstream.take(replies.length)).filter(({ line }) => !line.startsWith('nginx: '));
  t.equal(replies.length, one.methods.length, `${one.name}: each has a reply`);
  t.equal(seen.length, replies.length, `${one.name}: legacy sees as many requests as there are replies`);
  t.notOk(
    seen.some(({ body }) => body === 'cut'),
    `${one.name}: each is whole`,
  );
}

async function isCut(t: Test, one: Case, upstream: Upstream, port: number): Promise<void> {
  const replies = await exchange(port, one);
  await sleep(20);
  const seen = (await upstream.take(0)).filter(
    ({ line, body }) => body !== 'cut' && !/^nginx: .* (400|499)$/.test(line),
  );
  t.strictSame(seen, [], `${one.name}: legacy sees nothing whole`);
  t.ok(
    replies.every((reply) => isError(reply) || !reply.whole),
    `${one.name}: no reply but an error`,
  );
}

/** Lets what the last exchange may still cause come in, and forgets it. */
async function settle(upstream: Upstream): Promise<void> {
  await sleep(30);
  await upstream.take(0);
}

const isError = ({ line }: WireReply) => Number(STATUS.exec(line)?.[1]) >= 400;

/** The version is the connection's own; two replies may fall into two seconds. */
function comparableReply({ line, headers, body, whole }: WireReply) {
  const nominated = nominees(headers);
  return {
    line: line.replace(/^HTTP\/1\.[01] /, '').trimEnd(),
    headers: headers
      .filter(([name]) => !Object.hasOwn(REPLY_DIFFERS, name.toLowerCase()) && !nominated.has(name.toLowerCase()))
      .map(([name, value]) => `${name}: ${name.toLowerCase() === 'date' && value.endsWith('GMT') ? 'a date' : value}`),
    body,
    whole,
  };
}

/**
 * A length of 0 says nothing: it is added to a POST that has no body, and taken from a GET. Where Content-Length stands and
 * how it is written is the client library's.
 */
function comparableSeen({ line, headers, body }: Seen, { pieces }: Case) {
  const text = pieces.map((piece) => piece.bytes.toString('latin1')).join('');
  const nominated = nominees(
    [...text.matchAll(/^(connection): *(.*?)\r$/gim)].map(([, name, value]) => [name ?? '', value ?? '']),
  );
  const kept = headers
    .map(([name, value]): [string, string] => [/^content-length$/i.test(name) ? 'content-length' : name, value])
    .filter(
      ([name, value]) =>
        !Object.hasOwn(REQUEST_DIFFERS, name.toLowerCase()) && !(name === 'content-length' && value === '0'),
    )
    .filter(([name]) => !nominated.has(name.toLowerCase()))
    .map(([name, value]) => `${name}: ${value}`);
  const isLength = (header: string) => header.startsWith('content-length: ');
  return { line, body, headers: [...kept.filter((one) => !isLength(one)), ...kept.filter(isLength)] };
}

/** What Connection nominates is of one connection too. */
function nominees(headers: readonly (readonly [string, string])[]): ReadonlySet<string> {
  const given = headers
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(','));
  return new Set(
    given.map((name) => name.trim().toLowerCase()).filter((name) => !['host', 'content-length'].includes(name)),
  );
}
