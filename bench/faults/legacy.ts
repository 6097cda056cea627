/** `legacy.ts PORT`: a legacy service that answers every lane with what the stores hold too. */
import { createServer } from 'node:http';
import { THINGS_HELD } from './lanes.ts';

const bodies = new Map(THINGS_HELD.map(({ pk, ...shown }) => [shown.id, JSON.stringify(shown)]));

createServer((request, reply) => {
  const body = bodies.get(request.url?.split('/').at(-1) ?? '');
  if (body === undefined) return void reply.writeHead(404).end();
  const length = Buffer.byteLength(body);
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'private, no-store',
    'content-length': length,
  };
  reply.writeHead(200, headers).end(body);
}).listen(Number(process.argv[2]), '127.0.0.1');
