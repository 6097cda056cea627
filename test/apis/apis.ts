import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { BSON, MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { type Facade, type Reply, withFacade } from '../support/facade.ts';
import { type DynamoStore, eachDynamo, withMongo } from '../support/stores.ts';

/** Contracts that nobody here designed, with data for both stores and the replies of the originals; not part of the project. */
const FOLDER = join(import.meta.dirname, '../../../shared/apis');
const APIS = ['petclinic', 'movies', 'stripe'];

/** Cases whose expectation looks wrong: run and printed, but not asserted. API and name → why. */
const DISPUTED: Readonly<Record<string, string>> = {};

interface Case {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
  };
  readonly expect: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string | null>>;
    readonly body?: unknown;
    readonly bodySubset?: unknown;
    readonly bodyText?: string;
    readonly unordered?: readonly string[];
    readonly volatile?: readonly string[];
  };
}

const ACCOUNT = { 'stripe-account': 'acct_1NovaTea' };

/** What the originals' cases leave out, by API. */
const OWN: Readonly<Record<string, readonly Case[]>> = {
  movies: [
    {
      name: 'titles between two letters, the wrong way round',
      request: { method: 'GET', path: '/movies/1999?titleFrom=L&titleTo=A' },
      expect: { status: 200, body: { items: [] } },
    },
    {
      name: 'the first page of a scan',
      request: { method: 'GET', path: '/movies?fromYear=1900&toYear=2100&limit=100' },
      expect: { status: 200, bodySubset: {} },
    },
    {
      name: 'the last page of a scan',
      request: {
        method: 'GET',
        path: '/movies?fromYear=1900&toYear=2100&limit=100&nextToken={{the first page of a scan#/nextToken}}',
      },
      expect: { status: 200, bodySubset: { items: [{}, {}, {}, {}, {}, {}, {}] } },
    },
  ],
  stripe: [
    {
      name: 'an id that no store can hold is nobody',
      request: { method: 'GET', path: `/v1/customers?starting_after=${'x'.repeat(3_000)}`, headers: ACCOUNT },
      expect: { status: 400, bodySubset: { error: { code: 'resource_missing', param: 'starting_after' } } },
    },
    {
      name: 'a page back with its products expanded',
      request: {
        method: 'GET',
        path: '/v1/prices?limit=1&ending_before=price_4JuIYtmNTOJ43fH66mJpSQzK&expand[]=data.product',
        headers: ACCOUNT,
      },
      expect: { status: 200, bodySubset: { has_more: true, data: [{ product: { id: 'prod_dBGq247IcnhbC8' } }] } },
    },
    {
      name: 'a product with its price expanded, whose product is an id',
      request: { method: 'GET', path: '/v1/products/prod_IeBJll2cm0yo0D?expand[]=default_price', headers: ACCOUNT },
      expect: {
        status: 200,
        bodySubset: { default_price: { id: 'price_s8a8VroNT0eTDG0UJEkZlFrK', product: 'prod_IeBJll2cm0yo0D' } },
      },
    },
    {
      name: 'without an account',
      request: { method: 'GET', path: '/v1/customers' },
      expect: { status: 400, bodySubset: { error: { type: 'invalid_request_error' } } },
    },
  ],
};

const json = async (...path: string[]) => JSON.parse(await readFile(join(FOLDER, ...path), 'utf8'));

const isThere = await access(FOLDER).then(
  () => true,
  () => false,
);
if (!isThere) t.comment(`${FOLDER} is absent: the real APIs are left out`);
if (!isThere) t.pass('nothing to run');

for (const api of isThere ? APIS : []) {
  t.test(`${api}: both stores give the replies of the original`, async (t) => {
    await t.test('MongoDB', async (t) => {
      const mongo = await withMongo(t);
      await loadMongo(mongo.uri, await json(api, 'data', 'mongodb.json'));
      await runCases(t, api, 'complete', { MONGODB_URI: mongo.uri, AWS_REGION: 'eu-west-1' });
    });
    await eachDynamo(t, async (t, dynamo) => {
      const { tables } = await json(api, 'data', 'dynamodb.json');
      await loadDynamo(t, dynamo, tables);
      await runCases(t, api, 'dynamodb', {
        AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
        AWS_REGION: dynamo.config.region,
        MONGODB_URI: 'mongodb://127.0.0.1:9/none',
      });
    });
  });
}

async function runCases(t: Test, api: string, stage: string, env: Record<string, string>): Promise<void> {
  const file = join(import.meta.dirname, `${api}.bindings.ts`);
  const facade = await withFacade(t, { bindings: { file }, env });
  const operations = facade.app.bindings.operations.map(({ id }) => `  ${id}: { stage: ${stage} }\n`);
  await facade.stages(`operations:\n${operations.join('')}`);
  const cases: readonly Case[] = await json(api, 'cases.json');
  const replies = new Map<string, unknown>();
  for (const one of [...cases, ...(OWN[api] ?? [])]) {
    const wrong = await run(facade, one, replies);
    const disputed = DISPUTED[`${api}: ${one.name}`];
    if (disputed === undefined) t.same(wrong, [], one.name);
    else t.comment(`disputed (${disputed}): ${one.name}: ${wrong.join('; ') || 'as expected'}`);
  }
}

