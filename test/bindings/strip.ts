import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
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
  t.same(JSON.parse(run(join(folder, 'run.mjs'))), [7, 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX']);
});

t.test('without a package.json a module is told by its syntax, and Node’s own compiler stays unloaded', async (t) => {
  // Not below this project, whose package.json says that all are modules.
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-strip-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const files = {
    'a.ts': "import { b } from './b.ts';\nexport const a: number = b;\n",
    'b.ts': 'export const b: number = 7 as number;\n',
    'script.ts': 'const one: number = 1;\nmodule.exports = { one };\n',
    'strip.mjs': stripTypeScriptTypes(await readFile(join(ROOT, 'src/bindings/strip.ts'), 'utf8')),
    'run.mjs': `
      import { Session } from 'node:inspector';
      import { stripElsewhere } from './strip.mjs';
      const session = new Session();
      session.connect();
      let compilers = 0;
      session.on('Debugger.scriptParsed', ({ params }) => { compilers += params.url.includes('/amaro/') ? 1 : 0; });
      session.post('Debugger.enable');
            stripElsewhere();
      const { a } = await import('./a.ts');
      const read = compilers;
      const script = await import('./script.ts');
      console.log(JSON.stringify([a, read, script.default.one]));`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  t.same(JSON.parse(run(join(folder, 'run.mjs'))), [7, 0, 1]);
});

const run = (script: string): string =>
  execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', script], { encoding: 'utf8', env: {} });
