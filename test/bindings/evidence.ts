import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { evidenceId } from '../../src/bindings/evidence.ts';

const CONTRACT = Buffer.from('openapi: 3.0.3\n');
const MODULE = `import { bind } from 'crossfade';
import rules from './rules.ts';
export { more } from "../more.ts";
const late = () => import('./late.ts');
`;
const FILES = {
  api: {
    'b.ts': MODULE,
    'rules.ts': "import gate from './b.gate.json' with { type: 'json' };\nimport './b.ts';\nexport default [];\n",
    'late.ts': 'export {};\n',
    'b.gate.json': '{ "days": 3 }',
  },
  'more.ts': 'export const more = 1;\n',
  'unused.ts': 'export const none = 1;\n',
};
type Tree = { [name: string]: string | Tree };

/** The id of these files, some of them changed, gone, or more. */
async function idOf(
  t: Test,
  changed: Record<string, string | undefined> = {},
  contract: Buffer = CONTRACT,
  version = '1.2.3',
) {
  const tree = structuredClone(FILES) as unknown as { api: Record<string, string> } & Record<string, string>;
  for (const [path, text] of Object.entries(changed)) {
    const within: Record<string, string> = path.startsWith('api/') ? tree.api : tree;
    const name = path.replace('api/', '');
    if (text === undefined) delete within[name];
    else within[name] = text;
  }
  return evidenceId(join(t.testdir(tree as Tree as never), 'api', 'b.ts'), contract, version);
}

t.test(
  'an id is of what was compared: contract, version, and the modules in the order in which they are imported',
  async (t) => {
    const texts = [MODULE, FILES.api['rules.ts'], FILES['more.ts'], FILES.api['late.ts']];
    const hash = createHash('sha256').update('crossfade 1\n').update(CONTRACT);
    for (const text of texts) hash.update('\n').update(text);
    t.equal(
      await idOf(t),
      hash.digest('hex').slice(0, 12),
      'the same as before: what it was evidence for still counts',
    );
  },
);

const same: [name: string, changed: Record<string, string | undefined>, version?: string][] = [
  ['a file that nothing imports', { 'unused.ts': 'x' }],
  ['figures of a gate', { 'api/b.gate.json': '{ "days": 5 }' }],
  ['figures of gates by operation', { 'api/b.gate.json': '{ "getUser": { "days": 5 }, "x": {} }' }],
  ['waivers', { 'api/b.gate.json': '{ "waivers": [{ "stratum": "a", "reason": "b", "until": "2026-01-01" }] }' }],
  ['no waivers', { 'api/b.gate.json': '{ "waivers": [] }' }],
  ['a gate that is not there', { 'api/b.gate.json': undefined }],
  ['another minor version', {}, '1.9.0'],
];
for (const [name, changed, version] of same) {
  t.test(`the same evidence: ${name}`, async (t) => {
    t.equal(await idOf(t, changed, CONTRACT, version), await idOf(t));
  });
}

/** What a file beside the bindings holds that is no figures of a gate: rules that are kept there count. */
const kept = [
  '{ "rules": [] }',
  '{ "days": [3] }',
  '{ "days": { "a": 1 } }',
  '{ "waivers": "all" }',
  '{ "waivers": ["all"] }',
  '{ "waivers": [{ "stratum": "a", "rule": "b" }] }',
  '{ "waivers": [{ "stratum": ["a"] }] }',
  '{ "waivers": [{ "stratum": "a" }, { "stratum": 5 }] }',
  '{ "getUser": { "days": 5 }, "x": 5 }',
  '{ "getUser": { "rules": [] } }',
  '[]',
  '[{ "days": 5 }]',
  'null',
  '5',
  '"days"',
  '{ "days": ',
];
const others: [name: string, changed: Record<string, string | undefined>, contract?: Buffer, version?: string][] = [
  ['the bindings', { 'api/b.ts': `${MODULE}\n` }],
  ['what they import', { 'api/rules.ts': FILES.api['rules.ts'].replace('[]', '[1]') }],
  ['what they export from', { 'more.ts': 'export const more = 2;\n' }],
  ['what they import late', { 'api/late.ts': 'export { };\n' }],
  ['a file that is gone', { 'api/late.ts': undefined }],
  ['the contract', {}, Buffer.from('openapi: 3.0.2\n')],
  ['the major version', {}, CONTRACT, '2.2.3'],
  ['a minor version before 1.0', {}, CONTRACT, '0.2.3'],
  ...kept.map((text): [string, Record<string, string>] => [
    `a gate's file that holds ${text}`,
    { 'api/b.gate.json': text },
  ]),
];
for (const [name, ...given] of others) {
  t.test(`other evidence: ${name}`, async (t) => {
    t.not(await idOf(t, ...given), await idOf(t));
  });
}

t.test('before 1.0 a minor version counts, and a patch does not', async (t) => {
  const of = (version: string) => idOf(t, {}, CONTRACT, version);
  t.equal(await of('0.2.3'), await of('0.2.9'));
  t.not(await of('0.2.3'), await of('0.3.3'));
});

/** As the runtime finds a module, whatever is written. */
const specifiers: [specifier: string, found: boolean][] = [
  ['./rules.ts?v=2', true],
  ['./rules.ts#x', true],
  ['./r%75les.ts', true],
  ['.\\u002f', false],
  ['../api/rules.ts', true],
  ['./%2f%E0', false],
  ['rules.ts', false],
];
for (const [specifier, counts] of specifiers) {
  t.test(`an import of ${specifier}`, async (t) => {
    const module = { 'api/b.ts': `import rules from '${specifier}';\n` };
    const without = await idOf(t, { ...module, 'api/rules.ts': undefined });
    t.equal((await idOf(t, module)) !== without, counts);
  });
}

t.test('a gate’s figures under another name are a module as any other', async (t) => {
  const module = { 'api/b.ts': "import gate from './b.json' with { type: 'json' };\n" };
  t.not(
    await idOf(t, { ...module, 'api/b.json': '{ "days": 3 }' }),
    await idOf(t, { ...module, 'api/b.json': '{ "days": 4 }' }),
  );
});

t.test('our own modules are what the version is for', async (t) => {
  const file = join(import.meta.dirname, '../../src/bindings/evidence.ts');
  const bare = createHash('sha256').update('crossfade 1\n').update(CONTRACT).digest('hex').slice(0, 12);
  t.equal(await evidenceId(file, CONTRACT, '1.0.0'), bare);
  t.equal(
    await evidenceId(join(t.testdir({}), 'none.ts'), CONTRACT, '1.0.0'),
    bare,
    'nor is there anything of a file that is not there',
  );
});
