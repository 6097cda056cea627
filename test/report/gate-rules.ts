import t from 'tap';
import type { GateFigures } from '../../src/model/gate.ts';
import { judgeGate } from '../../src/report/gate.ts';
import type { GateTarget } from '../../src/report/gate-case.ts';
import type { GateFacts } from '../../src/report/gate-facts.ts';
import type { RuleId } from '../../src/report/gate-rules.ts';
import { DAY, FIGURES, facts, NOW, row, target } from '../support/gate.ts';

const at = (ms: number) => new Date(NOW - ms);

/** What one rule says of a move from `shadow` to `live`. */
const said = (rule: RuleId, given: GateFacts, figures: Partial<GateFigures> = {}, move: Partial<GateTarget> = {}) =>
  judgeGate(given, { ...FIGURES, ...figures }, target(move), NOW).reasons.filter((one) => one.rule === rule);
const first = (...given: Parameters<typeof said>) => said(...given)[0];

t.test('findings of other pairs speak of those', async (t) => {
  const other = { pair: 'legacy-mongodb', fingerprint: 'other' } as const;
  const unanswerable = row({ ...other, kind: 'unanswerable' });
  t.equal(first('unanswerable', facts({}, { findings: [unanswerable] }))?.state, 'pass');
  t.equal(first('persistent', facts({}, { findings: [row(other)] }))?.state, 'pass');
  const both = facts({}, { findings: [row(), row(other), row({ persistent: 0, fingerprint: 'moves' })] });
  t.match(first('persistent', both)?.sentence, /differ for good, 2 times \(f00d\)$/, 'of those that last');
});

t.test('what lasts, where nobody knows which', async (t) => {
  const verdicts = { persistent: 1, moving: 0, unverified: 0, transient: 0 };
  t.match(first('persistent', facts({ verdicts })), { sentence: /for good, once$/, wanted: 'none', got: 'once' });
  const beyond = (transient: number) =>
    facts({}, { findings: [row({ path: '(more)', n: 4, persistent: 0, transient })] });
  t.equal(first('persistent', beyond(4))?.state, 'pass', 'all were gone');
  t.equal(first('persistent', beyond(1))?.got, '3 times');
});

t.test('evidence says how much there is, and of legacy why it is wanted', async (t) => {
  t.match(first('evidence', facts()), { got: '5,000 comparisons', wanted: 'some' });
  const none = { ...facts(), pairs: {} };
  t.notMatch(first('evidence', none)?.sentence, /leave legacy/);
  const [legacy, stores] = said('evidence', none, {}, { from: 'validate' });
  t.match(legacy?.sentence, /no traffic is not a pass\. To leave legacy needs evidence against legacy/);
  t.match(stores?.sentence, /no traffic is not a pass$/);
});

t.test('façades that run on something else are named, with what is theirs', async (t) => {
  const strangers = [{ name: 'web-2 (process 7)', evidence: 'old' }];
  t.match(first('replicas', facts({}, { strangers })), {
    wanted: 'none on others',
    cure: /evidence here is abc, not that of web-2 \(process 7\)$/,
  });
});

t.test('a stratum that has what is wanted passes, though its waiver has ended', async (t) => {
  const strata = (n: number) =>
    facts({ strata: new Map([...['status:200', 'status:404'].map((name) => [name, 99] as const), ['param:lang', n]]) });
  const waivers = [
    { stratum: 'status:500', reason: 'x', until: '2026-10-01' },
    { stratum: 'param:lang', reason: 'x', until: '2026-11-01' },
  ];
  const seen = (n: number) =>
    said('strata', strata(n), { waivers }).map(({ sentence }) => sentence.match(/\((.*)\)/)?.[1]);
  t.same(seen(30), ['status:200', 'status:404', 'param:lang']);
  t.same(seen(29), ['status:200', 'status:404']);
  t.same(said('waiver', strata(30), { waivers }), []);
  t.match(first('waiver', strata(29), { waivers })?.sentence, /29, and the waiver ended on 2026-11-01; 30 are wanted/);
  const unseen = facts({
    strata: new Map([
      ['status:200', 99],
      ['status:404', 99],
    ]),
  });
  t.match(first('waiver', unseen, { waivers })?.sentence, /param:lang was compared too seldom: 0/);
  t.equal(said('strata', unseen, { waivers }).length, 2);
});

t.test('an active tenant with as many as are wanted is no rare one', async (t) => {
  const given = facts({
    tenants: new Map([
      ['acme', 30],
      ['globex', 29],
    ]),
  });
  t.match(first('active', given, {}, { active: ['acme'] }), { state: 'pass', got: '1 tenant', wanted: '30 each' });
  t.match(first('active', given), { got: '1 of 2', sentence: /\(globex: 29\)/, cure: /'tenant:NAME'/ });
});

t.test('all that was not compared is named', async (t) => {
  const notCompared = [
    { outcome: 'shed', reason: 'queue', n: 60 },
    { outcome: 'error', reason: 'timeout', n: 40 },
  ] as const;
  t.match(first('notCompared', facts({ notCompared }))?.sentence, /\(60 shed, queue; 40 error, timeout\)/);
});

t.test('lost results are counted where there are any', async (t) => {
  t.notMatch(first('lost', facts())?.sentence, /\(/);
  t.match(first('lost', facts({}, { lost: 1 }))?.sentence, /\(1\)$/, 'few enough');
  t.equal(first('lost', facts({}, { lost: 51, offered: 5_100 }))?.state, 'pass');
  t.equal(first('lost', facts({}, { lost: 52, offered: 5_100 }))?.state, 'insufficient');
});

t.test('days: as many as are wanted, with requests on as many', async (t) => {
  const span = (days: number, busy: number) => first('days', facts({ first: at(days * DAY), last: at(0), days: busy }));
  t.match(span(7, 5), { state: 'pass', wanted: '7 days', got: '7 days' });
  t.notMatch(span(7, 5)?.sentence, /\(/);
  t.match(span(6, 5), { state: 'insufficient', got: '6 days', cure: /are over at/ });
  t.match(span(7, 4), { state: 'insufficient', got: '7 days, 4 of them with requests', cure: /more days \(UTC\)/ });
});

t.test('replays alone say nothing of a week, and are not fresh', async (t) => {
  const never = facts({ first: undefined, last: undefined, days: 0 });
  t.match(first('days', never), {
    state: 'insufficient',
    sentence: /no request of a client was compared/,
    cure: /^let requests come at shadow/,
  });
  t.match(first('days', never, { days: 0 }), { state: 'insufficient' }, 'however few days are wanted');
  t.match(first('newest', never), { state: 'insufficient', sentence: /request is of never/ });
  const half = { first: at(DAY), last: undefined, days: 1 };
  t.match(first('days', facts(half)), { state: 'insufficient', got: /^0 days/ });
});

t.test('evidence is fresh to the last millisecond', async (t) => {
  const newest = (age: number) => first('newest', facts({ first: at(20 * DAY), last: at(age) }));
  t.match(newest(DAY), { state: 'pass', wanted: '1 day', got: '2026-11-20 12:00 UTC' });
  t.notMatch(newest(DAY)?.sentence, /\(/);
  t.equal(newest(DAY + 1)?.state, 'insufficient');
});
