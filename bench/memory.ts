import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMongo } from '../src/demo/services.ts';
import { type Env, serveFacade } from './support/facade.ts';
import type { Row } from './support/measure.ts';
import type { Server } from './support/processes.ts';

const OPERATIONS = 1_000;
const TENANTS = 100_000;
const AT_ONCE = 64;

/** As the image runs it, and with fewer arenas of glibc's, which keeps what several threads have freed. */
const WAYS: readonly { readonly name: string; readonly env: Env }[] = [
  { name: 'MALLOC_ARENA_MAX=2', env: { MALLOC_ARENA_MAX: '2' } },
  { name: 'as the image runs it', env: {} },
];

/**
 * Resident memory of the façade, compiled, with a thousand operations: after its start, once a hundred thousand tenants
 * have had a request each, and half a minute later. Needs `npm run build`.
 */
export async function benchMemory(): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  const mongo = await startMongo({ log: console.error });
  const dist = join(import.meta.dirname, '../dist');
  await writeFile(join(folder, 'many.yaml'), contract());
  await writeFile(join(folder, 'many.bindings.mjs'), bindings(join(dist, 'src/index.js')));
  const uri = new URL(mongo.uri);
  uri.pathname = '/crossfade_bench';
  try {
    const rows: Row[] = [];
    for (const { name, env } of WAYS) {
      const server = await serveFacade(folder, {
        bindings: join(folder, 'many.bindings.mjs'),
        script: join(dist, 'src/cli.js'),
        stages: {},
        env: { ...env, MONGODB_URI: uri.href, NODE_ENV: 'production' },
      });
      await new Promise((done) => setTimeout(done, 5_000));
      const started = await resident(server);
      await everyTenant(server.url);
      const asked = await resident(server);
      await new Promise((done) => setTimeout(done, 30_000));
      const [later, most] = [await resident(server), await resident(server, 'VmHWM')];
      await server.stop();
      const row = { way: name, 'after its start': started, 'tenants seen': asked, 'half a minute later': later, most };
      console.error(JSON.stringify(row));
      rows.push(row);
    }
    return rows;
  } finally {
    await mongo.stop();
    await rm(folder, { recursive: true });
  }
}

async function resident({ pid }: Server, what = 'VmRSS'): Promise<string> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return `${Math.round(Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1]) / 1024)} MB`;
}

/** One request of each tenant, to each operation in turn. */
async function everyTenant(url: string): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  let next = 0;
  const one = async () => {
    for (let n = next++; n < TENANTS; n = next++) await get(agent, `${url}/things${n % OPERATIONS}/t-1`, `tenant-${n}`);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  agent.destroy();
}

function get(agent: Agent, url: string, tenant: string): Promise<void> {
  return new Promise((done, fail) => {
    const message = request(url, { agent, headers: { 'x-tenant-id': tenant } }, (reply) => {
      reply.resume();
      reply.on('end', () => (reply.statusCode === 200 ? done() : fail(new Error(`${url}: ${reply.statusCode}`))));
    });
    message.on('error', fail);
    message.end();
  });
}

function contract(): string {
  const one = (n: number) => `  /things${n}/{id}:
    get:
      operationId: getThing${n}
      parameters:
        - { name: X-Tenant-Id, in: header, required: true, schema: { type: string, minLength: 1, maxLength: 64 } }
        - { name: id, in: path, required: true, schema: { type: string, minLength: 1, maxLength: 64 } }
      responses:
        '200':
          description: The thing
          content: { application/json: { schema: { $ref: '#/components/schemas/Thing' } } }
`;
  return `openapi: 3.0.3
info: { title: Many, version: 1.0.0 }
servers: [{ url: / }]
paths:
${Array.from({ length: OPERATIONS }, (_, n) => one(n)).join('')}components:
  schemas:
    Thing: { type: object, required: [id, text], properties: { id: { type: string }, text: { type: string } } }
`;
}

const bindings = (index: string): string => `import { bind } from ${JSON.stringify(index)};
const FOUND = Promise.resolve({ id: 't-1', text: 'What stands here is written once.' });
const own = { dynamodb: () => FOUND, mongodb: () => FOUND };
export default bind({
  contract: './many.yaml', name: 'many', tenant: ({ headers }) => headers['x-tenant-id'],
  auth: { mode: 'gateway' }, freshness: { by: 'nothing', within: '1s' },
  operations: Object.fromEntries(Array.from({ length: ${OPERATIONS} }, (_, n) => ['getThing' + n, own])),
});
`;
