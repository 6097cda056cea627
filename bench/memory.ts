import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMongo } from '../src/demo/services.ts';
import { type Facade, serveFacade } from './support/facade.ts';
import type { Row } from './support/measure.ts';
import type { Server } from './support/processes.ts';

const OPERATIONS = 1_000;
const TENANTS = 100_000;
const CONNECTIONS = 16;
/** Requests of a connection that are under way together. */
const AT_ONCE = 4;

const WAYS: readonly ({ readonly name: string } & Partial<Pick<Facade, 'flags' | 'env'>>)[] = [
  { name: 'as the image runs it' },
  {
    name: 'with what V8 and glibc do by themselves',
    flags: ['--max-semi-space-size=8'],
    env: { MALLOC_ARENA_MAX: '' },
  },
];

/**
 * Resident memory of the façade, compiled, with a thousand operations: after its start, once a hundred thousand tenants
 * have had a request each, and half a minute later; what of it is anonymous, that is no page of a file, in brackets. Needs `npm run build`.
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
    for (const { name, flags, env } of WAYS) {
      const server = await serveFacade(folder, {
        bindings: join(folder, 'many.bindings.mjs'),
        script: join(dist, 'src/cli.js'),
        stages: {},
        ...(flags === undefined ? {} : { flags }),
        env: { MONGODB_URI: uri.href, NODE_ENV: 'production', ...env },
      });
      await new Promise((done) => setTimeout(done, 5_000));
      const started = await resident(server);
      await everyTenant(server.url);
      const asked = await resident(server);
      await new Promise((done) => setTimeout(done, 30_000));
      const row = {
        ...{ way: name, 'after its start': started, 'tenants seen': asked },
        ...{ 'half a minute later': await resident(server), 'at most': await most(server) },
      };
      await server.stop();
      console.error(JSON.stringify(row));
      rows.push(row);
    }
    return rows;
  } finally {
    await mongo.stop();
    await rm(folder, { recursive: true });
  }
}

async function resident(server: Server): Promise<string> {
  const { VmRSS, RssAnon } = await statusOf(server);
  return `${VmRSS} MB (${RssAnon})`;
}

const most = async (server: Server): Promise<string> => `${(await statusOf(server)).VmHWM} MB`;

/** What the kernel says of a process, in megabytes. */
async function statusOf({ pid }: Server) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const of = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024);
  return { VmRSS: of('VmRSS'), RssAnon: of('RssAnon'), VmHWM: of('VmHWM') };
}

/** One request of each tenant, to each operation in turn. */
async function everyTenant(url: string): Promise<void> {
  let next = 0;
  const some = (): readonly string[] =>
    Array.from({ length: Math.min(AT_ONCE, TENANTS - next) }, () => {
      const n = next++;
      return `GET /things${n % OPERATIONS}/t-1 HTTP/1.1\r\nhost: bench\r\nx-tenant-id: tenant-${n}\r\n\r\n`;
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, () => askOn(new URL(url), some)));
}

/** Sends some requests at a time on one connection until there are none; throws where a reply is not 200. */
function askOn({ hostname, port }: URL, some: () => readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    let wanted = 0;
    const ask = (): void => {
      const requests = some();
      [text, wanted] = ['', requests.length];
      if (wanted > 0) socket.write(requests.join(''));
      else socket.end(() => done());
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      text += chunk;
      const [replies, whole] = [text.split('HTTP/1.1 ').slice(1), text.split(BODY).length - 1];
      const bad = replies.find((reply) => !reply.startsWith('200'));
      if (bad !== undefined) fail(new Error(bad));
      else if (whole === wanted) ask();
    });
    socket.on('error', fail);
    ask();
  });
}

/** Of each reply. */
const BODY = '"What stands here is written once."}';

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
