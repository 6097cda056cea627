import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { evidenceId } from '../../src/bindings/evidence.ts';
import { openResults } from '../../src/drivers/results.ts';
import type { CompareRule } from '../../src/model/binding.ts';
import { judgeGate } from '../../src/report/gate.ts';
import { gateFacts } from '../../src/report/gate-facts.ts';
import type { RuleId } from '../../src/report/gate-rules.ts';
import { summarize } from '../../src/report/summary.ts';
import { readEvidence } from '../../src/results/evidence.ts';
import { readResults } from '../../src/results/reader.ts';
import type { Result, Source } from '../../src/results/rows.ts';
import { createWriter } from '../../src/results/writer.ts';
import { DAY, FIGURES, target } from '../support/gate.ts';
import { finding, result } from '../support/results.ts';
import { withMongo } from '../support/stores.ts';

const names = { api: 'notes', evidence: 'e', version: '0.0.0' };

/** What the gate says of what writers have written, by rule. */
async function bench(t: Test, rules: readonly { readonly id: string; readonly spec: CompareRule }[] = []) {
  const store = openResults({ uri: (await withMongo(t)).uri, timeout: 20_000 });
  t.teardown(() => store.close());
  const write = async (results: readonly Partial<Result>[], source: Source = 'traffic') => {
    const writer = createWriter({ store, ...names, source, every: 3_600_000 });
    for (const one of results) writer.record(result(one));
    await writer.close(20_000);
  };
  const refused = async (now = Date.now()): Promise<readonly RuleId[]> => {
    const known = { id: 'getNote', rules, freshness: undefined, strata: ['status:200'], types: () => undefined };
    const [results, evidence] = await Promise.all([
      readResults(store, { ...names, operation: 'getNote' }),
      readEvidence(store, { ...names, operations: ['getNote'], now }),
    ]);
    const summary = summarize({ ...names, operations: [known], results, now });
    const facts = gateFacts({ operation: 'getNote', strata: known.strata, summary, results, evidence });
    const { reasons } = judgeGate(facts, FIGURES, target({ active: [] }), now);
    return [...new Set(reasons.filter(({ state }) => state !== 'pass').map(({ rule }) => rule))];
  };
  return { store, write, refused };
}

/** So many requests, all alike, on these days before now. */
const asked = (n: number, days: readonly number[], some: Partial<Result> = {}): Partial<Result>[] =>
  Array.from({ length: n }, (_, at) => ({
    at: Date.now() - 120_000 - (days[at % days.length] as number) * DAY,
    subject: { hash: at, items: 1, full: true },
    ...some,
  }));
const WEEK = [0, 2, 4, 6, 8];

t.test('a façade whose clock is ahead makes no week of a day, and old evidence no newer', async (t) => {
  const { write, refused } = await bench(t);
  await write(asked(3_600, [1.5, 2]));
  t.same(await refused(), ['days', 'newest']);
  await write(asked(10, [-9, -10]));
  t.same(await refused(), ['days', 'newest']);
});

t.test('a request on the first day and one on the last are no week of requests', async (t) => {
  const { write, refused } = await bench(t);
  await write(asked(3_600, [0]), 'replay');
  await write(asked(2, [0, 8]));
  t.same(await refused(), ['days']);
  await write(asked(3, [2, 4, 6]));
  t.same(await refused(), [], 'nobody asks at weekends');
});

t.test('what a rule covered that has ended does not pass for what was gone in the end', async (t) => {
  const spec: CompareRule = { path: '/etag', rule: 'ignore', reason: 'until mended', until: '2026-01-31' };
  const { write, refused } = await bench(t, [{ id: 'getNote ignore /etag', spec }]);
  const raced = {
    outcome: 'mismatch',
    verdict: 'transient',
    findings: [finding('f', { verdict: 'transient' })],
  } as const;
  await write(asked(3_600, WEEK, raced));
  t.same(await refused(), []);
  await write(asked(40, WEEK, { ...raced, rules: ['getNote ignore /etag'] }));
  t.same(await refused(), ['unsettled']);
});

