import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SaxesParser } from 'saxes';
import t, { type Test } from 'tap';
import { evidenceId } from '../../src/bindings/evidence.ts';
import { type GateOptions, run } from '../../src/commands/gate.ts';
import type { Io } from '../../src/commands/io.ts';
import { openPlace } from '../../src/commands/moving.ts';
import { command as stageCommand } from '../../src/commands/stage.ts';
import { VERSION } from '../../src/config.ts';
import { openResults } from '../../src/drivers/results.ts';
import { UsageError } from '../../src/errors.ts';
import type { AuditRow, ReplayRow, Result } from '../../src/results/rows.ts';
import { createWriter } from '../../src/results/writer.ts';
import { crossfade } from '../support/process.ts';
import { finding, result } from '../support/results.ts';
import { CONTRACT } from '../support/shadow.ts';
import { withMongo } from '../support/stores.ts';

const index = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href;
const bindings = (more: string) => `import { bind } from ${JSON.stringify(index)};
import gate from './notes.gate.json' with { type: 'json' };
export default bind({
  contract: './contract.yaml',
  name: 'notes',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'the test', within: '1s' },
  operations: {
    getNote: {
      dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'notes', Key: { pk: tenant, id: path.id } } }),
      mongodb: ({ tenant, path }) => ({ findOne: { collection: 'notes', filter: { pk: tenant, id: path.id } } }),
      ${more}
    },
  },
});
`;

const DAY = 86_400_000;

/** Notes at `shadow`, with results that writers write for them, and no façade. */
async function bench(t: Test, more = '', stage = 'shadow') {
  const { uri } = await withMongo(t);
  const folder = t.testdir({
    'contract.yaml': CONTRACT,
    'stages.yaml': `operations: { getNote: { stage: ${stage} } }\n`,
    'notes.bindings.ts': bindings(more),
    'notes.gate.json': '{}',
  });
  const file = join(folder, 'notes.bindings.ts');
  const store = openResults({ uri });
  t.teardown(() => store.close());
  const printed = { out: '', err: '' };
  const at = (env: Readonly<Record<string, string>>): Io => ({
    out: (text) => {
      printed.out += text;
    },
    err: (text) => {
      printed.err += text;
    },
    env: { BINDINGS: file, ...env },
    cwd: folder,
    color: false,
  });
  const legacy: Record<string, string> = stage === 'validate' ? { LEGACY_URL: 'http://127.0.0.1:1' } : {};
  const io = at({ MONGODB_URI: uri, ...legacy });
  const gate = async (options: GateOptions = {}, where = io, to = 'live') => {
    printed.out = '';
    const place = await openPlace(where, undefined);
    try {
      return { code: await run(where, place, 'getNote', to, options), text: printed.out };
    } finally {
      await place.target.close();
      await place.store?.close();
    }
  };
  const move = async (...words: string[]) => {
    printed.out = '';
    printed.err = '';
    await stageCommand(io).exitOverride().parseAsync(words, { from: 'user' });
    return { ...printed };
  };
  const evidence = () => evidenceId(file, Buffer.from(CONTRACT), VERSION);
  const write = async (results: readonly Partial<Result>[], maxRows = 20_000) => {
    const names = { api: 'notes', evidence: await evidence(), version: VERSION };
    const writer = createWriter({ store, ...names, every: 3_600_000, maxRows });
    for (const { tenant } of results) writer.meet(tenant ?? 'acme');
    for (const one of results) writer.record(result(one));
    await writer.close(20_000);
  };
  return { uri, folder, file, store, at, io, gate, stage: move, evidence, write };
}

/** Eight days in which all is well, up to now. */
const week = (some: Partial<Result> = {}, until = Date.now() - 120_000): Partial<Result>[] =>
  Array.from({ length: 3_700 }, (_, n) => ({
    at: until - (n % 5) * 2 * DAY,
    tenant: n % 4 === 0 ? 'globex' : 'acme',
    strata: n % 50 === 0 ? ['status:404'] : ['status:200', ...(n % 3 === 0 ? ['param:lang'] : [])],
    subject: { hash: n, items: 1, full: n % 50 !== 0 },
    ...some,
  }));

