import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http';
import { connect, createServer as createTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { createLegacyOrigin, type Forwarded } from '../../src/origins/legacy.ts';
import { facadeOf, inFront, listen, raw, until } from '../support/legacy.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const get = (port: number, path = '/') => raw(port, [`GET ${path} HTTP/1.1`, 'Host: x']);

t.test('what is asked for is kept, up to its bound, and costs the client nothing', async (t) => {
  const handler: RequestListener = (incoming, reply) => {
    if (incoming.url === '/cut') return void reply.write('x'.repeat(50), () => setTimeout(() => reply.destroy(), 20));
    reply.setHeader('Connection', 'close, X-Hop').setHeader('X-Hop', 'gone').setHeader('Set-Cookie', ['a=1', 'b=2']);
    reply.setHeader('X-Latin', 'caf\xe9');
    for (let n = 0; n < 10; n += 1) reply.write(Buffer.alloc(10, n));
    reply.end();
  };
  const { port, outcomes } = await inFront(t, handler, {}, { capture: { maxBytes: 100 }, headers: { 'x-ours': '1' } });
  t.match(await get(port), /x-ours: 1/);
  const [kept] = outcomes as unknown as [
    { answer: { status: number; headers: Record<string, unknown>; body: Buffer } },
  ];
  t.equal(kept.answer.status, 200);
  t.match(kept.answer.headers, { 'set-cookie': ['a=1', 'b=2'], 'x-latin': 'caf\xe9' });
  t.notOk(['connection', 'x-hop', 'transfer-encoding', 'x-ours'].some((name) => name in kept.answer.headers));
  t.strictSame(kept.answer.body, Buffer.concat(Array.from({ length: 10 }, (_, n) => Buffer.alloc(10, n))));
  await raw(port, ['HEAD / HTTP/1.1', 'Host: x']);
  t.match(outcomes[1], { complete: true, answer: { status: 200 }, duration: Number });
  await get(port, '/cut').catch(() => '');
  await until(() => outcomes.length > 2);
  t.match(outcomes[2], { complete: false, answer: 'incomplete' });

  const small = await inFront(t, handler, {}, { capture: { maxBytes: 99 } });
  t.match(await get(small.port), /200 OK/);
  t.match(small.outcomes, [{ complete: true, answer: 'too_large' }]);
});

t.test('a question is asked once more, with no client behind it', async (t) => {
  const seen: IncomingMessage[] = [];
  const server = createServer((incoming, reply) => {
    seen.push(incoming);
    if (incoming.url !== '/base/silent') reply.writeHead(203, { 'X-Latin': 'caf\xe9' }).end('x'.repeat(100));
  });
  const port = await listen(t, server);
  const legacy = createLegacyOrigin({ url: `http://127.0.0.1:${port}/base` });
  t.teardown(() => legacy.close());
  const headers = {
    host: 'api',
    'x-many': ['1', '2'],
    connection: 'close, x-hop',
    'x-hop': 'gone',
    'content-length': '9',
  };
  const message = { method: 'GET', url: '/a%2Fb?c', headers };
  const answer = await legacy.ask(message, { signal: AbortSignal.timeout(2_000), maxBytes: 100 });
  t.match(answer, { status: 203, headers: { 'x-latin': 'caf\xe9' } });
  t.equal(answer.body.toString(), 'x'.repeat(100));
  t.match(seen[0], { url: '/base/a%2Fb?c', headers: { 'x-many': '1, 2', 'x-forwarded-host': 'api' } });
  t.notOk(seen[0]?.headers['x-hop'] ?? seen[0]?.headers['content-length']);
  await t.rejects(legacy.ask(message, { signal: AbortSignal.timeout(2_000), maxBytes: 99 }), {
    name: 'StoreError',
    failure: 'undecodable',
  });
  const silent = legacy.ask({ ...message, url: '/silent' }, { signal: AbortSignal.timeout(100), maxBytes: 99 });
  await t.rejects(silent, { name: 'StoreError', failure: 'timeout' });
});

t.test('OPTIONS * asks the server itself', async (t) => {
  const { port } = await inFront(t, async (incoming, reply) => {
    reply
      .writeHead(200, { Allow: 'GET' })
      .end(`${incoming.url} ${incoming.headers.host !== undefined} ${await text(incoming)}`);
  });
  t.match(await raw(port, ['OPTIONS * HTTP/1.1', 'Host: x']), /Allow: GET\r\n[\s\S]*\* true /);
  const body = await raw(port, ['OPTIONS * HTTP/1.1', 'Host: x', 'Content-Length: 2'], 'hi');
  t.match(body, '* true hi');
});

t.test('a short reply of a known length goes out whole, but what comes late is not waited for', async (t) => {
  let finish = () => {};
  const handler: RequestListener = (_, reply) => {
    reply.setHeader('Content-Length', 8);
    reply.write('half');
    finish = () => void reply.end('late');
  };
  const { port } = await inFront(t, handler);
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  let arrived = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    arrived += text;
  });
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => arrived.endsWith('half'));
  t.match(arrived, /^HTTP\/1\.1 200[\s\S]*\r\n\r\nhalf$/, 'legacy has not ended its reply');
  finish();
  await until(() => arrived.endsWith('halflate'));
  t.match(arrived, /halflate$/);
});

