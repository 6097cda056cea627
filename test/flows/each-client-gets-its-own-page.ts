import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { withFacade } from '../support/facade.ts';
import { withMongo } from '../support/stores.ts';
import { patience } from '../support/tools.ts';

patience(t, 120);

const CONTRACT = `
openapi: 3.1.0
info: { title: Lists, version: '1' }
paths:
  /lists/{list}:
    get: &read
      operationId: getList
      parameters: [{ name: list, in: path, required: true, schema: { type: string } }]
      responses:
        '200':
          description: All of a list
          content:
            application/json:
              schema:
                type: object
                properties:
                  items:
                    type: array
                    items: { type: object, properties: { id: { type: string }, text: { type: string } } }
  /views/{list}:
    get: { <<: *read, operationId: viewList }
`;

/** `viewList` keeps the views that it is given, and looks at them only when another list is read. */
const BINDINGS = `
const kept = [];
const late = (item) => {
  kept.push([item, item.id]);
  if (kept.length > 3_000) {
    const [one, id] = kept.shift();
    if (one.own !== id) throw new Error('a view shows another item');
  }
  return item.text;
};
const dynamodb = ({ tenant, path }) => ({
  Query: {
    TableName: 'lists', KeyConditionExpression: 'pk = :p',
    ExpressionAttributeValues: { ':p': key\`\${tenant}#\${path.list}\` },
  },
});
const mongodb = ({ tenant, path }) => ({
  find: { collection: 'lists', filter: { tenantId: tenant, list: path.list }, sort: { at: 1 } },
});
export default bind({
  contract: './contract.yaml',
  name: 'lists',
  tenant: ({ headers }) => headers['x-tenant-id'],
  auth: { mode: 'gateway' },
  freshness: { by: 'nothing', within: '1s' },
  operations: {
    getList: { dynamodb, mongodb, items: '/items' },
    viewList: { dynamodb, mongodb, items: '/items', response: { '/items/*/text': { dynamodb: late, mongodb: 'text' } } },
  },
});
`;

const TENANTS = ['acme', 'beta', 'moved', 'watched'];
/** Items of the lists: replies of 0.1 kB to some 700 kB. */
const LISTS = [1, 8, 40, 60, 130, 260, 700];

interface Item {
  readonly id: string;
  readonly text: string;
}

function itemsOf(key: string): readonly Item[] {
  const count = LISTS[Number(key.split('#')[1])] as number;
  return Array.from({ length: count }, (_, at) => ({ id: `${key}#${at}`, text: `${key}: ${`写${at} `.repeat(60)}` }));
}