t.test('a clean week passes by the defaults, and the operation moves with nobody to answer for it', async (t) => {
  const { gate, stage, write, store, evidence } = await bench(t);
  await write(week());
  const { code, text } = await gate();
  t.equal(code, 0, text);
  t.match(text, /^getNote from shadow to live may move\nevidence \w+\npass +exposure: /);
  t.equal((await gate({ tenant: ['acme'] })).code, 0);
  t.equal((await gate({ percent: '25' })).code, 0);
  t.match(await gate({ percent: '0' }), { code: 0, text: /nobody would move: getNote live --percent 0 takes nobody/ });
  t.match((await stage('getNote', 'live', '--dry-run')).out, /would change[\s\S]*the gate passes, on evidence/);
  t.match((await stage('getNote', 'live')).out, new RegExp(`the gate passes, on evidence ${await evidence()}`));
  const [row] = await store.find<AuditRow>('crossfade_audit', {});
  t.match(row, {
    what: 'stage getNote live',
    gate: { passes: true, evidence: await evidence(), moves: [{ operation: 'getNote', verdict: 'pass', refused: [] }] },
  });
  const { moves } = (row as AuditRow).gate as { readonly moves: readonly { readonly passed: readonly string[] }[] };
  const passed = moves.flatMap((one) => one.passed);
  t.ok(passed.includes('requests: dynamodb-mongodb: distinct requests with something in both answers: 3,626 (3,500)'));
  t.ok(passed.some((text) => /^strata: .*param:lang\): 1,\d+ \(30\)$/.test(text)));
  t.match(await gate(), { code: 0, text: /nobody would move: getNote live takes nobody to another stage/ });
});

interface Refused {
  readonly name: string;
  readonly more?: string;
  readonly results?: readonly Partial<Result>[];
  readonly maxRows?: number;
  /** What the bindings are changed to after the week. */
  readonly changed?: string;
  readonly options?: GateOptions;
  readonly line: RegExp;
}

const exposure = {
  ...({ outcome: 'mismatch', verdict: 'unverified', rules: [], at: Date.now() } as const),
  findings: [finding('e4', { kind: 'exposure', path: '', leftType: '404', rightType: '200', verdict: 'unverified' })],
};
const ROWS: readonly Refused[] = [
  {
    name: 'a relaxed rule',
    changed: "compare: [{ path: '/text', rule: 'ignore', reason: 'never mind' }],",
    line: /^insufficient evidence: dynamodb-mongodb: nothing was compared under the bindings.*3,700 results .*a rule/m,
  },
  {
    name: 'a changed binding',
    changed: "response: { '/text': 'body' },",
    line: /^insufficient evidence: .*any change of a binding, a rule, the contract or the minor version/m,
  },
  {
    name: 'old evidence',
    results: week({}, Date.now() - 2 * DAY),
    line: /^insufficient newest: .*the newest comparison .* at most 1 day old/m,
  },
  {
    name: 'one rare tenant',
    results: [
      ...week(),
      ...Array.from({ length: 29 }, (_, n) => ({
        tenant: 'rare',
        subject: { hash: -1 - n + 2 ** 40, items: 1, full: true },
      })),
    ],
    line: /^insufficient active: .*1 of 3 active tenants .*\(rare: 29\), and 30 each/m,
  },
  {
    name: 'a tenant by name of whom little is known',
    results: [...week(), { tenant: 'rare' }],
    options: { tenant: ['rare'] },
    line: /^insufficient tenants: .*tenant rare has 0 distinct requests, and 300 are wanted/m,
  },
  {
    name: 'no traffic',
    results: [],
    line: /^insufficient evidence: .*nothing was compared, and no traffic is not a pass/m,
  },
  {
    name: 'a waiver that has ended',
    more: "gate: { waivers: [{ stratum: 'param:lang', reason: 'nobody asks', until: '2026-01-31' }] },",
    results: week({ strata: ['status:200', 'status:404'] }),
    line: /^insufficient waiver: .*param:lang was compared too seldom: 0, and the waiver ended on 2026-01-31/m,
  },
  {
    name: 'lost results',
    results: [
      ...week(),
      ...Array.from({ length: 60 }, (_, n) => ({ at: Date.now() - n * 60_000, tenant: `t${n}`, control: undefined })),
    ],
    maxRows: 30,
    line: /^insufficient lost: \d+ results were lost while their store was away/m,
  },
  {
    name: 'an exposure, with rules on everything and a waiver',
    more: "compare: [{ path: '/text', rule: 'ignore', reason: 'x' }], gate: { waivers: [{ stratum: 'param:lang', reason: 'r', until: '2099-01-31' }] },",
    results: [...week(), exposure],
    line: /^evidence \w+\nfail +EXPOSURE: a store answers what legacy refuses, once: .*\(e4\)\n +no rule hides it/m,
  },
];

