import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';
import type { Contract } from './model/operation.ts';

/** What readiness depends on; each part says what is wrong with it, or nothing, and what else there is to know. */
export type Readiness = () => Promise<readonly ReadinessPart[]>;

export interface ReadinessPart {
  readonly part: string;
  /** Why there must be no new client; `undefined` where there may. */
  readonly problem: string | undefined;
  readonly [fact: string]: unknown;
}

export interface AdminOptions {
  readonly contract: Contract;
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly hosts: readonly string[];
}

/** Probes, metrics, and the contract with its page. */
export async function createAdmin({ contract, metrics, readiness, hosts }: AdminOptions): Promise<FastifyInstance> {
  const app = Fastify({ logger: false, return503OnClosing: false, forceCloseConnections: 'idle' });
  const allowed = new Set(hosts);

  app.addHook('onRequest', (request, reply, done) => {
    const host = request.host.replace(/:\d+$/, '');
    reply.header('x-content-type-options', 'nosniff');
    if (allowed.has(host) || isProbe(request.url)) return done();
    reply.code(421).type('text/plain').send(`This is not ${host}.\n`);
  });

  app.get('/livez', (_request, reply) => void reply.type('text/plain').send('ok\n'));

  app.get('/readyz', async (_request, reply) => {
    const parts = await readiness();
    const ready = parts.every(({ problem }) => problem === undefined);
    return reply.code(ready ? 200 : 503).send({ ready, parts });
  });

  app.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.registry.contentType).send(await metrics.text());
  });

  app.get('/contract', (_request, reply) => {
    const type = contract.file.endsWith('.json') ? 'application/json' : 'application/yaml';
    void reply.type(type).send(contract.source);
  });

  app.get('/', (_request, reply) => void reply.redirect('/docs/'));

  await app.register(swagger, {
    mode: 'static',
    specification: { document: withoutExtensions(contract.document) as never },
  });
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { tryItOutEnabled: false } });
  return app;
}

const isProbe = (url: string): boolean => /^\/(livez|readyz|metrics)($|\?)/.test(url);

/** The page would publish `x-*` keys verbatim; they are often internal. */
function withoutExtensions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutExtensions);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !name.startsWith('x-'))
      .map(([name, inner]) => [name, withoutExtensions(inner)]),
  );
}