/** A DynamoDB whose replies come in pieces, so that many are under way at once; some never come whole. */
async function withPieces(t: Test): Promise<string> {
  let asked = 0;
  const server = createServer((socket) => {
    let waiting = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', async (chunk) => {
      waiting += chunk.toString('latin1');
      const end = waiting.indexOf('\r\n\r\n') + 4;
      const length = Number(/content-length: (\d+)/.exec(waiting)?.[1]);
      if (end === 3 || waiting.length < end + length) return;
      const key = /":p":\{"S":"([^"]+)"/.exec(waiting)?.[1] ?? '';
      waiting = '';
      asked += 1;
      const number = asked;
      const Items = itemsOf(key).map(({ id, text }) => ({ id: { S: id }, text: { S: text }, own: { S: id } }));
      const body = Buffer.from(JSON.stringify({ Count: Items.length, Items }));
      const head =
        number % 11 === 0
          ? 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n'
          : `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`;
      const bytes = Buffer.concat([Buffer.from(head), body]);
      const pieces = number % 3;
      for (let n = 0; n <= pieces; n += 1) {
        socket.write(bytes.subarray((n * bytes.length) / (pieces + 1), ((n + 1) * bytes.length) / (pieces + 1)));
        if (n < pieces) await sleep(1 + (number % 4));
        // Of one that only its connection's end ends nobody would see that it was cut.
        if (n === 1 && number % 17 === 0 && number % 11 !== 0) return void socket.destroy();
      }
      if (number % 11 === 0) socket.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Asks for lists on one connection without waiting, and reads from `reads` on, slowly; leaves early where `leaves`. */
async function pipelined(
  url: string,
  tenant: string,
  lists: readonly number[],
  leaves: boolean,
  reads?: Promise<unknown>,
): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const head = (list: number, last: boolean) =>
    `GET /lists/${list} HTTP/1.1\r\nhost: x\r\nx-tenant-id: ${tenant}\r\n${last ? 'connection: close\r\n' : ''}\r\n`;
  socket.write(lists.map((list, at) => head(list, at === lists.length - 1)).join(''));
  await reads;
  let text = '';
  socket.setEncoding('utf8');
  for await (const chunk of socket) {
    text += chunk;
    if (leaves) break;
    if (reads === undefined) await sleep(2);
  }
  socket.destroy();
  return text;
}

/** Statuses and bodies in turn. */
const bodiesIn = (replies: string): readonly string[] => replies.split(/HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n/).slice(1);

t.test('memory is used again, and nobody gets what was there before', async (t) => {
  const mongo = await withMongo(t);
  const client = await MongoClient.connect(mongo.uri);
  t.teardown(() => client.close());
  const documents = ['watched', 'moved'].flatMap((tenantId) =>
    LISTS.flatMap((_, list) =>
      itemsOf(`${tenantId}#${list}`).map((item, at) => ({ ...item, at, tenantId, list: String(list) })),
    ),
  );
  await client.db().collection('lists').insertMany(documents);
  const { app, url, get } = await withFacade(t, {
    bindings: { text: BINDINGS, contract: CONTRACT },
    env: {
      ...{ MONGODB_URI: mongo.uri, AWS_ENDPOINT_URL_DYNAMODB: await withPieces(t), AWS_REGION: 'eu-west-1' },
      ...{ AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
      // Of the watched a tenth is held for its comparison, the others are given back.
      SHADOW_BUSY_PERCENT: '1',
    },
    stages: `operations:
  getList: { stage: dynamodb, tenants: { watched: shadow, moved: complete } }
  viewList: { stage: dynamodb }
`,
  });
  let [whole, unavailable] = [0, 0];
  const check = (tenant: string, list: number, status: number, text: string): void => {
    if (status === 503 || status === 504) unavailable += 1;
    else if (status === 200 && text === JSON.stringify({ items: itemsOf(`${tenant}#${list}`) })) whole += 1;
    else t.fail(`${tenant}, list ${list}: ${status} ${text.slice(0, 300)}`);
  };
  const work = async (worker: number): Promise<void> => {
    for (let n = 0; n < 30; n += 1) {
      const tenant = TENANTS[(worker + n) % TENANTS.length] as string;
      const list = (worker * 3 + n) % LISTS.length;
      if ((worker + n) % 5 === 0) {
        const next = (list + 1) % LISTS.length;
        const leaves = n % 2 === 0;
        const replies = await pipelined(url, tenant, [list, next], leaves);
        const bodies = bodiesIn(replies);
        if (!leaves)
          for (const [at, one] of [list, next].entries())
            check(tenant, one, Number(bodies[2 * at]), bodies[2 * at + 1] ?? '');
      } else {
        const { status, text } = await get(`/${n % 3 === 0 ? 'views' : 'lists'}/${list}`, { 'x-tenant-id': tenant });
        check(tenant, list, status, text);
      }
    }
  };
  const working = Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)));
  // More than a connection holds: of each one reply lies here, begun, while others are written.
  const held = Array.from({ length: 3 }, async (_, n) => {
    const lists = Array.from({ length: 90 }, () => 4);
    const replies = await pipelined(url, TENANTS[n] as string, lists, false, working);
    const bodies = bodiesIn(replies);
    for (const at of lists.keys()) check(TENANTS[n] as string, 4, Number(bodies[2 * at]), bodies[2 * at + 1] ?? '');
  });
  await Promise.all([working, ...held]);
  t.ok(whole > 600, `${whole} pages were whole, ${unavailable} were told that the store did not answer`);
  const compared = async (outcome: string, reason = ''): Promise<number> => {
    const text = await (await fetch(`${app.adminUrl}/metrics`)).text();
    const labels = `outcome="${outcome}",reason="${reason}"`;
    const pattern = new RegExp(`^crossfade_comparisons_total\\{[^}]*${labels}[^}]*\\} (\\d+)`, 'gm');
    return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  for (let n = 0; n < 200 && (await compared('match')) === 0; n += 1) await sleep(20);
  t.ok((await compared('match')) > 0, 'what is compared is what was answered');
  t.equal(await compared('mismatch'), 0);
  t.ok((await compared('skipped', 'load')) > 0, 'and not everything is compared');
});
