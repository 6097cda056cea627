import fc from 'fast-check';
import { conversation } from '../connection.ts';
import { mustKeepSecret, OWN, withTwoTenants } from '../notes.ts';
import { repliesIn } from '../replies.ts';
import { must, type Target } from '../target.ts';

/** Bytes of one connection, in Latin-1, each piece a write of its own. */
type Input = { readonly pieces: readonly string[] };

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH', 'get', 'BREW', 'PRI'];
const PATHS = [
  ...['/notes/a-1', '/notes?shelf=a&limit=2', '/notes?shelf=a&cursor=xf1_AAAA', '/notes', '/', '*', '/writes'],
  ...['/notes/%2e%2e/x', '/notes/%zz', '/notes/%00', '/notes/a-1#b', '/notes/a-1?', '//notes/a-1', '/./notes/a-1'],
  ...['http://other/notes/a-1', 'notes/a-1', '/notes/\xff', '/notes/a 1', `/notes/${'x'.repeat(9_000)}`, ''],
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/1.2', 'http/1.1', ''];
const NAMES = [
  ...['X-Tenant-Id', 'Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Expect', 'Upgrade', 'TE', 'Range'],
  ...['X-Request-Id', 'X-Forwarded-For', 'Forwarded', 'Cookie', 'Content-Type', 'If-None-Match', 'Origin', 'Trailer'],
  ...['Accept-Encoding', 'X-HTTP-Method-Override', 'Proxy-Connection', 'Keep-Alive', ' Bad', 'Bad ', 'B\x00d', ''],
];
const VALUES = [
  ...[OWN, `${OWN},${OWN}`, 'x', '0', '5', '5, 5', '-1', '+5', '0x5', '99999999999999999999', 'chunked', 'Chunked'],
  ...['gzip, chunked', 'chunked, chunked', 'identity', 'close', 'keep-alive', 'upgrade', 'x-tenant-id', '100-continue'],
  ...['websocket', 'h2c', '\xc3\xa9', 'a\tb', 'a\x00b', 'a\rb', 'v'.repeat(70_000), '', 'application/json', 'DELETE'],
];

const field = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES))
  .map(([name, value]) => `${name}: ${value}`);
const body = fc.constantFrom(
  '',
  '{}',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  '0\r\n\r\n',
  'ffffffff\r\nx',
  '5;a=b\r\nhello',
);
const framing = fc.constantFrom(
  ...['', '', '', 'Content-Length: 2', 'Content-Length: 5', 'Content-Length: 500', 'Transfer-Encoding: chunked'],
  'Transfer-Encoding: chunked\r\nContent-Length: 5',
);
const request = fc
  .record({
    method: fc.constantFrom(...METHODS),
    path: fc.constantFrom(...PATHS),
    version: fc.constantFrom(...VERSIONS),
    tenant: fc.constantFrom(`X-Tenant-Id: ${OWN}\r\n`, `X-Tenant-Id: ${OWN}\r\n`, ''),
    host: fc.constantFrom('Host: x\r\n', 'Host: x\r\n', 'Host: x\r\n', '', 'Host: x\r\nHost: y\r\n'),
    fields: fc.array(field, { maxLength: 4 }),
    framing,
    body,
    eol: fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r'),
  })
  .map(({ method, path, version, tenant, host, fields, framing, body, eol }) => {
    const lines = [...fields, framing].filter((line) => line !== '').map((line) => `${line}${eol}`);
    return `${method} ${path} ${version}${eol}${host}${tenant}${lines.join('')}${eol}${body}`;
  });

const good = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Tenant-Id: ${OWN}\r\n${more}\r\n`;

/** What belongs to a request that is not spoken here, or cannot be passed on as it is. */
const REFUSALS = new Set([501, 505]);

export const http: Target<Input> = {
  name: 'http',
  about: 'bytes at the socket of the façade, with both stores and a legacy service behind it',
  inputs: fc.array(request, { minLength: 1, maxLength: 3, size: 'max' }).chain((requests) =>
    fc.oneof(
      fc.constant({ pieces: [requests.join('')] }),
      fc.constant({ pieces: requests }),
      fc.nat({ max: 200 }).map((at) => ({ pieces: [requests.join('').slice(0, at), requests.join('').slice(at)] })),
    ),
  ),
  examples: [
    { pieces: [good('/notes/a-1')] },
    { pieces: [good('/notes?shelf=a&limit=2') + good('/notes/b-1') + good('/elsewhere')] },
    { pieces: [good('/elsewhere', 'Transfer-Encoding: chunked\r\n'), '5\r\nhello\r\n', '0\r\n\r\n'] },
    { pieces: [`POST /writes HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`, 'hello'] },
    { pieces: [`GET /notes/a-1 HTTP/1.0\r\nX-Tenant-Id: ${OWN}\r\n\r\n`] },
  ],
  words: [
    ...METHODS,
    ...PATHS.slice(0, 8),
    ...VERSIONS,
    ...NAMES,
    ...VALUES.filter(({ length }) => length < 99),
    '\r\n',
  ],
  patience: 2_000,
  async open(t) {
    const { port } = await withTwoTenants(t, { stage: 'shadow' });
    return async ({ pieces }) => {
      const text = await conversation(port, pieces);
      const replies = repliesIn(text);
      mustKeepSecret(pieces.join(''), text);
      const wrong = replies.find(({ status }) => status >= 500 && !REFUSALS.has(status));
      must(wrong === undefined, 'a 5xx of ours', wrong);
      const sound = async () =>
        repliesIn(await conversation(port, [good('/notes/a-1', 'Connection: close\r\n')], 2_000));
      let again = await sound();
      // A busy machine may be late once.
      for (let n = 0; n < 2 && again.length === 0; n += 1) again = await sound();
      must(again.length === 1 && again[0]?.status === 200, 'a sound request fails after it', again);
      return replies.map(({ status, whole }) => `${status}${whole ? '' : ' cut'}`).join(' ') || 'silence';
    };
  },
};
