import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createLegacyOrigin } from '../../src/origins/legacy.ts';
import { facadeOf, inFront, listen, raw, until } from '../support/legacy.ts';

t.test('a request reaches legacy as it was sent', async (t) => {
  const seen: IncomingMessage[] = [];
  const { port, legacyPort } = await inFront(t, async (incoming, reply) => {
    seen.push(incoming);
    reply.end(await text(incoming));
  });
  const path = '/a%2Fb//../c%20d/%zz;p=1?q=%41&q=+&x[]=\'"<>';
  await raw(port, [
    `GET ${path} HTTP/1.1`,
    'Host: api.example.com',
    'X-Many: one',
    'x-many: two',
    'X-Latin: caf\xe9',
    'Connection: keep-alive, X-Hop',
    'X-Hop: gone',
    'Keep-Alive: timeout=5',
    'TE: trailers',
    'Proxy-Authorization: Basic x',
    'X-Forwarded-For: 10.0.0.1',
    'Accept-Encoding: gzip',
  ]);
  t.equal(seen[0]?.url, path);
  t.strictSame(seen[0]?.rawHeaders, [
    ...['host', `127.0.0.1:${legacyPort}`, 'connection', 'keep-alive'],
    ...['X-Many', 'one', 'x-many', 'two', 'X-Latin', 'caf\xe9', 'Accept-Encoding', 'gzip'],
    ...['X-Forwarded-For', '10.0.0.1, 127.0.0.1', 'X-Forwarded-Host', 'api.example.com', 'X-Forwarded-Proto', 'http'],
  ]);
});

t.test('the path of the URL goes before, the request id is ours', async (t) => {
  const seen: IncomingMessage[] = [];
  const legacyPort = await listen(
    t,
    createServer((incoming, reply) => reply.end(String(seen.push(incoming)))),
  );
  const extra = { requestId: 'id-1', headers: { 'server-timing': 'legacy' } };
  const { port } = await facadeOf(t, `http://127.0.0.1:${legacyPort}/base/`, {}, extra);
  const reply = await fetch(`http://127.0.0.1:${port}/x?y`, { headers: { 'X-Request-Id': 'theirs' } });
  t.equal(seen[0]?.url, '/base/x?y');
  t.equal(seen[0]?.headers['x-request-id'], 'id-1');
  t.equal(reply.headers.get('x-request-id'), 'id-1');
  t.equal(reply.headers.get('server-timing'), 'legacy');
});

t.test('a reply reaches the client as it was sent', async (t) => {
  const { port, outcomes } = await inFront(t, (_incoming, reply) => {
    reply.sendDate = false;
    const headers = [
      'Set-Cookie',
      'a=1',
      'SET-cookie',
      'b=2',
      'X-Hop',
      'gone',
      'Connection',
      'X-Hop',
      'X-Latin',
      'caf\xe9',
    ];
    reply
      .writeHead(299, 'Odd But True', [...headers, 'Content-Length', '3', 'Content-Encoding', 'gzip'])
      .end(Buffer.from('abc'));
  });
  const answer = await raw(port, ['GET / HTTP/1.1', 'Host: x']);
  const expected = [
    ...['HTTP/1.1 299 Odd But True', 'Set-Cookie: a=1', 'SET-cookie: b=2', 'X-Latin: caf\xe9'],
    ...['Content-Length: 3', 'Content-Encoding: gzip', 'Connection: close', '', 'abc'],
  ];
  t.equal(answer, expected.join('\r\n'));
  t.match(outcomes, [{ status: 299, complete: true, answer: undefined, duration: Number }]);
});

t.test('HEAD, 204 and 304 have no body', async (t) => {
  const { port } = await inFront(t, (incoming, reply) => {
    const status = Number(incoming.url?.slice(1));
    reply.writeHead(status, status === 200 ? { 'Content-Length': '12345' } : { ETag: '"x"' }).end();
  });
  const head = await raw(port, ['HEAD /200 HTTP/1.1', 'Host: x']);
  t.match(head, /Content-Length: 12345\r\n/);
  t.ok(head.endsWith('\r\n\r\n'));
  for (const status of [204, 304]) {
    const answer = await raw(port, [`GET /${status} HTTP/1.1`, 'Host: x']);
    t.match(answer, new RegExp(`^HTTP/1.1 ${status} [^]*ETag: "x"[^]*\r\n\r\n$`));
  }
});

