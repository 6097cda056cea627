import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { flagNames, type LoadOptions, loadBindings } from '../../src/bindings/load.ts';
import type { RenderInput } from '../../src/bindings/sources.ts';

const one = (properties: string) =>
  `responses: { '200': { description: x, content: { application/json: { schema: { type: object, properties: { ${properties} } } } } } }`;
const CONTRACT = `openapi: 3.0.3
info: { title: A, version: '1' }
servers: [{ url: https://a.example/v1 }]
paths:
  /things/{id}:
    get: { operationId: getThing, parameters: [{ name: id, in: path, required: true, schema: { type: string } }], ${one('a: { type: string, nullable: true }, b: { type: integer }, p: { $ref: "#/components/schemas/P" }')} }
    head: { operationId: headThing, parameters: [{ name: id, in: path, required: true, schema: { type: string } }], responses: { '204': { description: x } } }
    put: { operationId: putThing, parameters: [{ name: id, in: path, required: true, schema: { type: string } }], requestBody: { content: { application/json: { schema: { type: object } } } }, ${one('a: {}')} }
  /find:
    post: { operationId: findThings, requestBody: { content: { application/json: { schema: { type: object, required: [q] } } } }, ${one('items: { type: array, items: { type: object, properties: { a: {} } } }, next: { type: string }, more: { type: boolean }, total: { type: integer }, pages: { type: integer }')} }
  /all:
    get: { operationId: listAll, responses: { '200': { description: x, content: { application/json: { schema: { type: array, items: { type: object, properties: { a: {} } } } } } } } }
  /else:
    get: { operationId: kill, responses: { '200': { description: x } } }
components: { schemas: { P: { oneOf: [{ $ref: "#/components/schemas/Q" }, { $ref: "#/components/schemas/R" }] }, Q: { type: object, properties: { q: {} } }, R: { type: object, properties: { r: {} } } } }
`;
const GET = "dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'x', Key: { pk: tenant, sk: path.id } } })";
const FIND = "mongodb: ({ tenant }) => ({ find: { collection: 'x', filter: { tenant } } })";
const FIND_ONE = "mongodb: ({ tenant, path }) => ({ findOne: { collection: 'x', filter: { tenant, _id: path.id } } })";