t.test('each refusal has its sentence', async (t) => {
  for (const { name, more, results = week(), maxRows, changed, options, line } of ROWS)
    await t.test(name, async (t) => {
      const { gate, stage, write, file } = await bench(t, more);
      await write(results, maxRows);
      if (changed !== undefined) {
        const { code } = await gate();
        t.equal(code, 0, 'before it passes');
        // A module is imported once in a process.
        await writeFile(file, bindings(changed));
      }
      const { code, text } = await gate(options);
      t.equal(code, 1);
      t.match(text, line);
      const words = ['getNote', 'live', ...(options?.tenant === undefined ? [] : ['--tenant', ...options.tenant])];
      for (const more of [[], ['--dry-run']])
        await t.rejects(stage(...words, ...more), {
          constructor: UsageError,
          message: /needs proof that both answer alike[\s\S]*crossfade gate getNote live[\s\S]*--force --reason/,
        });
      const forced = await stage(...words, '--force', '--reason', 'looked at by hand');
      t.match(forced.err, /^Forced, against the gate:\n {2}/);
      if (name.startsWith('an exposure')) t.match(forced.err, /gate:\n {2}!!! getNote: EXPOSURE: a store answers/);
    });
});

t.test('an exhaustive replay stands for requests and tenants that are not there', async (t) => {
  const { gate, write, store, evidence } = await bench(t);
  await write([...week().slice(0, 2_000), { tenant: 'rare', subject: { hash: 2 ** 40, items: 1, full: true } }]);
  t.match(await gate(), { code: 1, text: /insufficient requests: [\s\S]*insufficient active: / });
  const row = {
    _id: 'r',
    api: 'notes',
    operation: 'getNote',
    pairs: ['dynamodb-mongodb'],
    finished: new Date(),
  } as const;
  const replay: ReplayRow = { ...row, evidence: await evidence(), exhaustive: true, requests: 1_961 };
  await store.ensureIndexes();
  const partial: ReplayRow = { ...replay, exhaustive: false };
  await store.replaceAll('crossfade_replays', [partial]);
  t.equal((await gate()).code, 1, 'not one that left something out');
  await store.replaceAll('crossfade_replays', [replay]);
  t.match(await gate(), { code: 0, text: /requests: .*: 1,961; all that there is was replayed on/ });
  t.equal((await gate({ tenant: ['rare'] })).code, 0);
});

t.test('to leave legacy needs evidence against legacy: two stores that agree prove nothing', async (t) => {
  const { gate, io, stage, write } = await bench(t, '', 'validate');
  const at = (pair: 'legacy-dynamodb' | 'legacy-mongodb' | 'dynamodb-mongodb') =>
    week({ stage: 'validate', pair, control: 5, candidate: 5 });
  await write(at('dynamodb-mongodb'));
  const agree =
    /insufficient evidence: legacy-(\w+): nothing was compared.*two stores that agree prove nothing about the contract/;
  t.match(await gate(), { code: 1, text: agree });
  t.match(await gate({}, io, 'dynamodb'), { code: 1, text: agree });
  await write(at('legacy-dynamodb'));
  t.match(await gate({}, io, 'dynamodb'), { code: 0, text: /from validate to dynamodb may move/ });
  t.match(await gate(), { code: 1, text: agree }, 'MongoDB was not held against legacy');
  await t.rejects(stage('getNote', 'live'), { message: /legacy-mongodb: nothing was compared/ });
  await write(at('legacy-mongodb'));
  t.match(await gate(), { code: 0, text: /legacy-mongodb: [\s\S]*dynamodb-mongodb: / });
  t.match((await stage('getNote', 'dynamodb')).out, /the gate passes/);
});

t.test('a façade that runs on other bindings keeps everybody where they are', async (t) => {
  const { gate, write, store } = await bench(t);
  await write(week());
  const writer = createWriter({ store, api: 'notes', evidence: 'old', version: VERSION });
  await writer.flush();
  t.match(await gate(), { code: 1, text: /insufficient replicas: 1 of 1 façades .*: old\)/ });
  await writer.close(5_000);
  t.equal((await gate()).code, 0, 'until it has ended');
});