async function run(facade: Facade, { name, request, expect }: Case, replies: Map<string, unknown>): Promise<string[]> {
  const path = request.path.replace(/\{\{(.+?)#(.*?)\}\}/g, (_, other, pointer) =>
    encodeURIComponent(String(at(replies.get(other), pointer))),
  );
  const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
  const described: Record<string, string> =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  const reply = await facade.send(request.method, path, { ...described, ...request.headers }, body);
  replies.set(name, reply.json);
  return differencesOf(expect, reply);
}

function differencesOf(expect: Case['expect'], reply: Reply): string[] {
  const wrong: string[] = [];
  if (reply.status !== expect.status)
    wrong.push(`status: want ${expect.status}, have ${reply.status} ${reply.text.slice(0, 200)}`);
  for (const [name, value] of Object.entries(expect.headers ?? {})) {
    const have = reply.headers[name.toLowerCase()];
    if (have !== (value ?? undefined)) wrong.push(`header ${name}: want ${value}, have ${have}`);
  }
  if (expect.bodyText !== undefined && expect.bodyText !== reply.text)
    wrong.push(`body: want ${expect.bodyText}, have ${reply.text}`);
  const rules = { unordered: expect.unordered ?? [], volatile: expect.volatile ?? [] };
  if ('body' in expect) wrong.push(...differences(expect.body, reply.json, { ...rules, subset: false }));
  if ('bodySubset' in expect) wrong.push(...differences(expect.bodySubset, reply.json, { ...rules, subset: true }));
  return wrong;
}

interface Rules {
  readonly unordered: readonly string[];
  readonly volatile: readonly string[];
  readonly subset: boolean;
}

function differences(want: unknown, have: unknown, rules: Rules, pointer = ''): string[] {
  const differ = () => [`${pointer || '/'}: want ${JSON.stringify(want)}, have ${JSON.stringify(have)}`];
  if (rules.volatile.includes(pointer)) return typeof have === 'string' && have !== '' ? [] : differ();
  if (Array.isArray(want) && Array.isArray(have)) {
    if (rules.subset ? have.length < want.length : have.length !== want.length) return differ();
    const right = inOrder(have, pointer, rules);
    return inOrder(want, pointer, rules).flatMap((item, at) => differences(item, right[at], rules, `${pointer}/${at}`));
  }
  if (isObject(want) && isObject(have)) {
    const extra = rules.subset ? [] : Object.keys(have).filter((name) => !(name in want));
    return [
      ...extra.map((name) => `${pointer}/${name}: not expected, have ${JSON.stringify(have[name])}`),
      ...Object.keys(want).flatMap((name) => differences(want[name], have[name], rules, `${pointer}/${name}`)),
    ];
  }
  return Object.is(want, have) ? [] : differ();
}

function inOrder(list: readonly unknown[], pointer: string, { unordered }: Rules): readonly unknown[] {
  if (!unordered.includes(pointer)) return list;
  return [...list].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
}

/** JSON with its properties in order, so that equal objects sort alike. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`)
    .join()}}`;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const at = (value: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((inner, token) => (inner as Record<string, unknown> | undefined)?.[token], value);

interface Collection {
  readonly name: string;
  readonly indexes: readonly ({ readonly key: Record<string, 1 | -1> } & Record<string, unknown>)[];
  readonly documents: readonly object[];
}

async function loadMongo(uri: string, { collections }: { collections: readonly Collection[] }): Promise<void> {
  const client = new MongoClient(uri);
  try {
    for (const { name, indexes, documents } of collections) {
      const collection = client.db().collection(name);
      for (const { key, ...options } of indexes) await collection.createIndex(key, options);
      await collection.insertMany(documents.map((document) => BSON.EJSON.deserialize(document, { relaxed: false })));
    }
  } finally {
    await client.close();
  }
}

interface Table {
  readonly definition: CreateTableCommandInput;
  readonly items: readonly Record<string, never>[];
}

/** The tables have the names that the bindings know; no other test has any of that name. */
async function loadDynamo(t: Test, { config }: DynamoStore, tables: readonly Table[]): Promise<void> {
  const client = new DynamoDBClient(config);
  t.teardown(async () => {
    for (const { definition } of tables) await client.send(new DeleteTableCommand({ TableName: definition.TableName }));
    client.destroy();
  });
  for (const { definition, items } of tables) {
    await client.send(new CreateTableCommand(definition));
    for (let index = 0; index < items.length; index += 25) {
      const puts = items.slice(index, index + 25).map((Item) => ({ PutRequest: { Item } }));
      await client.send(new BatchWriteItemCommand({ RequestItems: { [String(definition.TableName)]: puts } }));
    }
  }
}
