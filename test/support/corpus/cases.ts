import { METHODS } from 'node:http';
import type { Sending } from './wire.ts';

/**
 * `same`: reply, and what legacy saw, are those of the direct way. `refused`: our own error, legacy sees nothing of it.
 * `safe`: one or the other. `read`: what is odd in it is put right on the way; legacy sees as many requests as there are
 * replies. `cut`: refused in mid-body, so that legacy sees none of it whole. `aborted`: one side goes away; as many requests arrive, and nobody takes a part for the whole.
 */
export type Expected = 'same' | 'refused' | 'safe' | 'read' | 'cut' | 'aborted';

export interface Case extends Sending {
  readonly name: string;
  readonly expected: Expected;
  /** Upstreams that it is for; without: all. */
  readonly only?: string;
}

const HOST = 'Host: api.example.com';
const bytes = (text: string) => Buffer.from(text, 'latin1');

function one(name: string, text: string, more: Partial<Case> = {}): Case {
  const method = text.split(' ')[0] as string;
  return { name, pieces: [{ bytes: bytes(text) }], methods: [method], expected: 'same', ...more };
}

const head = (line: string, ...headers: readonly string[]) =>
  `${[`${line} HTTP/1.1`, HOST, ...headers].join('\r\n')}\r\n\r\n`;

const PATHS = [
  ...[
    '/',
    '//',
    '///a//b/',
    '/a/',
    '/./a',
    '/a/./b',
    '/a/../b',
    '/../../etc/passwd',
    '/a/..%2fb',
    '/..;/a',
    '/%2e%2e/a',
  ],
  ...['/a%2Fb', '/a%2fb', '/a%5Cb', '/a%00b', '/a%0d%0ab', '/%', '/%zz', '/%2', '/%C3%A9', '/%c3%a9', '/%E9'],
  ...['/a;b=c;d', '/a,b', "/a'b", '/a"b', '/a<b>', '/a|b', '/a^b', '/a`b', '/a{b}', '/[::1]'],
  ...['/~u', '/a:b@c', '/a$b', '/a!b', '/(a)*', '/a+b', '/a%20b', '/a=b&c', '/.', '/..', '/...', '/.well-known/x'],
  ...[
    '/?',
    '/??',
    '/?a',
    '/?a=',
    '/?=a',
    '/?a=1&a=2',
    '/?a[]=1&a[]=2',
    '/?a=%2F/&b=../',
    '/?x=http://h/',
    '/a?b?c',
    '/?a=+%20',
  ],
  ...['/?%zz=%', '/?&&&', '/?a;b', '/things/1', '/things/a%2Fb', '/things/%', '/things/..', '/things/', '/things//1'],
  ...['/things/1?x=%zz&y=+', '/THINGS/1', '/things/1/', '/things/1;v=2', '/http://other/', '/*', '/a#b', '/things/1#x'],
  `/${'p'.repeat(8_000)}`,
  `/things/${'q'.repeat(4_000)}`,
  `/?${'r=1&'.repeat(1_900)}`,
  `/${'%2F'.repeat(2_000)}`,
  `/${'a/'.repeat(2_000)}`,
];

