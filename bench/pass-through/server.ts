/** One of the servers that are measured, in a process of its own; says what CPU time it has used when it is asked. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import httpProxy from '@fastify/http-proxy';
import replyFrom from '@fastify/reply-from';
import Fastify from 'fastify';
import { Pool } from 'undici';
import { compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';

/** Of each to legacy. */
const CONNECTIONS = Object.freeze({ connections: 128, pipelining: 1 });

const KINDS = Object.freeze({
  ours,
  'reply-from': replyFromPeer,
  'http-proxy': httpProxyPeer,
  undici: undiciPeer,
});

const [kind, legacy] = process.argv.slice(2) as [keyof typeof KINDS, string];

process.send?.({ url: await KINDS[kind]() });
process.on('SIGTERM', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system });
});

/** The façade as `serve` runs it, on the sample API, each operation at `legacy`; the stores are never asked. */
async function ours(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  const stages = join(folder, 'stages.yaml');
  const names = ['getUser'].map((name) => `${name}: { stage: legacy }`).join(', ');
  await writeFile(stages, `operations: { ${names} }\n`);
  const nowhere = { AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'x' };
  Object.assign(process.env, { ...nowhere, AWS_SECRET_ACCESS_KEY: 'x' });
  const config = loadConfig(
    {
      ...{ PORT: '0', ADMIN_PORT: '0', LEGACY_URL: legacy, LOG_LEVEL: 'info', STAGES_FILE: stages, ...nowhere },
      MONGODB_URI: 'mongodb://127.0.0.1:9/none?serverSelectionTimeoutMS=1000',
      ...telemetry(),
    },
    folder,
  );
  const bindings = join(import.meta.dirname, '../../openapi/photos.bindings.ts');
  const app = await compose(config, { bindings, log: () => undefined });
  return app.facadeUrl;
}

/** What of the environment says how traces are taken, and which requests are logged. */
function telemetry(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      /^(OTEL_|LOG_REQUESTS$)/.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

async function replyFromPeer(): Promise<string> {
  const app = Fastify({ logger: false });
  await app.register(replyFrom, { base: legacy, undici: CONNECTIONS });
  app.all('/*', (request, reply) => reply.from(request.url));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

async function httpProxyPeer(): Promise<string> {
  const app = Fastify({ logger: false });
  await app.register(httpProxy, { upstream: legacy, undici: CONNECTIONS });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

/** Node's own server and undici, without a framework: for reads alone, and without a look at what a proxy has to leave out. */
async function undiciPeer(): Promise<string> {
  const pool = new Pool(legacy, CONNECTIONS);
  const server = createServer(({ url = '/', headers }, reply) => {
    const { host: _host, connection: _connection, ...passed } = headers;
    pool
      .stream({ path: url, method: 'GET', headers: passed, opaque: reply }, ({ statusCode, headers: own, opaque }) =>
        (opaque as ServerResponse).writeHead(statusCode, own),
      )
      .catch(() => reply.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
