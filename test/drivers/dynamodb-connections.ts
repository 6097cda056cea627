import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Test, test } from 'tap';
import { type Connections, openConnections } from '../../src/drivers/dynamodb/connections.ts';
import type { Reply } from '../../src/drivers/dynamodb/incoming.ts';
import { certify } from '../support/certificates.ts';

const GOOD = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const REQUEST = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';

/** A server that does with the n-th request whatever it is told to. */
async function serve(t: Test, say: (socket: Socket, number: number) => unknown) {
  let [accepted, asked] = [0, 0];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    accepted += 1;
    sockets.add(socket.on('error', () => {}));
    socket.on('data', () => {
      asked += 1;
      say(socket, asked);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted: () => accepted };
}

const ask = (connections: Connections): Promise<Reply | Error> =>
  new Promise((resolve) => void connections.ask(REQUEST, 'latin1', resolve));

const textOf = (given: Reply | Error): string => (given instanceof Error ? given.name : given.body.toString());

function opened(t: Test, origin: string, max = 2, timeout = 1_000): Connections {
  const connections = openConnections(origin, { timeout, max });
  t.teardown(() => connections.close(true));
  return connections;
}

test('connections are kept, no more than allowed, and requests wait for one in turn', async (t) => {
  const { origin, accepted } = await serve(t, (socket) => setTimeout(() => socket.write(GOOD), 20));
  const connections = opened(t, origin);
  const order: number[] = [];
  const all = [0, 1, 2, 3, 4].map(async (n) => {
    const given = await ask(connections);
    order.push(n);
    return textOf(given);
  });
  t.same(connections.counts(), { used: 2, idle: 0, waiting: 3 });
  t.same(await Promise.all(all), ['ok', 'ok', 'ok', 'ok', 'ok']);
  t.same(order, [0, 1, 2, 3, 4]);
  t.same(connections.counts(), { used: 0, idle: 2, waiting: 0 });
  t.equal(accepted(), 2);
});

test('a connection that the other side closed or spoke on unasked is not used again', async (t) => {
  const { origin, accepted } = await serve(t, (socket, number) => {
    socket.write(GOOD);
    if (number === 1) setTimeout(() => socket.end(), 10);
    if (number === 2) setTimeout(() => socket.write(GOOD), 10);
  });
  const connections = opened(t, origin);
  for (let n = 0; n < 4; n += 1) {
    t.equal(textOf(await ask(connections)), 'ok');
    await sleep(40);
  }
  t.equal(accepted(), 3);
});

test('nor is one whose reply said more than its length, or that it closes', async (t) => {
  const { origin, accepted } = await serve(t, (socket, number) =>
    socket.write(number === 1 ? `${GOOD}HTTP` : GOOD.replace('OK\r\n', 'OK\r\nconnection: close\r\n')),
  );
  const connections = opened(t, origin);
  for (let n = 0; n < 3; n += 1) t.equal(textOf(await ask(connections)), 'ok');
  t.equal(accepted(), 3);
});

test('nor is one whose reply came before its request was sent', async (t) => {
  const { origin, accepted } = await serve(t, (socket, number) => {
    if (number === 1) socket.pause().write(GOOD);
    else socket.write(GOOD);
  });
  const connections = opened(t, origin);
  const large = `${REQUEST.replace('length: 0', 'length: 30000000')}${'x'.repeat(30_000_000)}`;
  const first = await new Promise<Reply | Error>((resolve) => void connections.ask(large, 'latin1', resolve));
  t.equal(textOf(first), 'ok');
  t.same(connections.counts(), { used: 0, idle: 0, waiting: 0 });
  t.equal(textOf(await ask(connections)), 'ok');
  t.equal(accepted(), 2);
});

test('one that takes too long, or is given up, ends with its connection, and who waits gets a new one', async (t) => {
  const { origin, accepted } = await serve(t, (socket, number) => void (number > 2 && socket.write(GOOD)));
  const connections = opened(t, origin, 1, 100);
  const [first, second] = [ask(connections), ask(connections)];
  t.equal(textOf(await first), 'TimeoutError');
  const given = new Promise<Reply | Error>((resolve) => {
    connections.ask(REQUEST, 'latin1', resolve).giveUp(Object.assign(new Error('enough'), { name: 'Enough' }));
  });
  t.equal(textOf(await given), 'Enough', 'while it waits');
  t.equal(textOf(await second), 'TimeoutError');
  t.equal(textOf(await ask(connections)), 'ok');
  t.equal(accepted(), 3);
});

test('after an outage what comes has connections, whatever hangs in the old ones', async (t) => {
  const late: Socket[] = [];
  const { origin, accepted } = await serve(t, (socket, number) => {
    if (number <= 2) late.push(socket);
    else socket.write(GOOD);
  });
  const connections = opened(t, origin);
  const [first, second, third] = [ask(connections), ask(connections), ask(connections)];
  while (late.length < 2) await sleep(2);
  t.same(connections.counts(), { used: 2, idle: 0, waiting: 1 });
  connections.renew();
  t.equal(textOf(await third), 'ok');
  t.equal(textOf(await ask(connections)), 'ok');
  t.equal(accepted(), 3);
  t.same(connections.counts(), { used: 2, idle: 1, waiting: 0 });
  late[0]?.write(GOOD);
  t.equal(textOf(await first), 'ok', 'a reply that comes after all is one');
  t.same(connections.counts(), { used: 1, idle: 1, waiting: 0 }, 'and its connection ends');
  connections.renew();
  t.same(connections.counts(), { used: 1, idle: 0, waiting: 0 }, 'those that lie idle may be dead');
  connections.close(true);
  t.ok((await second) instanceof Error);
  t.same(connections.counts(), { used: 0, idle: 0, waiting: 0 });
});

test('all that is under way is told when it closes', async (t) => {
  const { origin } = await serve(t, () => {});
  const connections = opened(t, origin, 1);
  const both = [ask(connections), ask(connections)];
  connections.close(true);
  for (const one of both) t.ok((await one) instanceof Error);
  t.same(connections.counts(), { used: 0, idle: 0, waiting: 0 });
});

test('over TLS a reply of many records comes whole, and a certificate that nobody knows is refused', async (t) => {
  const body = '写真'.repeat(100_000);
  const server = createTlsServer(certify({ name: 'localhost', names: ['localhost'] }), (_request, response) =>
    response.end(body),
  ).listen(0, 'localhost');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  t.match(await ask(opened(t, origin)), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.teardown(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);
  const connections = opened(t, origin, 1);
  for (let n = 0; n < 3; n += 1) t.ok(textOf(await ask(connections)) === body);
  t.same(connections.counts(), { used: 0, idle: 1, waiting: 0 });
});
