import t from 'tap';
import { check } from '../support/checking.ts';

const GET =
  "dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'things', Key: { pk: tenant, sk: key`${path.kind}#${path.id}` } } })";
const PAGED = (sort: string, position: string) =>
  `mongodb: ({ tenant, page }) => ({ find: { collection: 'things', filter: { tenant }, sort: ${sort}, after: page.after } }), items: '/items', page: { cursor: ({ query }) => query.cursor, position: ${position}, next: '/next' }`;

t.test('good bindings have no problem', async (t) => {
  t.match(await check(t, `getThing: { ${GET} }, listThings: { ${PAGED('{ name: 1 }', "['name']")} }`), {
    code: 0,
    text: /2 operations bound, 0 problems/,
  });
});

const rows: [string, string, RegExp, number?][] = [
  [
    'an operationId that the contract lacks',
    `getThings: { ${GET} }`,
    /b\.ts#\/operations\/getThings: .*do you mean "getThing"/,
    2,
  ],
  [
    'a response path that the schema lacks',
    `getThing: { ${GET}, response: { '/nome': 'x' } }`,
    /getThing\/response\/\/nome: .*no \/nome/,
    2,
  ],
  [
    'a writing call',
    "getThing: { dynamodb: () => ({ DeleteItem: { TableName: 'x', Key: {} } }) }",
    /getThing\/dynamodb: DeleteItem is a writing call/,
  ],
  [
    'a writing stage',
    "getThing: { mongodb: ({ tenant }) => ({ aggregate: { collection: 'x', pipeline: [{ $match: { tenant } }, { $out: 'y' }] } }) }",
    /getThing\/mongodb: \$out writes/,
  ],
  [
    'no tenant in a key',
    'getThing: { dynamodb: ({ path }) => ({ GetItem: { TableName: "x", Key: { pk: key`${path.kind}` } } }) }',
    /getThing\/dynamodb: the tenant is neither/,
  ],
  [
    'no tenant in a filter',
    'getThing: { mongodb: ({ path }) => ({ findOne: { collection: "x", filter: { _id: path.id } } }) }',
    /getThing\/mongodb: no key or filter carries the tenant/,
  ],
  [
    'a key that two inputs share',
    'getThing: { dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: "x", Key: { pk: tenant, sk: `${path.kind}#${path.id}` } } }) }',
    /getThing\/dynamodb: .*ask for one key/,
  ],
  ['a binding that throws', 'getThing: { dynamodb: ({ body }) => body.x }', /getThing\/dynamodb: throws /],
  [
    'a value that becomes an expression',
    'listThings: { dynamodb: ({ tenant, query }) => ({ Query: { TableName: "x", KeyConditionExpression: "pk = :t", FilterExpression: query.cursor ? `n = ${query.cursor}` : undefined, ExpressionAttributeValues: { ":t": tenant } } }), items: "/items" }',
    /changes the structure/,
  ],
  [
    'a cursor that cannot travel',
    `listThings: { ${PAGED('{ name: 1, at: -1 }', "['name']")} }`,
    /listThings\/page\/position: lacks at/,
  ],
  [
    'a reserved word',
    'listThings: { dynamodb: ({ tenant }) => ({ Query: { TableName: "x", KeyConditionExpression: "user = :t", ExpressionAttributeValues: { ":t": tenant } } }), items: "/items" }',
    /"user" is a reserved word of DynamoDB; write #user/,
  ],
  [
    'a value that is not defined',
    'listThings: { dynamodb: ({ tenant }) => ({ Query: { TableName: "x", KeyConditionExpression: "pk = :t AND sk = :s", ExpressionAttributeValues: { ":t": tenant } } }), items: "/items" }',
    /uses :s, which is not defined/,
  ],
];

for (const [says, operations, message, code = 1] of rows) {
  t.test(`${says} is found`, async (t) => {
    const found = await check(t, operations);
    t.match(found.text, message);
    t.equal(found.code, code);
  });
}