t.test('all formats say it, and none is broken by what names hold', async (t) => {
  const { gate, write } = await bench(t);
  const nasty = '<i>&"]]>|\u001b[31m\u0000\u{1F4A3}\uFFFF`';
  await write([...week(), { tenant: nasty }]);
  const data = JSON.parse((await gate({ json: true })).text);
  t.match(data, { operation: 'getNote', from: ['shadow'], to: 'live', verdict: 'insufficient', passes: false });
  t.match(data.reasons[0], { rule: 'active', state: 'insufficient', wanted: '30 each', got: '1 of 3' });
  const { code, text: junit } = await gate({ format: 'junit' });
  t.equal(code, 1);
  const seen: string[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => t.fail(error.message));
  parser.on('opentag', ({ name }) => seen.push(name));
  parser.write(junit).close();
  t.equal(seen.filter((name) => name === 'testcase').length, data.reasons.length);
  t.equal(seen.filter((name) => name === 'failure').length, 1);
  t.match(junit, new RegExp(`tests="${data.reasons.length}" failures="1"`));
  const { text: markdown } = await gate({ format: 'markdown' });
  t.match(markdown, /^## Gate: getNote from shadow to live may not move yet/);
  t.match(markdown, /\| \*\*insufficient\*\* \| active \|/);
  t.equal(
    new Set([...markdown.matchAll(/^\|.*$/gm)].map(([line]) => line.replaceAll('\\|', '').split('|').length)).size,
    1,
  );
  t.notMatch(markdown, /<i>/);
  t.notMatch(markdown + (await gate()).text, /[^\P{C}\n]/u, 'nothing raw');
});

t.test('without results it refuses with the cure; with results that cannot be read it says so', async (t) => {
  const { gate, at, folder } = await bench(t);
  await t.rejects(gate({}, at({})), { constructor: UsageError, message: /RESULTS_URI or MONGODB_URI/ });
  const away = at({ RESULTS_URI: 'mongodb://127.0.0.1:1/x' });
  await t.rejects(gate({}, away), { name: 'StoreError' });
  const stage = (io: Io, ...words: string[]) => stageCommand(io).exitOverride().parseAsync(words, { from: 'user' });
  await t.rejects(stage(at({}), 'getNote', 'live'), {
    message: /no results to judge by: set RESULTS_URI or MONGODB_URI/,
  });
  await t.rejects(stage(away, 'getNote', 'live'), {
    name: 'StoreError',
    message: /gate cannot read the results[\s\S]*--force --reason/,
  });
  await stage(away, 'getNote', 'dynamodb');
  t.match(await readFile(join(folder, 'stages.yaml'), 'utf8'), /stage: dynamodb/, 'a step back asks nobody');
  await stage(away, 'getNote', 'live', '--force', '--reason', 'in a hurry');
});

t.test(
  'figures in a JSON file of their own change, and the evidence stands; in the module it starts afresh',
  async (t) => {
    const { write, evidence, file, folder, uri } = await bench(t, 'gate,');
    const ask = () => crossfade(folder, { MONGODB_URI: uri, BINDINGS: file }, 'gate', 'getNote', 'live');
    const figures = (text: string) => writeFile(join(folder, 'notes.gate.json'), text);
    await write(week().slice(0, 2_000));
    const before = await evidence();
    t.match(await ask(), { code: 1, out: /insufficient requests: .* 1,960 distinct requests .* 3,500 are wanted/ });
    await figures('{ "requests": 1500 }');
    t.match(await ask(), { code: 0, out: /requests: .*1,960 \(1,500\)/ });
    t.equal(await evidence(), before);
    await figures(
      '{ "requests": 20001, "waivers": [{ "stratum": "param:lnag", "reason": "r", "until": "2099-01-01" }] }',
    );
    t.match(await ask(), {
      code: 2,
      err: /notes\.bindings\.ts#\/operations\/getNote\/gate\/requests: must be .*keep no more/,
    });
    await figures('{ "waivers": [{ "stratum": "param:lnag", "reason": "r", "until": "2099-01-01" }] }');
    t.match(await ask(), {
      code: 2,
      err: /gate\/waivers\/0\/stratum: there is no "param:lnag"; do you mean "param:lang"/,
    });
    await writeFile(file, bindings('gate: { requests: 1500 },'));
    t.not(await evidence(), before);
  },
);