async function loaded(
  t: Test,
  operations: string,
  api = '',
  { name = '.bindings.ts', ...options }: Partial<LoadOptions> & { name?: string } = {},
) {
  // A name of its own, since Node imports a file once.
  const stem = `b${randomBytes(4).toString('hex')}`;
  const file = join(t.testdir({ 'c.yaml': CONTRACT }), `${stem}${name}`);
  await writeFile(
    file,
    `export default { contract: './c.yaml', tenant: ({ headers }) => headers.t, ${api} operations: { ${operations} } };`,
  );
  const bindings = await loadBindings(file, { legacy: true, ...options });
  const of = (id: string) => {
    const found = bindings.operations.find((operation) => operation.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    return found;
  };
  return { bindings, of, file, stem };
}

const PAGE = { limit: 5, count: 1, more: true, next: 'n', total: 7, pages: 2 };
const input = (more: object) =>
  ({ item: undefined, items: undefined, request: {}, page: PAGE, ...more }) as unknown as RenderInput;

t.test('an operation without bindings is legacy’s; one with them can have what they and the API say', async (t) => {
  const { bindings, of, file, stem } = await loaded(t, `getThing: { ${GET}, ${FIND_ONE} }, listAll: { ${FIND} }`);
  t.match(bindings, { file, name: stem, basePath: '/v1' });
  t.strictSame(
    bindings.operations.map(({ index, id, flag, kind, offered, initial, isList }) => [
      index,
      id,
      flag.replace(stem, 'b'),
      kind,
      offered.join(' '),
      initial,
      isList,
    ]),
    [
      [0, 'getThing', 'b.getThing', 'read', 'legacy validate dynamodb shadow', 'legacy', false],
      [1, 'putThing', 'b.putThing', 'write', 'legacy', 'legacy', false],
      [2, 'headThing', 'b.headThing', 'read', 'legacy', 'legacy', false],
      [3, 'findThings', 'b.findThings', 'write', 'legacy', 'legacy', false],
      [4, 'listAll', 'b.listAll', 'read', of('listAll').offered.join(' '), 'legacy', true],
      [5, 'kill', flagNames('b', ['kill'])[0], 'read', 'legacy', 'legacy', false],
    ],
  );
  const { spec, stores, status, maxItems, refusesUnknown, parseBody, page, headers } = of('putThing');
  t.strictSame(
    { spec, stores, status, maxItems, refusesUnknown, parseBody, page, headers },
    {
      spec: undefined,
      stores: {},
      status: 200,
      maxItems: 1_000,
      refusesUnknown: false,
      parseBody: undefined,
      page: undefined,
      headers: undefined,
    },
  );
  t.equal(of('headThing').status, 204);
  t.strictSame(Object.keys(of('getThing').stores), ['dynamodb', 'mongodb']);
  t.ok(Object.isFrozen(bindings) && Object.isFrozen(of('getThing')) && Object.isFrozen(bindings.operations));
});

t.test('without legacy an operation begins in a store; what says how MongoDB is kept in step may go on', async (t) => {
  const fresh = "freshness: { by: 'a sink', within: '5s' },";
  const stages = async (operations: string, api: string, legacy: boolean) =>
    (await loaded(t, operations, api, { legacy })).of('getThing').offered.join(' ');
  t.equal(await stages(`getThing: { ${GET}, ${FIND_ONE} }`, '', false), 'dynamodb shadow');
  t.equal(await stages(`getThing: { ${GET}, ${FIND_ONE} }`, fresh, false), 'dynamodb shadow live complete');
  t.equal(await stages(`getThing: { ${fresh} ${GET}, ${FIND_ONE} }`, '', false), 'dynamodb shadow live complete');
  const { of } = await loaded(t, `getThing: { ${FIND_ONE} }`, '', { legacy: false });
  t.strictSame([of('getThing').offered, of('getThing').initial], [['complete'], 'complete']);
  t.strictSame([of('putThing').offered, of('putThing').initial], [[], 'legacy']);
});

t.test('what an operation says goes before what the API says', async (t) => {
  const own = `getThing: { ${GET}, unknownParameters: 'ignore', maxItems: 5, status: 203 }, listAll: { ${FIND} }`;
  const { bindings, of } = await loaded(t, own, "name: 'our things', basePath: '/v2', unknownParameters: 'refuse',");
  t.match(bindings, { name: 'our things', basePath: '/v2' });
  t.match(of('getThing'), { flag: 'our-things.getThing', refusesUnknown: false, maxItems: 5, status: 203 });
  t.match(of('listAll'), { refusesUnknown: true, maxItems: 1_000, status: 200 });
});

t.test('a body is read where the operation is bound, and a page where it says one', async (t) => {
  const { of } = await loaded(
    t,
    `findThings: { kind: 'read', ${FIND}, items: '/items', page: { limit: () => 5, next: '/next', more: '/more', total: '/total', pages: '/pages', position: ['a'], cursor: ({ query }) => query.c } }`,
  );
  const { kind, parseBody, page, isList, stores } = of('findThings');
  t.equal(kind, 'read');
  t.strictSame(parseBody?.(Buffer.from('{"q":1}'), 'application/json'), { q: 1 });
  t.throws(() => parseBody?.(Buffer.from('{}'), 'application/json'), { name: 'RequestError' });
  t.match(page, { issues: true });
  t.equal(isList, true);
  t.equal(
    stores.mongodb?.render(input({ items: [{ a: 1 }] })).toString(),
    '{"items":[{"a":1}],"next":"n","more":true,"total":7,"pages":2}',
  );
});

t.test(
  'a bare list, what is null where it is absent, what is open, which of two, and who is told of a violation',
  async (t) => {
    const broken: string[] = [];
    const options = { onViolation: (operation: string, origin: string) => void broken.push(`${operation} ${origin}`) };
    const bare = await loaded(t, `listAll: { ${FIND}, open: true }`);
    t.equal(
      bare
        .of('listAll')
        .stores.mongodb?.render(input({ items: [{ a: 1, b: 2 }] }))
        .toString(),
      '[{"a":1,"b":2}]',
    );
    t.equal(
      (await loaded(t, `listAll: { ${FIND} }`))
        .of('listAll')
        .stores.mongodb?.render(input({ items: [{ a: 1, b: 2 }] }))
        .toString(),
      '[{"a":1}]',
    );
    const written = async (operation: string, api = '') =>
      (await loaded(t, `getThing: { ${GET}, ${operation} }`, api, options))
        .of('getThing')
        .stores.dynamodb?.render(input({ item: { b: 'x', p: { q: 1, r: 2 } } }))
        .toString();
    t.equal(await written("absentAs: 'null'"), '{"a":null,"b":"x","p":{"q":1,"r":2}}');
    t.strictSame(broken, ['getThing dynamodb']);
    t.equal(await written('', "absentAs: 'null',"), '{"a":null,"b":"x","p":{"q":1,"r":2}}');
    t.equal(await written("variant: () => 'R'"), '{"b":"x","p":{"r":2}}');
    t.equal(await written("response: { '/a': 'p.q' }"), '{"a":1,"b":"x","p":{"q":1,"r":2}}');
    t.equal(await written('', "shapes: { Q: { '/q': 'r' } },"), '{"b":"x","p":{"q":2,"r":2}}');
  },
);

t.test(
  'what can be written from what a store sent is, each store in its way; what needs a decoded item is not',
  async (t) => {
    const { of } = await loaded(
      t,
      `getThing: { ${GET}, ${FIND_ONE} }, listAll: { ${FIND}, response: { '': (item) => item } }`,
    );
    const { dynamodb, mongodb } = of('getThing').stores;
    t.type(dynamodb?.renderWire, 'function');
    t.type(mongodb?.renderWire, 'function');
    t.not(dynamodb?.renderWire?.toString(), mongodb?.renderWire?.toString(), 'of its own kind');
    t.equal(of('listAll').stores.mongodb?.renderWire, undefined);
  },
);

const names: [name: string, expected: (stem: string) => string][] = [
  ['.bindings.ts', (stem) => stem],
  ['.ts', (stem) => stem],
  ['.mts', (stem) => stem],
  ['.bindings.mjs', (stem) => stem],
  ['.bindings.ts.js', (stem) => `${stem}.bindings.ts`],
];
for (const [name, expected] of names) {
  t.test(`an API that says no name is called by its module: …${name}`, async (t) => {
    const { bindings, stem } = await loaded(t, '', '', { name });
    t.equal(bindings.name, expected(stem));
  });
}

const wrong: [name: string, text: string | undefined, message: RegExp][] = [
  ['is not there', undefined, /none\.ts: there is no such file$/],
  ['cannot be imported', "throw new Error('no');", /none\.ts: cannot be imported: no$/],
  ['imports what is not there', "import './lost.ts';", /none\.ts: cannot be imported: Cannot find module .*lost\.ts/],
  [
    'imports a package that is not there',
    "import 'no-such-package';",
    /none\.ts: cannot be imported: Cannot find package 'no-such-package'/,
  ],
  ...[
    'export const bindings = {};',
    'export default null;',
    "export default 'x';",
    'export default {};',
    'export default { contract: 5 };',
  ].map((text): [string, string, RegExp] => [
    `says ${text}`,
    text,
    /none\.ts: must export by default what bind\(\{ contract, tenant, operations \}\) gives$/,
  ]),
  [
    'names an operation that is none',
    "export default { contract: './c.yaml', tenant: () => 'all', operations: { getThin: {} } };",
    /none\.ts#\/operations\/getThin: .*do you mean "getThing"/,
  ],
  [
    'names places that are none',
    `export default { contract: './c.yaml', tenant: () => 'all', operations: { getThing: { ${GET}, response: { '/x': 'y' }, items: '/lost', page: { position: ['a'], cursor: () => 'x' } } } };`,
    /none\.ts#\/operations\/getThing\/response\/\/x: the response schema has no \/x\n.*\/items: the response schema has no \/lost/,
  ],
  [
    'waives what is not there',
    "export default { contract: './c.yaml', tenant: () => 'all', operations: {}, gate: { waivers: [{ stratum: 'list:emty', reason: 'r', until: '2027-01-31' }] } };",
    /none\.ts#\/gate\/waivers\/0\/stratum: there is no "list:emty"/,
  ],
];
for (const [name, text, message] of wrong) {
  t.test(`a module that ${name} is said, with the place`, async (t) => {
    const folder = t.testdir({ 'c.yaml': CONTRACT });
    const file = join(folder, `${randomBytes(4).toString('hex')}-none.ts`);
    if (text !== undefined) await writeFile(file, text);
    await t.rejects(loadBindings(file, { legacy: true }), { name: 'ConfigError', message });
  });
}

t.test('names of flags: the operation’s, else with a digest of it', async (t) => {
  t.strictSame(flagNames('a b', ['getUser', 'get user', 'get/user', 'kill', 'sampling', 'x~y_z.0']), [
    'a-b.getUser',
    'a-b.get-user~d77d8f',
    'a-b.get-user~83c733',
    'a-b.kill~2bda9b',
    'a-b.sampling~52630e',
    'a-b.x~y_z.0',
  ]);
});
