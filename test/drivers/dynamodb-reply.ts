import { once } from 'node:events';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test } from 'tap';
import { headersOf } from '../../src/drivers/dynamodb/head.ts';
import { Incoming, type Reply } from '../../src/drivers/dynamodb/incoming.ts';

/** A number below `most`, the same in each run. */
function chances(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * most);
  };
}

/** By our own reading, in pieces that are written over as soon as they were taken. */
function taken(bytes: Buffer, next: (most: number) => number): Reply | undefined {
  const incoming = new Incoming();
  const place = Buffer.alloc(65_536, '\r\n');
  for (let at = 0; at < bytes.length; ) {
    const size = Math.min(bytes.length - at, next(3) === 0 ? place.length : 1 + next(40));
    bytes.copy(place, 0, at, at + size);
    const reply = incoming.take(place, size);
    place.fill('x', 0, size);
    if (reply !== undefined) return reply;
    at += size;
  }
  return incoming.end();
}

const CASES: readonly (readonly [string, string])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: Sat, 21 Nov 2026 21:00:00 GMT\r\n\r\nhello'],
  ['no reason', 'HTTP/1.1 200 \r\ncontent-length:5\r\n\r\nhello'],
  ['no body', 'HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n'],
  ['none by its status', 'HTTP/1.1 204 No Content\r\nX-A: 1\r\nX-A: 2\r\n\r\n'],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n'],
  ['chunks and trailers', 'HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nX-B: 1\r\n\r\n'],
  ['until the end', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello'],
  [
    'its own keeping',
    'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi',
  ],
];

for (const [name, text] of CASES)
  test(`a reply with ${name} is the same in whatever pieces it comes`, async (t) => {
    const next = chances(7);
    const bytes = Buffer.from(text);
    const whole = taken(bytes, () => 0);
    t.ok(whole, 'it is whole');
    for (let round = 0; round < 200; round += 1) t.strictSame(taken(bytes, next), whole);
  });

test('what would leave the end of a reply open to guesses is refused', async (t) => {
  const body = '\r\n\r\nhello';
  for (const head of [
    'HTTP/1.0 200 OK\r\ncontent-length: 5',
    'HTTP/1.1 100 Continue',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5',
    'HTTP/1.1 200 OK\r\ncontent-length: 5, 5',
    'HTTP/1.1 200 OK\r\ncontent-length: +5',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked',
    'HTTP/1.1 200 OK\r\ncontent-length : 5',
    'HTTP/1.1 200 OK\r\nx-a: 1\r\n content-length: 5',
    'HTTP/1.1 200 OK\r\nx-a: 1\ncontent-length: 5',
    'HTTP/1.1 200 OK\r\nx-a: \u0001\r\ncontent-length: 5',
    'HTTP/1.1 200 OK\r\ncontent-length: 99999999999',
    'HTTP/1.1 204 OK\r\ncontent-length: 5',
    'HTTP/1.1 304 OK\r\ncontent-length: 5',
    'HTTP/1.1 200 OK\r\ncontent-length: \u00a05',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\u00a0',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: \u00a0chunked',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked',
  ])
    t.throws(() => taken(Buffer.from(head + body, 'latin1'), () => 0), { code: 'HPE_INVALID' }, head);
  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  for (const chunks of [
    '-1\r\n',
    '5\r\nhelloo\r\n',
    'g\r\n',
    '0\r\nHTTP/1.1 200 OK\r\n\r\n',
    '0\r\n x: 1\r\n\r\n',
    `${'0'.repeat(70_000)}`,
  ])
    t.throws(() => taken(Buffer.from(chunked + chunks), () => 0), { code: 'HPE_INVALID' }, chunks.slice(0, 20));
});

test('each reply is the same wherever it is cut in two, and so are those that a stretch of memory just holds', async (t) => {
  for (const [name, text] of CASES) {
    const bytes = Buffer.from(text);
    const whole = taken(bytes, () => 0);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const incoming = new Incoming();
      const place = Buffer.alloc(65_536, '\r\n');
      bytes.copy(place, 0, 0, cut);
      const early = incoming.take(place, cut);
      if (early !== undefined) t.fail(`${name}, cut at ${cut}`);
      place.fill('\n');
      bytes.copy(place, 0, cut);
      t.strictSame(incoming.take(place, bytes.length - cut) ?? incoming.end(), whole, `${name}, cut at ${cut}`);
    }
  }
  const next = chances(3);
  for (const size of [4_095, 4_096, 4_097, 32_768, 65_535, 65_536, 65_537, 524_288, 524_289, 3_000_000]) {
    const body = Buffer.alloc(size, `${size} `);
    const head = `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`;
    const reply = taken(Buffer.concat([Buffer.from(head), body]), (most) => (most === 3 ? 0 : next(most)));
    t.ok(reply?.body.equals(body), `${size}`);
  }
});

test('bytes behind a reply are noticed, and its headers are all there', async (t) => {
  const incoming = new Incoming();
  const bytes = Buffer.from('HTTP/1.1 429 Slow\r\nX-A: 1\r\ncontent-length: 2\r\nx-a: 2\r\n\r\nhiHTTP');
  const reply = incoming.take(bytes, bytes.length);
  t.equal(incoming.over, true);
  t.strictSame(reply && headersOf(reply.head), { 'x-a': '1, 2', 'content-length': '2' });
});

test('where ours takes a reply that was damaged, so does Node, and alike', async (t) => {
  let bytes = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const byNode = (): Promise<{ status: number | undefined; body: Buffer } | undefined> =>
    new Promise((resolve) => {
      get({ port, host: '127.0.0.1', agent: false }, (response) => {
        buffer(response).then(
          (body) => resolve({ status: response.statusCode, body }),
          () => resolve(undefined),
        );
      }).on('error', () => resolve(undefined));
    });
  const next = chances(11);
  let both = 0;
  for (let round = 0; round < 400; round += 1) {
    const [, text] = CASES[next(CASES.length)] as readonly [string, string];
    bytes = Buffer.from(text);
    for (let n = next(3); n > 0; n -= 1)
      bytes[next(bytes.length)] = '\r\n:; 05aA-\u007f\u0000\u00a0'.charCodeAt(next(13));
    const ours = attempt(() => taken(bytes, next));
    if (ours === undefined) continue;
    both += 1;
    const theirs = await byNode();
    t.strictSame({ status: ours.head.status, body: ours.body }, theirs, JSON.stringify(bytes.toString()));
  }
  t.ok(both > 100, `${both} were taken`);
});

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