t.test('events flow as they are sent: each one only once the one before has come', async (t) => {
  const came = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const { port } = await inFront(t, async (_incoming, reply) => {
    reply.writeHead(200, { 'Content-Type': 'text/event-stream' });
    reply.flushHeaders();
    for (let n = 0; n < 3; n += 1) {
      await came[n]?.promise;
      reply.write(`data: ${n}\n\n`);
    }
    await came[3]?.promise;
    reply.end();
  });
  const client = request({ port, host: '127.0.0.1' }).end();
  const [answer] = (await once(client, 'response')) as [IncomingMessage];
  came[0]?.resolve();
  const events: string[] = [];
  for await (const event of answer) {
    events.push(String(event));
    came[events.length]?.resolve();
  }
  t.same(events, ['data: 0\n\n', 'data: 1\n\n', 'data: 2\n\n']);
});

t.test('a silence is as long as legacy likes, unless a deadline is set', async (t) => {
  const slow: RequestListener = (_incoming, reply) => void setTimeout(() => reply.end('late'), 1_500);
  const patient = await inFront(t, slow, { timeout: 0 });
  t.match(await get(patient.port), /late$/);
});

t.test('who waits for a connection waits as long as for an answer', async (t) => {
  let asked = 0;
  const { port, outcomes } = await inFront(
    t,
    () => {
      asked += 1;
    },
    { timeout: 1_000, connections: 1 },
  );
  const first = get(port);
  await until(() => asked === 1);
  const began = performance.now();
  await get(port);
  t.ok(performance.now() - began < 2_500);
  t.match(outcomes[0], { name: 'StoreError', failure: 'timeout' });
  await first;
  t.ok(outcomes.some((one) => /busy/.test((one as Error).message)));
  t.equal(asked, 1, 'legacy never saw who gave up');
});

t.test('a client that leaves while it waits for a connection harms nobody', async (t) => {
  const seen: (string | undefined)[] = [];
  const held: ServerResponse[] = [];
  const { port, outcomes } = await inFront(
    t,
    ({ url }, reply) => {
      seen.push(url);
      if (url === '/held') held.push(reply);
      else reply.end('fine');
    },
    { connections: 1, timeout: 0 },
  );
  const first = get(port, '/held');
  await until(() => held.length === 1);
  const leave = async (head: string) => {
    const before = outcomes.length;
    const socket = connect(port, '127.0.0.1');
    socket.write(`${head}\r\nHost: x\r\n\r\nabc`);
    await sleep(20);
    socket.destroy();
    await until(() => outcomes.length > before);
  };
  await leave('POST /length HTTP/1.1\r\nContent-Length: 9');
  await leave('POST /chunks HTTP/1.1\r\nTransfer-Encoding: chunked');
  t.match(outcomes, [{ status: 499 }, { status: 499 }], 'half a body: the process lives');

  const heap = () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  const large = `GET /large HTTP/1.1\r\nX-Large: ${'x'.repeat(12_000)}`;
  for (let n = 0; n < 20; n += 1) await Promise.all(Array.from({ length: 50 }, () => leave(large)));
  t.ok(heap() - before < 6_000_000, 'a thousand who left with 12 kB each are forgotten while the connection is held');

  await until(() => outcomes.length === 1_002);
  held[0]?.end('held');
  t.match(await first, /held$/);
  t.match(await get(port, '/next'), /fine$/);
  t.same(seen, ['/held', '/next'], 'legacy never saw who left');
});

t.test('an answer before the end of an upload reaches the client, and the connection goes on', async (t) => {
  const { port } = await inFront(t, (incoming, reply) => {
    if (incoming.method === 'GET') return void reply.end('next');
    reply.writeHead(413, { Connection: 'close' }).end('too much');
  });
  const socket = connect(port, '127.0.0.1');
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1');
  });
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\nx');
  await until(() => got.includes('too much'));
  socket.write('x'.repeat(299_999));
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => got.includes('next'));
  t.match(got, /^HTTP\/1\.1 413 [\s\S]*too much[\s\S]*HTTP\/1\.1 200 OK[\s\S]*next/);
  socket.destroy();
});

