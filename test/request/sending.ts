import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { holdToPace } from '../../src/request/sending.ts';

const LARGE = Buffer.alloc(16 * 1024 * 1024, 'x');

/** A server whose replies have that body and pace, and a client of it that has sent its question and reads nothing. */
async function withSlowReader(t: Test, body: Buffer, pace: Parameters<typeof holdToPace>[1]) {
  const replies: ServerResponse[] = [];
  const server = createServer((_message, reply) => {
    replies.push(reply);
    reply.end(body);
    holdToPace(reply, pace);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.pause();
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  t.teardown(() => {
    client.destroy();
    server.close();
  });
  while (replies.length === 0) await sleep(2);
  return { client, reply: replies[0] as ServerResponse };
}

t.test('who reads too slowly for the size is cut, and its memory is free', async (t) => {
  const { reply } = await withSlowReader(t, LARGE, { grace: 100, rate: 1_000_000 });
  t.ok(reply.writableLength > 1_000_000, 'most of it is held');
  await once(reply, 'close');
  t.notOk(reply.writableFinished);
});

t.test('who reads at its own pace, but fast enough, gets all of it', async (t) => {
  const { client, reply } = await withSlowReader(t, LARGE, { grace: 100, rate: LARGE.length / 5_000 });
  let bytes = 0;
  client.on('data', (chunk) => {
    bytes += chunk.length;
    client.pause();
    setTimeout(() => client.resume(), 1);
  });
  client.resume();
  await once(reply, 'finish');
  for (let n = 0; n < 1_000 && bytes < LARGE.length; n += 1) await sleep(10);
  t.ok(bytes > LARGE.length);
});

t.test('a reply that the connection takes at once has no timer', async (t) => {
  const { reply } = await withSlowReader(t, Buffer.from('short'), { grace: 20, rate: 1 });
  await sleep(100);
  t.notOk(reply.destroyed && !reply.writableFinished);
  t.ok(reply.writableFinished);
});