t.test('what a façade had under way when it was killed counts as lost', async (t) => {
  const { store, write, refused } = await bench(t);
  await write(asked(3_600, WEEK));
  const counted = { match: 3_600, ignored: 0, mismatch: 0, error: 0, shed: 0, skipped: 0, dropped: 0 };
  const row = { _id: 'r', ...names, source: 'traffic', host: 'web-1', pid: 7, started: new Date(Date.now() - DAY) };
  const dead = { ...row, flags: '', flagsFrom: 'file', seen: new Date(Date.now() - 3_600_000) };
  const pending = (n: number) => ({ ...dead, totals: { ...counted, offered: 3_600 + n, pending: n } });
  await store.replaceAll('crossfade_replicas', [pending(20)]);
  t.same(await refused(), []);
  await store.replaceAll('crossfade_replicas', [pending(50)]);
  t.same(await refused(), ['lost']);
  const ended: object = { ...pending(50), seen: new Date() };
  await store.replaceAll('crossfade_replicas', [ended as { _id: string }]);
  t.same(await refused(), [], 'one that is up may still record them');
});

t.test('what clients met is not thinned out by what is replayed', async (t) => {
  const { write, refused } = await bench(t);
  const moving = { outcome: 'mismatch', verdict: 'moving', findings: [finding('f', { verdict: 'moving' })] } as const;
  await write(asked(3_600, WEEK));
  await write([
    ...asked(200, WEEK, { outcome: 'ignored', rules: ['getNote ignore /etag'] }),
    ...asked(60, WEEK, { outcome: 'shed', reason: 'queue', subject: undefined }),
    ...asked(20, WEEK, moving),
  ]);
  t.same(await refused(), ['ignored', 'unsettled', 'notCompared']);
  for (let n = 0; n < 6; n += 1) await write(asked(4_000, [0]), 'replay');
  t.same(await refused(), ['ignored', 'unsettled', 'notCompared']);
});

t.test('one of a few clients that was not compared is no share of them', async (t) => {
  const { write, refused } = await bench(t);
  await write(asked(3_600, [0]), 'replay');
  await write([...asked(20, WEEK), ...asked(1, [0], { outcome: 'shed', reason: 'queue', subject: undefined })]);
  t.same(await refused(), []);
});

t.test('a file of figures that holds rules too belongs to the evidence', async (t) => {
  const folder = t.testdir({
    'api.ts': "import gate from './api.gate.json' with { type: 'json' };\nexport default gate;\n",
    'api.gate.json': '{}',
  });
  const idOf = async (json: unknown) => {
    await writeFile(join(folder, 'api.gate.json'), JSON.stringify(json));
    return await evidenceId(join(folder, 'api.ts'), Buffer.from(''), '0.1.0');
  };
  const waivers = [{ stratum: 'list:empty', reason: 'r', until: '2027-01-31' }];
  const figures = await idOf({ requests: 9, newest: '2d', waivers });
  t.equal(await idOf({ requests: 7 }), figures);
  t.equal(await idOf({ getNote: { requests: 7, waivers }, listNotes: {} }), figures);
  const rule = { path: '/text', rule: 'ignore', reason: 'never mind' };
  for (const more of [
    { compare: [rule] },
    { requests: [rule] },
    { requests: rule },
    { waivers: [{ ...waivers[0], rule }] },
    { waivers: [{ ...waivers[0], reason: rule }] },
    { waivers: rule },
    { getNote: { compare: [rule] } },
    [rule],
  ])
    t.not(await idOf(more), figures, JSON.stringify(more));
});

t.test('a module that is imported under another spelling belongs to the evidence', async (t) => {
  for (const specifier of ['./rules.ts', './rules.ts?v=2', './rules.ts#x', './r%75les.ts']) {
    const folder = t.testdir({ 'api.ts': `import rules from '${specifier}';\n`, 'rules.ts': 'export default [];\n' });
    const id = () => evidenceId(join(folder, 'api.ts'), Buffer.from(''), '0.1.0');
    const before = await id();
    await writeFile(join(folder, 'rules.ts'), "export default ['ignore'];\n");
    t.not(await id(), before, specifier);
  }
});