const HEADERS: readonly (readonly string[])[] = [
  ['X-Empty:'],
  ['X-Empty: '],
  ['X-Spaces:   a   b   '],
  ['X-Tab:\ta\tb'],
  ['X-Latin: caf\xe9 \xff'],
  ['X-Utf8: caf\xc3\xa9'],
  ['X-Many: one', 'x-many: two', 'X-MANY: three'],
  ['Cookie: a=1', 'Cookie: b=2; c="d"'],
  ['Accept: a', 'Accept: b'],
  ['Content-Type: odd/type;;charset'],
  ['Accept-Encoding: gzip, br;q=0.1, *;q=0'],
  ['Authorization: Bearer a.b.c'],
  ['Authorization: Basic \xe9'],
  ['If-None-Match: W/"x", *'],
  ['If-Modified-Since: yesterday'],
  ['Range: bytes=0-0,-1'],
  ['Origin: https://a.example', 'Referer: https://a.example/?x#y'],
  ["X!#$%&'*+-.^_`|~1: odd name"],
  ['x_underscore: 1'],
  ['1: digit'],
  [`X-Long: ${'v'.repeat(8_000)}`],
  Array.from({ length: 150 }, (_, n) => `X-N${n}: ${n}`),
  ['Connection: keep-alive'],
  ['Connection: close'],
  ['Connection: Close, X-Hop', 'X-Hop: gone'],
  ['Connection: X-Hop', 'Connection: x-hop2', 'X-Hop: gone', 'X-Hop2: gone', 'X-Stays: 1'],
  ['Connection: ,, ,keep-alive'],
  ['Connection: content-length, host, x-tenant-id', 'X-Tenant-Id: acme'],
  ['Keep-Alive: timeout=1, max=2'],
  ['Proxy-Connection: keep-alive', 'Proxy-Authorization: Basic eA=='],
  ['TE: trailers', 'Connection: TE'],
  ['TE: gzip, chunked'],
  ['Trailer: X-T'],
  [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ],
  ['Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA'],
  ['X-Forwarded-For: 10.0.0.1'],
  ['X-Forwarded-For: 10.0.0.1', 'X-Forwarded-For: 10.0.0.2', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: other'],
  ['Forwarded: for=10.0.0.1;proto=https'],
  ['X-Request-Id: mine'],
  ['X-Request-Id: with space'],
  ['Via: 1.1 proxy', 'Max-Forwards: 3'],
  ['X-HTTP-Method-Override: DELETE'],
  ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: cors'],
  ['X-Json: {"a":"b, c"}', 'X-Colon: a:b:c'],
  ['__proto__: 1', 'constructor: 2', 'hasOwnProperty: 3'],
];

const BODY = 'hello, legacy';
const CHUNKS = '5\r\nhello\r\n8\r\n, legacy\r\n0\r\n\r\n';
const TWO = `GET /second HTTP/1.1\r\n${HOST}\r\n\r\n`;

const post = (headers: readonly string[], body: string, method = 'POST') => head(`${method} /body`, ...headers) + body;

const BODIES: readonly Case[] = [
  one('a body by length', post(['Content-Length: 13'], BODY)),
  one('a body of nothing', post(['Content-Length: 0'], '')),
  one('a POST that says no length', post([], '')),
  one('a body in chunks', post(['Transfer-Encoding: chunked'], CHUNKS)),
  one('Chunked in capitals', post(['transfer-encoding: CHUNKED'], CHUNKS)),
  one('no chunks but the last', post(['Transfer-Encoding: chunked'], '0\r\n\r\n')),
  one('chunk extensions', post(['Transfer-Encoding: chunked'], '5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n'), {
    expected: 'safe',
  }),
  one('chunk sizes with zeros', post(['Transfer-Encoding: chunked'], '0005\r\nhello\r\n000\r\n\r\n')),
  one('chunk sizes in capitals', post(['Transfer-Encoding: chunked'], `A\r\n0123456789\r\n0\r\n\r\n`)),
  one(
    'a length among the trailers',
    post(['Transfer-Encoding: chunked', 'Trailer: X-T'], '5\r\nhello\r\n0\r\nX-T: 1\r\nContent-Length: 3\r\n\r\n'),
    {
      expected: 'cut',
    },
  ),
  one('plain trailers', post(['Transfer-Encoding: chunked', 'Trailer: X-T'], '5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n'), {
    expected: 'read',
  }),
  one(
    'every byte there is',
    post(['Content-Length: 256'], String.fromCharCode(...Array.from({ length: 256 }, (_, n) => n))),
  ),
  one('half a megabyte', post(['Content-Length: 524288'], 'z'.repeat(524_288))),
  one(
    'half a megabyte in chunks',
    post(['Transfer-Encoding: chunked'], `${`4000\r\n${'z'.repeat(0x4000)}\r\n`.repeat(32)}0\r\n\r\n`),
  ),
  one('a compressed body stays compressed', post(['Content-Encoding: gzip', 'Content-Length: 4'], '\x1f\x8b\x08\x00')),
  one('not JSON, said to be', post(['Content-Type: application/json', 'Content-Length: 5'], '{oops')),
  ...['PUT', 'PATCH', 'DELETE'].flatMap((method) => [
    one(`${method} with a body`, post(['Content-Length: 13'], BODY, method)),
    one(`${method} with chunks`, post(['Transfer-Encoding: chunked'], CHUNKS, method)),
  ]),
  one('GET with a body', post(['Content-Length: 13'], BODY, 'GET')),
  one('GET with chunks', post(['Transfer-Encoding: chunked'], CHUNKS, 'GET')),
  one('OPTIONS with a body', post(['Content-Length: 13'], BODY, 'OPTIONS')),
  one('a bound read with a body', head('GET /things/1', 'Content-Length: 13') + BODY),
  one('Expect: 100-continue, sent at once', post(['Expect: 100-continue', 'Content-Length: 13'], BODY)),
  {
    ...one('Expect: 100-continue, sent later', ''),
    pieces: [
      { bytes: bytes(post(['Expect: 100-Continue', 'Content-Length: 13'], '')) },
      { bytes: bytes(BODY), after: 60 },
    ],
    methods: ['POST'],
  },
  {
    ...one('a request in pieces', ''),
    pieces: [...head('GET /slowly')].map((char) => ({ bytes: bytes(char) })),
    methods: ['GET'],
  },
  {
    ...one('a body in pieces', ''),
    pieces: [
      { bytes: bytes(post(['Content-Length: 13'], 'hello')) },
      { bytes: bytes(', leg'), after: 20 },
      { bytes: bytes('acy'), after: 20 },
    ],
    methods: ['POST'],
  },
  one('two requests at once', head('GET /first') + TWO, { methods: ['GET', 'GET'] }),
  one('three at once, one with a body', post(['Content-Length: 13'], BODY) + TWO + TWO, {
    methods: ['POST', 'GET', 'GET'],
  }),
  one('HEAD and GET at once', head('HEAD /first') + TWO, { methods: ['HEAD', 'GET'] }),
  one('empty lines before a request', `\r\n\r\n${head('GET /after')}`, { methods: ['GET'] }),
  one('HTTP/1.0', `GET /old HTTP/1.0\r\n${HOST}\r\n\r\n`),
  one('HTTP/1.0 without Host', 'GET /old HTTP/1.0\r\n\r\n'),
  one('HTTP/1.0 that stays', `GET /old HTTP/1.0\r\n${HOST}\r\nConnection: keep-alive\r\n\r\n`),
  one('HTTP/1.0 with a body', `POST /old HTTP/1.0\r\n${HOST}\r\nContent-Length: 5\r\n\r\nhello`),
  one('HTTP/1.0 and a reply without a length', `GET /old HTTP/1.0\r\n${HOST}\r\nX-Do: chunked 5000\r\n\r\n`),
  one('OPTIONS *', head('OPTIONS *')),
  one('a preflight', head('OPTIONS /things/1', 'Origin: https://a', 'Access-Control-Request-Method: PUT')),
  ...[
    200, 201, 202, 204, 206, 301, 302, 304, 307, 400, 401, 403, 404, 409, 410, 412, 416, 418, 422, 429, 451, 500, 502,
    503, 504, 599,
  ].map((status) => one(`status ${status}`, head('GET /things/1', `X-Do: status ${status}`))),
  ...[0, 1, 1_000, 16_384, 16_385, 65_536, 300_000].flatMap((size) => [
    one(`${size} bytes by length`, head('GET /any', `X-Do: length ${size}`)),
    one(`${size} bytes in chunks`, head('GET /things/1', `X-Do: chunked ${size || 1}`)),
  ]),
  one('HEAD of something long', head('HEAD /things/1', 'X-Do: length 300000')),
];

const REPLIES: readonly Case[] = [
  ...[
    'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 299 Odd But True\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSET-cookie: b=2\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nX-Latin: caf\xe9\r\nX-Empty:\r\nX-Odd!#$: 1\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: gone\r\nX-Stays: 1\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nup to the end',
    'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold, up to the end',
    'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n0\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 204 No Content\r\nETag: "x"\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 100\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00',
    'HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: old/1.0 (\xa9)\r\nAge: 1\r\nVia: 1.0 x\r\nContent-Length: 0\r\n\r\n',
    `HTTP/1.1 200 OK\r\nX-Long: ${'v'.repeat(12_000)}\r\nContent-Length: 0\r\n\r\n`,
    `HTTP/1.1 200 OK\r\n${Array.from({ length: 80 }, (_, n) => `X-N${n}: ${n}\r\n`).join('')}Content-Length: 0\r\n\r\n`,
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 302 Found\r\nLocation: http://legacy.internal/x?y\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\n__proto__: 1\r\nconstructor: 2\r\nContent-Length: 0\r\n\r\n',
  ].map((raw, n) =>
    one(`odd reply ${n}`, head('GET /things/1', `X-Raw: ${Buffer.from(raw, 'latin1').toString('base64url')}`), {
      only: 'Node http',
    }),
  ),
  one('events', head('GET /events', 'X-Do: events 5 10'), { only: 'Node http' }),
  one('early hints', head('GET /things/1', 'X-Do: hints'), { only: 'Node http' }),
  one('legacy goes without a reply', head('GET /things/1', 'X-Do: drop'), { only: 'Node http', expected: 'aborted' }),
  one('legacy goes in mid-body', head('GET /things/1', 'X-Do: cut'), { only: 'Node http', expected: 'aborted' }),
  one('the client goes before the reply', head('GET /things/1', 'X-Do: silent'), {
    only: 'Node http',
    expected: 'aborted',
    leaveAfter: 80,
  }),
  one('the client goes in mid-reply', head('GET /things/1', 'X-Do: events 50 20'), {
    only: 'Node http',
    expected: 'aborted',
    leaveAfter: 80,
  }),
  one('the client goes in mid-request', post(['Content-Length: 1000'], 'begun'), {
    only: 'Node http',
    expected: 'aborted',
    leaveAfter: 80,
  }),
  one('the client goes in mid-chunk', post(['Transfer-Encoding: chunked'], '5\r\nhel'), {
    only: 'Node http',
    expected: 'aborted',
    leaveAfter: 80,
  }),
  one('the client goes in mid-head', 'GET /gone HTTP/1.1\r\nHost: x', {
    only: 'Node http',
    expected: 'aborted',
    leaveAfter: 80,
  }),
  ...['/files/a.txt', '/files/none', '/files', '/files/../files/a.txt', '/files/%61.txt'].map((path) =>
    one(`file ${path}`, head(`GET ${path}`), { only: 'nginx' }),
  ),
  one('a file compressed', head('GET /files/a.txt', 'Accept-Encoding: gzip'), { only: 'nginx' }),
  one('part of a file', head('GET /files/a.txt', 'Range: bytes=5-20'), { only: 'nginx' }),
  one('parts of a file', head('GET /files/a.txt', 'Range: bytes=99999-'), { only: 'nginx' }),
  one('HEAD of a file', head('HEAD /files/a.txt'), { only: 'nginx' }),
  one('a file that may not be posted to', `${head('POST /files/a.txt', 'Content-Length: 3')}abc`, { only: 'nginx' }),
];

const framed = (headers: readonly string[], body = '0\r\n\r\n') => post(headers, body) + TWO;
const TE = 'Transfer-Encoding: chunked';

/** What two servers in a row have been known to read differently. */
const SMUGGLING: readonly Case[] = [
  ...(
    [
      ['length and chunks', framed(['Content-Length: 6', TE], '0\r\n\r\nG')],
      ['chunks and length', framed([TE, 'Content-Length: 4'], '5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n')],
      ['two lengths', framed(['Content-Length: 5', 'Content-Length: 6'], 'hello!')],
      ['the same length twice', framed(['Content-Length: 5', 'Content-Length: 5'], 'hello')],
      ['lengths in a list', framed(['Content-Length: 5, 5'], 'hello')],
      ['a length with a sign', framed(['Content-Length: +5'], 'hello')],
      ['a negative length', framed(['Content-Length: -1'], '')],
      ['a length in hex', framed(['Content-Length: 0x5'], 'hello')],
      ['a length with letters', framed(['Content-Length: 5a'], 'hello')],
      ['a length in two', framed(['Content-Length: 1 3'], 'hello')],
      ['no length in it', framed(['Content-Length:'], '')],
      ['a length beyond numbers', framed(['Content-Length: 99999999999999999999999'], '')],
      ['a space before the colon', framed(['Content-Length : 5'], 'hello')],
      ['xchunked', framed(['Transfer-Encoding: xchunked'])],
      ['chunkedx', framed(['Transfer-Encoding: chunkedx'])],
      ['identity', framed(['Transfer-Encoding: identity'], '')],
      ['chunked, identity', framed(['Transfer-Encoding: chunked, identity'])],
      ['identity, chunked', framed(['Transfer-Encoding: identity, chunked'])],
      ['gzip, chunked', framed(['Transfer-Encoding: gzip, chunked'])],
      ['chunked, chunked', framed(['Transfer-Encoding: chunked, chunked'])],
      ['chunked twice', framed([TE, TE])],
      ['chunked and something else', framed([TE, 'Transfer-Encoding: x'])],
      ['something else and chunked', framed(['Transfer-Encoding: x', TE])],
      ['chunked in quotes', framed(['Transfer-Encoding: "chunked"'])],
      ['chunked with a parameter', framed(['Transfer-Encoding: chunked;q=1'])],
      ['a space before the colon of chunked', framed(['Transfer-Encoding : chunked'])],
      ['a vertical tab before chunked', framed(['Transfer-Encoding: \x0bchunked'])],
      ['a NUL after chunked', framed(['Transfer-Encoding: chunked\x00'])],
      ['chunked on the next line', framed(['Transfer-Encoding:\r\n chunked'])],
      ['chunked behind a bare LF', framed(['X: y\nTransfer-Encoding: chunked'])],
      ['chunked behind a bare CR', framed(['X: y\rTransfer-Encoding: chunked'])],
      ['no coding in it', framed(['Transfer-Encoding:'], '')],
      ['HTTP/1.0 in chunks', `POST /body HTTP/1.0\r\n${HOST}\r\n${TE}\r\n\r\n0\r\n\r\n${TWO}`],
      ['a line folded', head('GET /folded', 'X-Fold: a\r\n b')],
      ['a name with a space', head('GET /x', 'X Name: 1')],
      ['no name', head('GET /x', ': 1')],
      ['no colon', head('GET /x', 'nonsense')],
      ['a NUL in a value', head('GET /x', 'X-Nul: a\x00b')],
      ['a CR in a value', head('GET /x', 'X-Cr: a\rb')],
      ['only LF', `GET /x HTTP/1.1\n${HOST}\n\n`],
      ['two Hosts', head('GET /x', 'Host: other')],
      ['no Host', 'GET /x HTTP/1.1\r\n\r\n'],
      ['an absolute target', head('GET http://api.example.com/x')],
      ['an absolute target elsewhere', head('GET https://other.example/x')],
      ['an absolute target of another scheme', head('GET ftp://other.example/x')],
      ['a target without a slash', head('GET x')],
      ['a question mark alone', head('GET ?x')],
      ['a star that is no OPTIONS', head('GET *')],
      ['CONNECT', 'CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n'],
      ['a method nobody knows', head('FROBNICATE /x')],
      ['a method in small letters', head('get /x')],
      ['a later HTTP', `GET /x HTTP/2.0\r\n${HOST}\r\n\r\n`],
      ['HTTP/1.2', `GET /x HTTP/1.2\r\n${HOST}\r\n\r\n`],
      ['no version', 'GET /x\r\n\r\n'],
      ['a space in the target', `GET /x y HTTP/1.1\r\n${HOST}\r\n\r\n`],
      ['a byte above ASCII in the target', head('GET /caf\xe9')],
      ['UTF-8 in the target', head('GET /things/caf\xc3\xa9?q=\xe9')],
      ['a tab for a space', `GET\t/x HTTP/1.1\r\n${HOST}\r\n\r\n`],
      ['a space before a header', head('GET /x', ' X: 1')],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['headers without end', head('GET /x', `X-Big: ${'v'.repeat(200_000)}`)],
    ] as const
  ).map(([name, text]) => one(name, text, { methods: ['GET'], expected: 'refused' })),
  ...(
    [
      ['a chunk size in hex with 0x', framed([TE], '0x5\r\nhello\r\n0\r\n\r\n')],
      ['a chunk size with a sign', framed([TE], '+5\r\nhello\r\n0\r\n\r\n')],
      ['a negative chunk size', framed([TE], '-5\r\nhello\r\n0\r\n\r\n')],
      ['no chunk size', framed([TE], '\r\nhello\r\n0\r\n\r\n')],
      ['a chunk size beyond numbers', framed([TE], 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n')],
      ['a chunk longer than it says', framed([TE], '3\r\nhello\r\n0\r\n\r\n')],
      ['chunks ended by LF', framed([TE], '5\nhello\n0\n\n')],
    ] as const
  ).map(([name, text]) => one(name, text, { methods: ['POST'], expected: 'cut' })),
  one('a space too many', `GET  /x HTTP/1.1\r\n${HOST}\r\n\r\n`, { expected: 'read' }),
  one('a tab before chunked', framed(['Transfer-Encoding:\tchunked']), { methods: ['POST', 'GET'], expected: 'read' }),
  one('a space after chunked', framed(['Transfer-Encoding: chunked ']), { methods: ['POST', 'GET'], expected: 'read' }),
  one('an underscore for a hyphen', framed(['Content-Length: 0', 'Transfer_Encoding: chunked'], ''), {
    methods: ['POST', 'GET'],
  }),
  one('a body that holds a request', framed([`Content-Length: ${TWO.length}`], TWO), { methods: ['POST', 'GET'] }),
  one('chunks that hold a request', framed([TE], `${TWO.length.toString(16)}\r\n${TWO}\r\n0\r\n\r\n`), {
    methods: ['POST', 'GET'],
  }),
];

const KNOWN = METHODS.filter((method) => !['CONNECT', 'QUERY'].includes(method));

/** All that is sent to legacy directly and through the façade. */
export const CASES: readonly Case[] = [
  ...PATHS.map((path) => one(`path ${path.slice(0, 40)}`, head(`GET ${path}`))),
  ...HEADERS.map((headers) => one(`header ${headers.join(' | ').slice(0, 60)}`, head('GET /things/1', ...headers))),
  ...KNOWN.map((method) => one(`method ${method}`, head(`${method} /things/1`))),
  ...BODIES,
  ...REPLIES,
  ...SMUGGLING,
];
