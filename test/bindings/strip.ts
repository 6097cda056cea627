import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { stripped } from '../../src/bindings/strip.ts';

const ROOT = join(import.meta.dirname, '../..');

t.test('types are taken out as Node does it', async (t) => {
  const file = join(ROOT, 'openapi/photos.bindings.ts');
  t.equal(stripped(file), stripTypeScriptTypes(await readFile(file, 'utf8')));
});

t.test('what Node cannot read is left to it', async (t) => {
  const folder = t.testdir({ 'enum.ts': 'export enum A { B }\n' });
  t.equal(stripped(join(folder, 'enum.ts')), undefined);
  t.equal(stripped(join(folder, 'nothing.ts')), undefined);
});

t.test('modules are imported so, those that they import too; what is wrong is said by Node', async (t) => {
  const folder = t.testdir({
    'package.json': '{ "type": "module" }',
    'a.ts': "import { b } from './b.ts';\nexport const a: number = b;\n",
    'b.ts': 'export const b: number = 7 as number;\n',
    'enum.ts': 'export enum A { B }\n',
    'run.mjs': `
      import { stripElsewhere } from ${JSON.stringify(pathToFileURL(join(ROOT, 'src/bindings/strip.ts')).href)};
      stripElsewhere();
      const { a } = await import('./a.ts');
      const wrong = await import('./enum.ts').catch(({ code }) => code);
      console.log(JSON.stringify([a, wrong]));`,
  });
  const words = ['--disable-warning=ExperimentalWarning', join(folder, 'run.mjs')];
  const said = execFileSync(process.execPath, words, { encoding: 'utf8', env: {} });
  t.same(JSON.parse(said), [7, 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX']);
});
