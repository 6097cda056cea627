import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { Double, MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { createCursors } from '../../src/bindings/cursor.ts';
import { evidenceId } from '../../src/bindings/evidence.ts';
import { VERSION } from '../../src/config.ts';
import { StoreError } from '../../src/errors.ts';
import type { Observation } from '../../src/model/answer.ts';
import type { StoreConfig } from '../../src/operate/stores.ts';
import { type Asking, openAsking } from '../../src/thread/open.ts';
import { type Case, questionOf, withKinds } from '../support/kinds.ts';
import { startScripted } from '../support/scripted.ts';
import { withDynamo, withMongo } from '../support/stores.ts';

const SECRETS = ['a secret of cursors that is long enough'];
const cursors = createCursors(SECRETS);

interface Stores {
  readonly stores: StoreConfig;
  readonly table: string;
}

interface Sides {
  readonly here: Asking;
  readonly thread: Asking;
  readonly bindings: Awaited<ReturnType<typeof withKinds>>['bindings'];
  /** By side: operation and origin, and how often. */
  readonly violations: { readonly here: ReadonlyMap<string, number>; readonly thread: ReadonlyMap<string, number> };
}

/** The same bindings and stores, asked in this thread and in one of its own. */
async function withSides(t: Test, { stores, table }: Stores, timeout = 5_000): Promise<Sides> {
  const { bindings, violations } = await withKinds(t, (text) =>
    text.replaceAll("TableName: 'kinds'", `TableName: '${table}'`),
  );
  const told = new Map<string, number>();
  const options = {
    ...{ stores, bindings, cursors, cursorSecrets: SECRETS, timeout, concurrency: 16 },
    ...{ legacy: false, version: VERSION, log: () => {}, onEnd: () => {} },
    evidence: await evidenceId(bindings.file, bindings.contract.source, VERSION),
    onViolations: (operation: string, origin: string, count: number) =>
      void told.set(`${operation} ${origin}`, (told.get(`${operation} ${origin}`) ?? 0) + count),
  };
  const [here, thread] = [openAsking({ ...options, mode: 'off' }), openAsking({ ...options, mode: 'on' })];
  t.teardown(() => Promise.all([here.close(), thread.close()]));
  await thread.ready();
  t.ok(thread.threaded());
  t.notOk(here.threaded());
  return { here, thread, bindings, violations: { here: violations, thread: told } };
}

const ask = ({ bindings }: Sides, side: Asking, one: Case): Promise<Observation> => {
  const { question, error } = questionOf(bindings, one);
  return side.observe(one.store ?? 'mongodb', question, error, { consistent: one.consistent === true });
};

/** All that is ever looked at of an observation, but for how long it took. */
function plain(seen: Observation) {
  const { origin, ok } = seen;
  if (!seen.ok) {
    const { name, message } = seen.error;
    return { origin, ok, name, message, failure: seen.error instanceof StoreError ? seen.error.failure : undefined };
  }
  const { status, headers, items, body } = seen.answer;
  const text = body.toString('latin1');
  // A cursor is sealed anew each time: what it says is the same.
  const next = /"next":"([^"]+)"/.exec(text)?.[1];
  const opened = next === undefined ? undefined : cursors.open(next);
  return { origin, ok, status, headers, items, body: text.replace(next ?? '', ''), opened };
}

async function same(t: Test, sides: Sides, one: Case): Promise<Observation> {
  const [seen, other] = [await ask(sides, sides.here, one), await ask(sides, sides.thread, one)];
  t.strictSame(plain(other), plain(seen), one.of);
  t.ok(other.duration > 0 && other.duration < 60_000, `${one.of}: it took its time there`);
  return other;
}

async function withStores(t: Test): Promise<Stores> {
  const [mongo, dynamo] = [await withMongo(t), await withDynamo(t, 'dynalite')];
  const client = new DynamoDBClient({ ...dynamo.config, maxAttempts: 10 });
  const table = `${dynamo.prefix}kinds`;
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'id'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'id', KeyType: 'RANGE' },
      ],
    }),
  );
  const documents = DynamoDBDocumentClient.from(client);
  const kinds = MORE.map((more) => ({ pk: 'acme', text: 'ein Text, “写真”', size: 1.5, ...more }));
  for (const Item of kinds) await documents.send(new PutCommand({ TableName: table, Item }));
  const mongoClient = new MongoClient(mongo.uri);
  const odd = [
    { id: 'nan', size: new Double(Number.NaN) },
    { id: 'long', text: 'x'.repeat(2_000_000) },
    { id: 'wrong', text: 7 },
    { id: 'plain', pk: ODD },
  ].map((one) => ({ pk: 'acme', ...one }));
  const many = Array.from({ length: 25 }, (_, at) => ({ pk: 'many', id: `m${String(at).padStart(2, '0')}` }));
  await mongoClient
    .db()
    .collection('kinds')
    .insertMany([...kinds, ...odd, ...many].map((one) => ({ ...one })));
  t.teardown(async () => {
    client.destroy();
    await mongoClient.close();
  });
  const stores: StoreConfig = {
    dynamodb: { region: dynamo.config.region, endpoint: dynamo.endpoint, client: 'wire' },
    mongodbUri: mongo.uri,
    mongodbClient: 'leased',
  };
  return { stores, table };
}

const MORE: readonly Readonly<Record<string, unknown>>[] = [
  { id: 'plain' },
  { id: 'marked', mark: 'v1' },
  { id: 'unsendable', mark: 'a\nb' },
  { id: 'secret', secret: true },
  { id: 'empty', text: '' },
];

const ODD = 'ä 𝒳 "\\ #';
const HEADERS = { origin: 'https://a.example', 'x-mark': 'm', accept: ['a', 'b'] as unknown as string };

