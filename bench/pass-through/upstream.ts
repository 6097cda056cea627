/** The legacy service of the measurement: replies of the size that the path names, in a process of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const bodies = new Map(
  [1_000, 100_000].map((size) => [`/${size}`, Buffer.from(JSON.stringify({ x: 'y'.repeat(size - 8) }))]),
);
const body = (url = '') => [...bodies].find(([path]) => url.endsWith(path))?.[1] ?? Buffer.from('{}');

const server = createServer((request, reply) => {
  const bytes = body(request.url);
  reply.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': bytes.length,
    etag: '"abc"',
    'cache-control': 'private, max-age=0',
    vary: 'Accept-Encoding',
  });
  reply.end(bytes);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
