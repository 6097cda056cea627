import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify';
import type { Metrics } from '../metrics.ts';
import type { Contract } from '../model/operation.ts';
import { checkHost } from './access.ts';
import { replyUnread, replyUnrouted } from './problems.ts';
import { scrapes } from './scrapes.ts';

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
  /** Names by which it may be asked. */
  readonly hosts: readonly string[];
  /** `/admin/v1`. */
  readonly api: FastifyPluginAsync;
  /** `/console`. */
  readonly console?: FastifyPluginAsync | undefined;
}

/** Nothing inline, nothing from elsewhere, in no frame. */
const POLICY = Object.freeze({
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'font-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
});

/** Characters of a path between two slashes, such as an operation’s id. */
const MOST_PARAMETER = 2_048;

/** Probes, metrics, the contract with its page, the admin API and the console. */
export async function createAdmin(options: AdminOptions): Promise<FastifyInstance> {
  const { contract, metrics, readiness, hosts, api, console } = options;
  const app = Fastify({
    ...{ logger: false, return503OnClosing: false, forceCloseConnections: 'idle' },
    // The id of an operation is as long as its contract has it.
    routerOptions: { maxParamLength: MOST_PARAMETER },
    frameworkErrors: replyUnrouted,
    clientErrorHandler: replyUnread,
  });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { ...POLICY } },
    frameguard: { action: 'deny' },
    // Whoever ends TLS in front of it says that.
    hsts: false,
  });
  app.addHook('onRequest', checkHost(new Set(hosts.map((host) => host.toLowerCase())), metrics));

  app.get('/livez', (_request, reply) => void reply.type('text/plain').send('ok\n'));

  app.get('/readyz', async (_request, reply) => {
    const parts = await readiness();
    const ready = parts.every(({ problem }) => problem === undefined);
    return reply.code(ready ? 200 : 503).send({ ready, parts });
  });

  app.get('/metrics', scrapes(metrics));

  app.get('/contract', (_request, reply) => {
    const type = contract.file.endsWith('.json') ? 'application/json' : 'application/yaml';
    void reply.type(type).send(contract.source);
  });

  app.get('/', (_request, reply) => void reply.redirect('/console'));

  await app.register(api, { prefix: '/admin/v1' });
  if (console !== undefined) await app.register(console);
  // Apart from the API, which has a document of its own.
  await app.register(contractPage(contract));
  return app;
}

const contractPage =
  (contract: Contract): FastifyPluginAsync =>
  async (app) => {
    await app.register(swagger, {
      mode: 'static',
      // Made anew for each who asks: kept, that of a large API takes megabytes for the few who ever do.
      specification: { document: { toJSON: () => withoutExtensions(JSON.parse(contract.json.toString())) } as never },
    });
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      // Its own policy, for what it has inline; in no frame either, and over plain HTTP too.
      transformStaticCSP: (policy) =>
        policy.replace("frame-ancestors 'self'", "frame-ancestors 'none'").replace(/ ?upgrade-insecure-requests;?/, ''),
      uiConfig: { tryItOutEnabled: false },
    });
  };

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
