import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadContract } from '../../src/contract/load.ts';
import { toFastifyPath } from '../../src/contract/route.ts';
import { ConfigError } from '../../src/errors.ts';

t.test('operations, with and without an operationId, path parameters shared by a path', async (t) => {
  const folder = t.testdir({
    'c.yaml': `
openapi: 3.1.0
info: { title: T, version: '2' }
servers: [{ url: 'https://{host}/base/{v}/', variables: { host: { default: h }, v: { default: v1 } } }]
paths:
  /users/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
    get:
      parameters: [{ name: q, in: query, schema: { type: [string, 'null'] } }]
      responses: { '200': { $ref: '#/components/responses/User' }, 4XX: { description: Bad } }
components:
  responses:
    User: { description: U, headers: { ETag: { schema: { type: string } } }, content: { application/hal+json: { schema: { $ref: '#/components/schemas/User' } } } }
  schemas:
    User: { allOf: [{ $ref: '#/components/schemas/Base' }, { type: object, required: [name], properties: { name: { type: string }, boss: { $ref: '#/components/schemas/User' } } }] }
    Base: { type: object, properties: { id: { type: integer } } }
`,
  });
  const contract = await loadContract(join(folder, 'c.yaml'));
  t.match(contract, { openapi: '3.1', title: 'T', version: '2', basePath: '/base/v1', schemas: ['User', 'Base'] });
  const [operation] = contract.operations;
  t.match(operation, {
    id: 'get-users-id',
    method: 'GET',
    path: '/users/{id}',
    statuses: ['200', '4XX'],
    headers: ['etag'],
  });
  t.same(
    operation?.parameters.map(({ name, in: where }) => `${where} ${name}`),
    ['path id', 'query q'],
  );
  const shape = operation?.success.shape;
  t.match(shape, { kind: 'object', name: 'User' });
  if (shape?.kind !== 'object') return t.fail('no object');
  t.same(
    shape.properties.map(({ name, required }) => [name, required]),
    [
      ['id', false],
      ['name', true],
      ['boss', false],
    ],
  );
  t.equal(shape.properties[2]?.shape, shape, 'a recursive schema is a cycle');
});

for (const [says, text, message] of [
  ['no YAML', 'a: [', /cannot be parsed/],
  ['Swagger 2', "swagger: '2.0'", /not an OpenAPI 3.0 or 3.1/],
  ['no paths', "openapi: 3.0.0\ninfo: { title: T, version: '1' }", /paths/],
] as const) {
  t.test(`${says}: an error that names the file`, async (t) => {
    const file = join(t.testdir({ 'c.yaml': text }), 'c.yaml');
    await t.rejects(loadContract(file), { name: 'ConfigError', problems: [{ where: file, message }] });
  });
}

t.test('a file that is not there', async (t) => {
  await t.rejects(loadContract('/none.yaml'), ConfigError);
});

t.test('real contracts', async (t) => {
  const apis = join(import.meta.dirname, '../../../shared/apis');
  if (!existsSync(apis)) return t.comment('the contracts of real APIs are not beside this checkout: not read');
  for (const [name, basePath, operations] of [
    ['petclinic', '/petclinic/api', 15],
    ['movies', '', 3],
    ['stripe', '', 6],
  ] as const) {
    const contract = await loadContract(join(apis, name, 'contract.yaml'));
    t.equal(contract.basePath, basePath);
    t.ok(contract.operations.length >= Math.min(operations, 3), `${name} has ${contract.operations.length} operations`);
  }
});

t.test('templates as routes', async (t) => {
  t.equal(toFastifyPath('/a/{order-id}/b:c'), '/a/:p0/b::c');
  t.equal(toFastifyPath('/a/{x}/{y}'), '/a/:p0/:p1');
});