const cases: readonly (Case & { readonly says: number | string })[] = [
  { of: 'one item', url: '/kinds/plain?n=1&tag=a&tag=b', headers: HEADERS, says: 200 },
  { of: 'of the other store', url: '/kinds/plain?n=1', store: 'dynamodb', says: 200 },
  { of: 'consistently', url: '/kinds/plain', store: 'dynamodb', consistent: true, says: 200 },
  { of: 'an answer with a header of its own', url: '/kinds/marked', says: 200 },
  { of: 'the same of the other store', url: '/kinds/marked', store: 'dynamodb', says: 200 },
  { of: 'an empty text', url: '/kinds/empty', says: 200 },
  { of: 'HEAD', url: '/kinds/plain', method: 'HEAD', says: 200 },
  { of: 'no such item, and what its error may know', url: '/kinds/a%2Fb%20c?n=3', headers: HEADERS, says: 404 },
  { of: 'no such item of the other store', url: '/kinds/none', store: 'dynamodb', says: 404 },
  { of: 'an item that not everybody may see', url: '/kinds/secret', says: 403 },
  { of: 'an odd tenant', url: '/kinds/plain', tenant: ODD, says: 200 },
  { of: 'an odd tenant of nothing', url: '/kinds/plain', tenant: `${ODD}\u0000\ud800`, says: 404 },
  { of: 'a body of 2 MB', url: '/kinds/long', says: 200 },
  { of: 'a value that breaks the contract', url: '/kinds/wrong', says: 200 },
  { of: 'a value that no JSON has', url: '/kinds/nan', says: 'undecodable' },
  { of: 'a header that HTTP cannot carry', url: '/kinds/unsendable', says: 'undecodable' },
  { of: 'a call that the store calls wrong', url: '/kinds/refused', says: 'refused' },
  { of: 'a binding that throws', url: '/kinds/throws', says: 'TypeError' },
  { of: 'a page', url: '/kinds?limit=2', says: 200 },
  { of: 'a page of the other store', url: '/kinds?limit=2', store: 'dynamodb', says: 200 },
  { of: 'no page at all', url: '/kinds', tenant: 'nobody', says: 200 },
  { of: 'a page of nothing', url: '/kinds?limit=0', says: 400 },
  { of: 'a body', url: '/search', method: 'POST', body: { id: 'marked', list: [1.5, null] }, says: 200 },
  { of: 'claims', url: '/search', method: 'POST', claims: { sub: 'marked', deep: { roles: ['a'] } }, says: 200 },
  { of: 'a store that is not bound', url: '/search', method: 'POST', store: 'dynamodb', says: 'unavailable' },
];

t.test('the thread says what this one says', async (t) => {
  const sides = await withSides(t, await withStores(t));
  for (const { says, ...one } of cases) {
    const seen = await same(t, sides, one);
    t.equal(seen.ok ? seen.answer.status : ((seen.error as StoreError).failure ?? seen.error.name), says, one.of);
  }
  t.strictSame(sides.violations.thread, sides.violations.here);
  t.ok((sides.violations.here.get('getKind mongodb') ?? 0) > 0, 'something broke the contract');

  t.test('many at once, each its own', async (t) => {
    const all = Array.from({ length: 100 }, (_, at) => cases[at % cases.length] as (typeof cases)[number]);
    const seen = await Promise.all(all.map((one) => ask(sides, sides.thread, one)));
    const wanted = await Promise.all(all.map((one) => ask(sides, sides.here, one)));
    for (const [at, one] of seen.entries())
      t.strictSame(plain(one), plain(wanted[at] as Observation), String(all[at]?.of));
  });

  t.test('the page behind a cursor', async (t) => {
    const first = await same(t, sides, { of: 'the first', url: '/kinds?limit=10', tenant: 'many' });
    const next = /"next":"([^"]+)"/.exec(first.ok ? first.answer.body.toString() : '')?.[1] as string;
    const opened = cursors.open(next);
    if (!opened.ours) return t.fail('the cursor is not ours');
    const page = { url: `/kinds?limit=10&cursor=${next}`, tenant: 'many', cursor: opened.content };
    const second = await same(t, sides, { of: 'the second', ...page });
    t.match(second.ok && second.answer.body.toString(), /^\{"kinds":\[\{"id":"m10"/);
  });

  t.test('connections are told', async (t) => {
    for (const end = Date.now() + 5_000; Date.now() < end; await new Promise((done) => setTimeout(done, 50)))
      if ((sides.thread.connections().mongodb?.idle ?? 0) > 0) break;
    t.ok((sides.thread.connections().mongodb?.idle ?? 0) > 0);
    t.strictSame(Object.keys(sides.thread.connections()).sort(), ['dynamodb', 'mongodb']);
  });
});

t.test('a store that does not answer, one that hangs and one that wants less', async (t) => {
  const scripted = await startScripted([
    (response) =>
      void response.writeHead(400).end(JSON.stringify({ __type: 'a#ThrottlingException', message: 'less' })),
  ]);
  t.teardown(() => scripted.close());
  const stores: StoreConfig = {
    dynamodb: { region: 'eu-west-1', endpoint: scripted.endpoint, client: 'wire' },
    mongodbUri: 'mongodb://127.0.0.1:9/kinds?directConnection=true',
    mongodbClient: 'leased',
  };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' });
  const sides = await withSides(t, { stores, table: 'kinds' }, 500);
  const away = await ask(sides, sides.thread, { of: 'away', url: '/kinds/plain' });
  t.match(plain(away), { ok: false, name: 'StoreError', failure: /^(unavailable|timeout)$/ });
  const less = await same(t, sides, { of: 'throttled', url: '/kinds/plain', store: 'dynamodb' });
  t.match(plain(less), { ok: false, failure: 'throttled' });
});
