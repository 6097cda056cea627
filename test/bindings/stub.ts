import t from 'tap';
import { stubOf } from '../../src/bindings/stub.ts';
import type { Contract, Operation } from '../../src/model/operation.ts';
import type { Shape } from '../../src/model/shape.ts';
import { operationOf, parameter } from '../support/bound.ts';

const TEXT = { type: 'string' };
const stub = (...operations: Operation[]) =>
  stubOf({ title: 'Things', version: '2', operations } as unknown as Contract, {
    ...{ contract: './c.yaml', crossfade: 'crossfade', name: 'things' },
  });
const success = (shape: unknown): Partial<Operation> => ({
  success: { status: 200, type: 'application/json', shape: shape as Shape | undefined },
});
const property = (name: string, shape: unknown) => ({ name, shape });
const LIST = { kind: 'array', items: { kind: 'object', properties: [] } };
const object = (...properties: unknown[]) => success({ kind: 'object', properties });

t.test('a module that binds nothing yet', async (t) => {
  t.equal(
    stub(),
    `import { bind, key } from 'crossfade';

/** Which store call answers each read of Things 2, and how its items become the response. */
export default bind({
  contract: './c.yaml',
  name: 'things',
  // Whom a request belongs to: stages are decided by it, and every call must carry it. An API without tenants: () => 'all'
  tenant: ({ headers }) => headers['x-tenant-id'],
  // Who may ask, where a store answers: a gateway's proof, 'jwt' or 'forward'. It must be said where the contract asks for credentials
  auth: { mode: 'gateway' },
  // errors: { notFound: ({ message }) => ({ body: { error: { code: 'NOT_FOUND', message } } }) },
  // freshness: { by: 'how MongoDB is kept in step', within: '5s' },

  operations: {
  },
});
`,
  );
});

/** An operation, and what stands in \`operations\` of it. */
const operations: [name: string, operation: Operation, text: string][] = [
  [
    'one thing by its path',
    operationOf('getThing', [
      parameter('kind', 'path', TEXT),
      parameter('id', 'path', TEXT),
      parameter('lang', 'query', { type: ['string', 'null'] }),
      parameter('any', 'query', true, true),
      parameter('x-a', 'header', {}, false),
    ]),
    `    // GET /getThing
    // path: kind (string), id (string)
    // query: lang? (string|null), any
    // header: x-a?
    getThing: {
      // dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: '…', Key: { pk: key\`…#\${tenant}\`, sk: path.id } } }),
      // mongodb: ({ tenant, path }) => ({ findOne: { collection: '…', filter: { tenantId: tenant, _id: path.id } } }),
    },
`,
  ],
  [
    'one thing without a path',
    operationOf('getAll', [parameter('q', 'query', TEXT)], { method: 'HEAD', path: '/all' }),
    `    // HEAD /all
    // query: q? (string)
    getAll: {
      // dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: '…', Key: { pk: key\`…#\${tenant}\`, sk: '…' } } }),
      // mongodb: ({ tenant, path }) => ({ findOne: { collection: '…', filter: { tenantId: tenant, _id: '…' } } }),
    },
`,
  ],
  [
    'a bare list',
    operationOf('list', [], success({ kind: 'array', items: { kind: 'object' } })),
    `    // GET /list
    list: {
      // dynamodb: ({ tenant, path, query, page }) => ({ Query: { TableName: '…', KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': tenant } } }),
      // mongodb: ({ tenant, path, query, page }) => ({ find: { collection: '…', filter: { tenantId: tenant }, sort: { sk: 1 }, after: page.after } }),
    },
`,
  ],
  [
    'a list of what a path names, in pages, whose names are no identifiers',
    operationOf(
      'list-of-it',
      [
        parameter('a-b', 'path', TEXT),
        parameter('limit', 'header', TEXT),
        parameter('Page_Size', 'query', TEXT),
        parameter("page's", 'query', TEXT),
        parameter('cursor', 'query', TEXT),
      ],
      { path: '/of/{a-b}/list', ...object(property('more', { kind: 'scalar' }), property('items', LIST)) },
    ),
    `    // GET /of/{a-b}/list
    // path: a-b (string)
    // query: Page_Size? (string), page's? (string), cursor? (string)
    // header: limit? (string)
    'list-of-it': {
      // dynamodb: ({ tenant, path, query, page }) => ({ Query: { TableName: '…', KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': tenant } } }),
      // mongodb: ({ tenant, path, query, page }) => ({ find: { collection: '…', filter: { tenantId: tenant, parent: path['a-b'] }, sort: { sk: 1 }, after: page.after } }),
      // items: '/items',
      // page: { limit: ({ query }) => query.Page_Size, cursor: ({ query }) => query.cursor, position: ['sk'] },
    },
`,
  ],
];
for (const [name, operation, text] of operations) {
  t.test(`a sketch of ${name}`, async (t) => {
    t.equal(stub(operation).split('  operations: {\n')[1], `${text}  },\n});\n`);
  });
}

