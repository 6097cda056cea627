import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from '../metrics.ts';

/** Each holds what its reader has not taken yet, a megabyte where there are many operations; more are refused. */
const MOST = 20;
/** Milliseconds after which a reader who is not through is left: else few who stall would keep Prometheus out. */
const LONGEST = 60_000;

/** The handler of `/metrics`: open to whoever reaches the port, and bounded for that. */
export function scrapes(metrics: Metrics, { most = MOST, longest = LONGEST } = {}) {
  let underWay = 0;
  return async (_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { raw } = reply;
    if (raw.destroyed) return reply.hijack();
    if (underWay >= most)
      return reply.code(503).header('retry-after', '5').type('text/plain').send('too many scrapes are under way\n');
    underWay += 1;
    const late = setTimeout(() => raw.destroy(), longest).unref();
    raw.once('close', () => {
      underWay -= 1;
      clearTimeout(late);
    });
    return reply.type(metrics.registry.contentType).send(Readable.from(metrics.chunks()));
  };
}
