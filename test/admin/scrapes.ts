import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { scrapes } from '../../src/admin/scrapes.ts';
import { createMetrics } from '../../src/metrics.ts';

/** A registry of some ten megabytes, more than the buffers of a connection take. */
async function served(t: Test, options: Parameters<typeof scrapes>[1]) {
  const metrics = createMetrics();
  for (let n = 0; n < 6_000; n += 1)
    metrics.requestDuration.observe(
      { http_request_method: 'GET', http_route: `/r${n}`, http_response_status_code: '200', origin: 'mongodb' },
      0.01,
    );
  const app = Fastify({ forceCloseConnections: true });
  app.get('/metrics', scrapes(metrics, options));
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.teardown(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const stall = () => {
    const socket = connect(port, '127.0.0.1').pause();
    t.teardown(() => socket.destroy());
    socket.on('error', () => {}).write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    return socket;
  };
  const scrape = async (method = 'GET') => {
    const reply = await fetch(`http://127.0.0.1:${port}/metrics`, { method });
    return { status: reply.status, text: await reply.text() };
  };
  return { stall, scrape };
}

t.test('readers who stall are bounded in number, and make room when they leave', async (t) => {
  const { stall, scrape } = await served(t, { most: 3 });
  const stalled = [stall(), stall(), stall()];
  let status = 200;
  for (const end = Date.now() + 10_000; status === 200 && Date.now() < end; ) ({ status } = await scrape());
  t.equal(status, 503);
  stalled[0]?.destroy();
  for (const end = Date.now() + 5_000; status === 503 && Date.now() < end; ) ({ status } = await scrape());
  t.equal(status, 200);
  for (let n = 0; n < 10; n += 1) t.equal((await scrape('HEAD')).status, 200);
  t.match((await scrape()).text, /\n$/, 'who only asks for the head takes no place for good');
});

t.test('who stalls for too long is left, and keeps nobody out', async (t) => {
  const { stall, scrape } = await served(t, { most: 1, longest: 3_000 });
  const socket = stall();
  let status = 200;
  for (const end = Date.now() + 10_000; status === 200 && Date.now() < end; ) ({ status } = await scrape());
  t.equal(status, 503, 'it is in the way');
  for (const end = Date.now() + 10_000; status === 503 && Date.now() < end; ) ({ status } = await scrape());
  t.equal(status, 200, 'and then no more');
  t.notOk(socket.destroyed, 'though it has not left');
});