t.test('several reads follow each other, and writes are named below', async (t) => {
  const text = stub(
    operationOf('a', []),
    operationOf('put', [], { method: 'PUT' }),
    operationOf('b', []),
    operationOf('post', [], { method: 'POST' }),
  );
  t.match(text, /\n {4}\},\n\n {4}\/\/ GET \/b\n/);
  t.notMatch(text, / (put|post): \{/);
  t.ok(
    text.endsWith("\n// Writes, which pass to legacy: put, post. One that only reads is bound with kind: 'read'.\n"),
  );
});

const paging: [part: 'limit' | 'cursor', names: string[]][] = [
  ['limit', ['limit', 'page_size', 'pageSize', 'per_page', 'size', 'first']],
  ['cursor', ['cursor', 'after', 'starting_after', 'next', 'page_token', 'pageToken']],
];
for (const [part, names] of paging)
  for (const name of names) {
    t.test(`${name} is a ${part}`, async (t) => {
      const text = stub(operationOf('x', [parameter(name, 'query', TEXT)], success({ kind: 'array', items: LIST })));
      const position = part === 'cursor' ? ", position: ['sk']" : '';
      t.match(text, `      // page: { ${part}: ({ query }) => query.${name}${position} },\n`);
    });
  }

const scalar = { kind: 'scalar' };
/** Shapes of a response, and where its list is: nowhere where it is one thing. */
const lists: [name: string, path: string, more: Partial<Operation>, items: string | undefined][] = [
  ['one list', '/x', object(property('items', LIST)), '/items'],
  [
    'one list among six',
    '/x',
    object(property('items', LIST), ...['a', 'b', 'c', 'd', 'e'].map((name) => property(name, scalar))),
    '/items',
  ],
  [
    'one list among seven: a thing that has a list',
    '/x',
    object(property('items', LIST), ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => property(name, scalar))),
    undefined,
  ],
  ['two lists', '/x', object(property('items', LIST), property('others', LIST)), undefined],
  ['a list of texts', '/x', object(property('tags', { kind: 'array', items: scalar })), undefined],
  [
    'a list of texts beside one of things',
    '/x',
    object(property('tags', { kind: 'array', items: scalar }), property('items', LIST)),
    '/items',
  ],
  ['no list', '/x', object(property('a', scalar)), undefined],
  ['a thing that a path names', '/x/{id}', object(property('items', LIST)), undefined],
  ['a text', '/x', success(scalar), undefined],
  ['nothing', '/x', success(undefined), undefined],
];
for (const [name, path, more, items] of lists) {
  t.test(`where the list is: ${name}`, async (t) => {
    const text = stub(operationOf('x', [], { path, ...more }));
    t.equal(/ Query: /.test(text), items !== undefined);
    t.equal(/ GetItem: /.test(text), items === undefined);
    t.equal(/items: '(.*)',/.exec(text)?.[1], items);
  });
}

t.test('words of a contract stay within their comments and strings', async (t) => {
  const evil = `*/ ' " \\ \u2028\n`;
  const text = stubOf({ title: evil, version: '1', operations: [operationOf(evil, [])] } as unknown as Contract, {
    ...{ contract: evil, crossfade: evil, name: evil },
  });
  const quoted = `'*/ \\' " \\\\  \\n'`;
  t.ok(text.startsWith(`import { bind, key } from ${quoted};\n`));
  t.match(text, `each read of * / ' " \\    1, and how`);
  t.match(text, `    ${quoted}: {\n`);
  t.match(text, `    // GET /* / ' " \\   \n`);
});
