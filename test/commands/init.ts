import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import * as check from '../../src/commands/check.ts';
import * as init from '../../src/commands/init.ts';
import type { Io } from '../../src/commands/io.ts';
import { CONTRACT } from '../support/shadow.ts';

async function shell(t: Test) {
  const cwd = t.testdir();
  const printed: string[] = [];
  const io: Io = { out: (text) => void printed.push(text), err: () => {}, env: {}, cwd, color: false };
  const run = async (...words: string[]) => {
    printed.length = 0;
    await init.command(io).exitOverride().parseAsync(words, { from: 'user' });
    return printed.join('');
  };
  const checked = async (file: string) => {
    printed.length = 0;
    const code = await check.run(io, join(cwd, file), { runs: '5', seed: '1' });
    return { code, text: printed.join('') };
  };
  return { cwd, run, checked };
}

const contracts: [string, () => Promise<string>][] = [
  ['photos', () => readFile(join(import.meta.dirname, '../../openapi/photos.yaml'), 'utf8')],
  ['notes', async () => CONTRACT],
];
for (const [name, contract] of contracts) {
  t.test(`${name}: a module with every read, which check accepts, and which is not written over`, async (t) => {
    const { cwd, run, checked } = await shell(t);
    await writeFile(join(cwd, `${name}.yaml`), await contract());
    t.match(await run(`${name}.yaml`), `${name}.bindings.ts:`);
    const text = await readFile(join(cwd, `${name}.bindings.ts`), 'utf8');
    t.match(await checked(`${name}.bindings.ts`), { code: 0, text: /0 problems/ });
    await t.rejects(run(`${name}.yaml`), { name: 'UsageError', message: /is there already/ });
    t.equal(await readFile(join(cwd, `${name}.bindings.ts`), 'utf8'), text);
  });
}

t.test('what a read takes, and where its list and pages are', async (t) => {
  const { cwd, run } = await shell(t);
  await writeFile(join(cwd, 'notes.yaml'), CONTRACT);
  await run('notes.yaml');
  const text = await readFile(join(cwd, 'notes.bindings.ts'), 'utf8');
  t.match(
    text,
    /\/\/ GET \/notes\/\{id\}\n {4}\/\/ path: id \(string\)\n {4}\/\/ query: lang\? \(string\)\n {4}getNote: \{\n {6}\/\/ dynamodb: .*GetItem/,
  );
  t.match(
    text,
    /listNotes: \{[\s\S]*Query[\s\S]*items: '\/notes',\n.*page: \{ limit: \(\{ query \}\) => query.limit, cursor: \(\{ query \}\) => query.cursor/,
  );
});

t.test('words of a contract stay within their comments and strings', async (t) => {
  const { cwd, run, checked } = await shell(t);
  const evil = `*/ process.exit(9); /* ' " \\u2028 \${x} \``;
  const contract = {
    openapi: '3.1.0',
    info: { title: evil, version: evil },
    paths: {
      "/it's/{a-b}": {
        get: {
          operationId: `get '${evil}`,
          parameters: [
            { name: 'a-b', in: 'path', required: true, schema: { type: 'string' } },
            { name: `x'y`, in: 'query', schema: { type: ['string', 'null'] } },
          ],
          responses: {
            200: {
              description: 'x',
              content: { 'application/json': { schema: { type: 'array', items: { type: 'object' } } } },
            },
          },
        },
      },
    },
  };
  await writeFile(join(cwd, 'evil.json'), JSON.stringify(contract));
  await run('evil.json', '--out', 'out.ts');
  t.match(await checked('out.ts'), { code: 0 });
});

t.test('a contract that is none is said', async (t) => {
  const { cwd, run } = await shell(t);
  await t.rejects(run('nothing.yaml'), { name: 'ConfigError', message: /cannot be read/ });
  await writeFile(join(cwd, 'other.yaml'), 'swagger: "2.0"\n');
  await t.rejects(run('other.yaml'), { name: 'ConfigError', message: /not an OpenAPI 3/ });
});
