import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { askLegacy } from '../../src/replay/legacy.ts';

t.test('the path is asked for as it was recorded', async (t) => {
  const seen: string[] = [];
  const server = createServer((request, reply) => {
    seen.push(`${request.method} ${request.url}`);
    reply.end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => server.close().closeAllConnections());
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const paths = ['/a/../b', '/a/%2e%2E/b', '//other/x', '/a\\b', "/a'b?q='|\"", '/./a?x=../y', '/a?'];
  for (const at of ['', '/api/', '/api'])
    for (const url of paths)
      t.match(await askLegacy(`${base}${at}`, { method: 'GET', url, headers: {} }, 1_000), { ok: true });
  t.same(
    seen,
    ['', '/api', '/api'].flatMap((at) => paths.map((path) => `GET ${at}${path}`)),
  );
});