t.test('a reply that only the end of the connection delimits does not look whole when legacy breaks off', async (t) => {
  const server = createTcp((socket: Socket) => {
    socket
      .on('error', () => {})
      .once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n');
        setTimeout(() => socket.resetAndDestroy(), 100);
      });
  });
  const { port } = await facadeOf(t, `http://127.0.0.1:${await listen(t, server)}`);
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.0\r\n\r\n');
  socket.resume();
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ECONNRESET');
});

t.test('a reply without a length that ends in a reset does not look whole', async (t) => {
  const server = createTcp((socket: Socket) => {
    socket
      .on('error', () => {})
      .once('data', (head) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nbegun');
        setTimeout(() => (head.includes('/whole') ? socket.end() : socket.resetAndDestroy()), 50);
      });
  });
  const { port, outcomes } = await facadeOf(t, `http://127.0.0.1:${await listen(t, server)}`);
  t.match(await get(port, '/whole'), /5\r\nbegun\r\n0\r\n\r\n$/);
  t.match(await get(port, '/reset'), /5\r\nbegun\r\n$/);
  await until(() => outcomes.length > 1);
  t.same(
    outcomes.map((one) => (one as Forwarded).complete),
    [true, false],
  );
});

t.test('a connection that legacy is about to close is not used again', async (t) => {
  // Closes after 300 ms without a word; ours are given up after 200.
  const server = createServer((_incoming, reply) => void reply.end('ok'));
  server.keepAliveTimeout = 0;
  server.on('connection', (socket: Socket) => {
    let idle: NodeJS.Timeout | undefined;
    socket.on('data', () => {
      clearTimeout(idle);
      idle = setTimeout(() => socket.destroy(), 300);
    });
  });
  const { port, outcomes } = await facadeOf(t, `http://127.0.0.1:${await listen(t, server)}`, { keepAlive: 200 });
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const ask = () =>
    new Promise<number>((done) => {
      request({ port, host: '127.0.0.1', agent }, (reply) => {
        reply.resume().on('end', () => done(reply.statusCode ?? 0));
      })
        .on('error', () => done(0))
        .end();
    });
  const statuses: number[] = [];
  const client = async (seed: number) => {
    for (let n = 0; n < 60; n += 1) {
      // Mostly about when either side gives up.
      await sleep((seed * 37 + n * 61) % 130 < 20 ? 5 : 150 + ((seed * 37 + n * 61) % 170));
      statuses.push(await ask());
    }
  };
  await Promise.all(Array.from({ length: 40 }, (_, n) => client(n)));
  agent.destroy();
  t.equal(statuses.length, 2_400);
  t.strictSame(
    statuses.filter((status) => status !== 200),
    [],
  );
  t.equal(outcomes.filter((one) => one instanceof Error).length, 0);
});

t.test('a server that says how long it keeps a connection is believed', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((_incoming, reply) => void reply.end('ok'));
  server.keepAliveTimeout = 3_000;
  server.on('connection', (socket: Socket) => sockets.add(socket));
  const { port } = await facadeOf(t, `http://127.0.0.1:${await listen(t, server)}`, { keepAlive: 50 });
  await get(port);
  await sleep(600);
  await get(port);
  t.equal(sockets.size, 1, 'it says 3 seconds, so 2 are used');
  server.keepAliveTimeout = 1_000;
  await get(port);
  await sleep(50);
  await get(port);
  t.equal(sockets.size, 2, 'one second is too near');
});

t.test('bodies of 100 MB and of 300 MB, each way, take the same memory', async (t) => {
  const megabyte = Buffer.alloc(2 ** 20, 'x');
  const { port } = await inFront(t, async (incoming, reply) => {
    let size = 0;
    for await (const chunk of incoming) size += (chunk as Buffer).length;
    if (incoming.method === 'POST') return void reply.end(String(size));
    for (let n = 0; n < Number(incoming.url?.slice(1)); n += 1) if (!reply.write(megabyte)) await once(reply, 'drain');
    reply.end();
  });
  const carry = async (count: number) => {
    const path = `/${count}`;
    const [answer] = (await once(request({ port, host: '127.0.0.1', path }).end(), 'response')) as [IncomingMessage];
    let received = 0;
    for await (const chunk of answer) received += (chunk as Buffer).length;
    t.equal(received, count * 2 ** 20);
    const upload = request({ port, host: '127.0.0.1', method: 'POST' });
    const stored = once(upload, 'response') as Promise<[IncomingMessage]>;
    for (let n = 0; n < count; n += 1) if (!upload.write(megabyte)) await once(upload, 'drain');
    upload.end();
    t.equal(await text((await stored)[0]), String(count * 2 ** 20));
  };
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 10);
  await carry(100);
  const before = most;
  await carry(300);
  clearInterval(watch);
  const grown = (most - before) / 2 ** 20;
  t.ok(grown < 150, `legacy, façade and client together grew by ${grown.toFixed(0)} MB in 600 MB more`);
});
