import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { run } from '../../src/commands/check.ts';

const CONTRACT = `
openapi: 3.0.3
info: { title: Things, version: '1' }
paths:
  /things/{kind}/{id}:
    get:
      operationId: getThing
      parameters:
        - { name: kind, in: path, required: true, schema: { type: string } }
        - { name: id, in: path, required: true, schema: { type: string } }
      responses: { '200': { description: One, content: { application/json: { schema: { type: object, properties: { name: { type: string } } } } } } }
  /things:
    get:
      operationId: listThings
      parameters: [{ name: cursor, in: query, schema: { type: string } }]
      responses: { '200': { description: All, content: { application/json: { schema: { type: object, properties: { items: { type: array, items: { type: object, properties: { name: {} } } }, next: { type: string } } } } } } }
`;

const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;

/** Each module has a name of its own, since Node imports a file once. */
function folder(t: Test, name: string, operations: string): string {
  const text = `import { bind, key } from '${index}';
export default bind({ contract: './c.yaml', tenant: ({ headers }) => headers['x-tenant-id'], operations: { ${operations} } });`;
  return t.testdir({ 'c.yaml': CONTRACT, [name]: text });
}

/** `crossfade check` of a module with these operations. */
export async function check(
  t: Test,
  operations: string,
  env = {},
  connect = false,
): Promise<{ code: number; text: string }> {
  const name = `${randomBytes(4).toString('hex')}-b.ts`;
  const cwd = folder(t, name, operations);
  let text = '';
  const out = (more: string) => {
    text += more;
  };
  const io = { out, err: () => undefined, env, cwd, color: false };
  try {
    const code = await run(io, join(cwd, name), { runs: '10', seed: '1', connect });
    return { code, text };
  } catch (error) {
    return { code: 2, text: (error as Error).message };
  }
}