t.test('bodies go both ways, by length, in chunks, empty and after 100 Continue', async (t) => {
  const { port } = await inFront(t, async (incoming, reply) => {
    const {
      'content-length': length = 'none',
      'transfer-encoding': coding = 'none',
      expect = 'none',
    } = incoming.headers;
    reply.end(`${incoming.method} ${length} ${coding} ${expect} ${await text(incoming)}`);
  });
  const post = (lines: string[], body: string) => raw(port, ['POST / HTTP/1.1', 'Host: x', ...lines], body);
  t.match(await post(['Content-Length: 5'], 'hello'), 'POST 5 none none hello');
  t.match(await post(['Content-Length: 0'], ''), 'POST 0 none none ');
  t.match(
    await post(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\nX-Trailer: x\r\n\r\n'),
    /POST (none chunked|5 none) none hello/,
  );
  const expecting = await post(['Content-Length: 5', 'Expect: 100-continue'], 'hello');
  t.match(expecting, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  t.match(expecting, 'POST 5 none none hello');
  const get = await raw(port, ['GET / HTTP/1.1', 'Host: x', 'Content-Length: 5'], 'hello');
  t.match(get, 'GET 5 none none hello');
});

t.test('nothing is buffered: a client that does not read holds legacy back, and so the other way', async (t) => {
  const megabyte = Buffer.alloc(2 ** 20, 'x');
  let sent = 0;
  const { port } = await inFront(t, async (incoming, reply) => {
    if (incoming.method === 'POST') return void incoming.pause();
    for (; sent < 64; sent += 1) if (!reply.write(megabyte)) await once(reply, 'drain');
    reply.end();
  });

  const reader = request({ port, host: '127.0.0.1' }).end();
  const [answer] = (await once(reader, 'response')) as [IncomingMessage];
  answer.pause();
  await sleep(500);
  t.ok(sent < 40, `${sent} MB were sent to a client that reads nothing`);
  let received = 0;
  for await (const chunk of answer) received += chunk.length;
  t.equal(received, 64 * 2 ** 20);

  const writer = request({ port, host: '127.0.0.1', method: 'POST' }).on('error', () => {});
  let written = 0;
  while (written < 64) {
    written += 1;
    if (
      !writer.write(megabyte) &&
      (await Promise.race([once(writer, 'drain').then(() => true), sleep(500)])) === undefined
    )
      break;
  }
  t.ok(written < 40, `${written} MB were taken for a legacy that reads nothing`);
  writer.destroy();
});

t.test('a client that leaves ends the request to legacy', async (t) => {
  let closed = 0;
  const { port, outcomes } = await inFront(t, (incoming, reply) => {
    reply.on('close', () => {
      closed += 1;
    });
    if (incoming.url === '/begun') reply.write('begun');
  });
  for (const [path, status] of [
    ['/silent', 499],
    ['/begun', 200],
  ] as const) {
    const client = request({ port, host: '127.0.0.1', path })
      .on('error', () => {})
      .end();
    if (path === '/begun') await once(client, 'response');
    else await sleep(50);
    const before = closed;
    client.destroy();
    await until(() => closed > before && outcomes.length > before);
    t.equal(closed, before + 1);
    t.match(outcomes.at(-1), { status, complete: false });
  }
});

t.test('legacy that fails', async (t) => {
  const answering = (handler: (socket: Socket) => void) =>
    createTcp((socket) => void socket.once('data', () => handler(socket)).on('error', () => {}));
  const get = (port: number) => raw(port, ['GET / HTTP/1.1', 'Host: x']);

  t.test('in mid-body destroys the connection of the client', async (t) => {
    const legacyPort = await listen(
      t,
      answering((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
        setTimeout(() => socket.destroy(), 50);
      }),
    );
    const { port, outcomes } = await facadeOf(t, `http://127.0.0.1:${legacyPort}`);
    const client = request({ port, host: '127.0.0.1' }).end();
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    await t.rejects(text(answer), { code: 'ECONNRESET' });
    await until(() => outcomes.length > 0);
    t.match(outcomes, [{ status: 200, complete: false }]);
  });

  t.test('before it answers is an error of ours, and is not asked again', async (t) => {
    let asked = 0;
    const legacyPort = await listen(
      t,
      answering((socket) => {
        asked += 1;
        socket.destroy();
      }),
    );
    const { port, outcomes } = await facadeOf(t, `http://127.0.0.1:${legacyPort}`);
    t.match(await get(port), /^HTTP\/1.1 502 /);
    t.match(outcomes, [{ name: 'StoreError', origin: 'legacy', failure: 'unavailable' }]);
    t.equal(asked, 1);
  });

  t.test('with what is not HTTP', async (t) => {
    const legacyPort = await listen(
      t,
      answering((socket) => socket.end('nonsense\r\n\r\n')),
    );
    const { port, outcomes } = await facadeOf(t, `http://127.0.0.1:${legacyPort}`);
    await get(port);
    t.match(outcomes, [{ failure: 'undecodable' }]);
  });

  t.test('to answer in time, or to go on', async (t) => {
    const { port, outcomes } = await inFront(
      t,
      (incoming, reply) => {
        if (incoming.url === '/begun') reply.write('begun');
      },
      { timeout: 200 },
    );
    await get(port);
    t.match(outcomes, [{ failure: 'timeout' }]);
    await raw(port, ['GET /begun HTTP/1.1', 'Host: x']).catch(() => '');
    await until(() => outcomes.length > 1);
    t.match(outcomes[1], { status: 200, complete: false });
  });

  t.test('by not being there', async (t) => {
    const gone = createTcp().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port: closedPort } = gone.address() as AddressInfo;
    gone.close();
    const { port, outcomes } = await facadeOf(t, `http://127.0.0.1:${closedPort}`);
    await get(port);
    t.match(outcomes, [{ failure: 'unavailable' }]);
    const legacy = createLegacyOrigin({ url: `http://127.0.0.1:${closedPort}` });
    await t.rejects(legacy.ping(AbortSignal.timeout(1000)), { name: 'StoreError', failure: 'unavailable' });
    await legacy.close();
  });
});

t.test('ping takes any answer, and knows its deadline', async (t) => {
  const port = await listen(
    t,
    createServer((incoming, reply) => {
      if (incoming.url === '/') reply.writeHead(404).end('no');
    }),
  );
  const legacy = createLegacyOrigin({ url: `http://127.0.0.1:${port}` });
  await t.resolves(legacy.ping(AbortSignal.timeout(2000)));
  const silent = createLegacyOrigin({ url: `http://127.0.0.1:${port}/silent` });
  await t.rejects(silent.ping(AbortSignal.timeout(50)), { name: 'StoreError', failure: 'timeout' });
  await legacy.close();
  await silent.close();
});
