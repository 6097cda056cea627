import t from 'tap';
import { needsGate } from '../../src/flags/moves.ts';
import { type GateFigures, gateFigures } from '../../src/model/gate.ts';
import { offeredStages, PLANS, STAGES, type Stage } from '../../src/model/stage.ts';
import { joined, judgeGate } from '../../src/report/gate.ts';
import { type GateTarget, type State, UNCOUNTED } from '../../src/report/gate-case.ts';
import { type GateFacts, NEEDED, neededPairs, originOf, stagesOf } from '../../src/report/gate-facts.ts';
import { RULES, type RuleId } from '../../src/report/gate-rules.ts';
import { bucketOf } from '../../src/results/buckets.ts';
import { DAY, FIGURES, facts, NOW, pairFacts, row, target } from '../support/gate.ts';

const judge = (given: GateFacts, figures: Partial<GateFigures> = {}, move: Partial<GateTarget> = {}) =>
  judgeGate(given, { ...FIGURES, ...figures }, target(move), NOW);
const at = (milliseconds: number) => new Date(NOW - milliseconds);

t.test('where everything is well each rule passes, and says so', async (t) => {
  const { passes, verdict, reasons } = judge(facts(), {}, { named: ['acme'] });
  t.equal(passes, true);
  t.equal(verdict, 'pass');
  t.same(new Set(reasons.map(({ rule }) => rule)), new Set(RULES.map(({ id }) => id).filter((id) => id !== 'waiver')));
  t.ok(reasons.every(({ cure }) => cure === ''));
  for (const { rule, sentence, wanted, got } of reasons)
    for (const said of [sentence.replace(/^[\w-]+: /, ''), wanted, got]) t.match(said, /\w/, rule);
  const named = reasons.filter(({ sentence }) => sentence.includes('('));
  t.same([...new Set(named.map(({ rule }) => rule))], ['strata', 'tenants'], 'where one thing of several is meant');
  const paired = (name: RuleId) => reasons.find(({ rule }) => rule === name)?.sentence.startsWith('dynamodb-mongodb: ');
  for (const { id, scope } of RULES) if (id !== 'waiver') t.equal(paired(id), scope !== 'operation', id);
  t.ok(Object.isFrozen(reasons) && Object.isFrozen(reasons[0]));
});

interface Refused {
  readonly rule: RuleId;
  readonly name: string;
  readonly given: GateFacts;
  readonly state: Exclude<State, 'pass'>;
  readonly sentence: RegExp;
  readonly cure: RegExp;
  readonly figures?: Partial<GateFigures>;
  readonly move?: Partial<GateTarget>;
}

const exposed = row({ kind: 'exposure', path: '', leftType: '404', rightType: '200', persistent: 0, unverified: 2 });
const waiver = (stratum: string, until: string) => ({ waivers: [{ stratum, reason: 'nobody asks', until }] });
const few = new Map([['acme', 12]]);

const ROWS: readonly Refused[] = [
  {
    ...{ rule: 'exposure', name: 'a store answers what legacy refuses', state: 'fail' },
    given: facts({}, { findings: [exposed] }),
    ...{ sentence: /answers what legacy refuses, 2 times.*\(f00d\)/, cure: /no rule hides it.*crossfade report f00d/ },
  },
  {
    ...{ rule: 'exposure', name: 'even in a pair that the move does not need', state: 'fail' },
    given: facts({}, { findings: [{ ...exposed, pair: 'legacy-dynamodb' }] }),
    ...{ sentence: /answers what legacy refuses/, cure: /allow/ },
  },
  {
    ...{ rule: 'unanswerable', name: 'one cannot answer', state: 'fail' },
    given: facts({}, { findings: [row({ kind: 'unanswerable', persistent: 0, moving: 2 })] }),
    ...{ sentence: /cannot answer.*2 times/, cure: /crossfade report f00d/ },
  },
  {
    ...{ rule: 'persistent', name: 'a difference that lasts', state: 'fail' },
    given: facts(
      { verdicts: { persistent: 1, moving: 0, unverified: 0, transient: 3 } },
      { findings: [row({ persistent: 1 })] },
    ),
    ...{ sentence: /DynamoDB and MongoDB differ for good, once \(f00d\)/, cure: /crossfade report getNote/ },
  },
  {
    ...{ rule: 'persistent', name: 'more findings than are told apart', state: 'fail' },
    given: facts({}, { findings: [row({ path: '(more)', persistent: 0, unverified: 2 })] }),
    ...{ sentence: /differ for good/, cure: /declare a rule/ },
  },
  {
    ...{ rule: 'ignored', name: 'rules cover too much', state: 'fail' },
    given: facts({ ignored: 260 }),
    ...{ sentence: /in 5.2 % .* at most 5 % may be/, cure: /crossfade rules/ },
  },
  {
    ...{ rule: 'p99', name: 'slower', state: 'fail' },
    given: facts({ durations: { dynamodb: { [bucketOf(20)]: 5_000 }, mongodb: { [bucketOf(40)]: 5_000 } } }),
    ...{ sentence: /MongoDB is slower: its p99 is \d+(\.\d)? ms against .* DynamoDB/, cure: /indexes/ },
  },
  {
    ...{ rule: 'p99', name: 'too few durations', state: 'insufficient' },
    given: facts({ durations: { dynamodb: { [bucketOf(20)]: 5_000 }, mongodb: { [bucketOf(20)]: 99 } } }),
    ...{ sentence: /too few durations .* MongoDB: 99, and 100/, cure: /crossfade replay/ },
  },
  {
    ...{ rule: 'replicas', name: 'a façade with other bindings', state: 'insufficient' },
    given: facts({}, { strangers: [{ name: 'web-2 (process 7)', evidence: 'old' }] }),
    ...{ sentence: /1 of 2 façades .* other bindings.*web-2 \(process 7\): old/, cure: /rollout is over/ },
  },
  {
    ...{ rule: 'evidence', name: 'no traffic', state: 'insufficient' },
    given: { ...facts(), pairs: {} },
    ...{ sentence: /nothing was compared, and no traffic is not a pass/, cure: /let requests come at shadow/ },
  },
  {
    ...{ rule: 'evidence', name: 'old evidence', state: 'insufficient' },
    given: { ...facts(), pairs: {}, history: [{ evidence: 'old', n: 9_000, first: at(9 * DAY), last: at(DAY) }] },
    ...{
      sentence:
        /of now \(evidence abc\): 9,000 results up to 2026-11-20 12:00 UTC of all operations are of old, and any change of a binding, a rule, the contract/,
      cure: /crossfade replay/,
    },
  },
  {
    ...{ rule: 'evidence', name: 'two stores that agree', state: 'insufficient' },
    given: { ...facts(), pairs: { 'dynamodb-mongodb': pairFacts() } },
    move: { from: 'validate', to: 'live' },
    ...{ sentence: /^legacy-mongodb: .*two stores that agree prove nothing/, cure: /let requests come at validate/ },
  },
  {
    ...{ rule: 'requests', name: 'too few', state: 'insufficient' },
    given: facts({ distinct: new Map([['acme', 3_499]]) }),
    ...{ sentence: /3,499 distinct requests .* 3,500 are wanted/, cure: /full list of keys/ },
  },
  {
    ...{ rule: 'strata', name: 'never seen', state: 'insufficient' },
    given: facts({
      strata: new Map([
        ['status:200', 5_000],
        ['status:404', 30],
      ]),
    }),
    ...{ sentence: /param:lang was compared 0 times, and 30/, cure: /waivers: \[\{ stratum: 'param:lang'/ },
  },
  {
    ...{ rule: 'waiver', name: 'one that has ended', state: 'insufficient' },
    given: facts({
      strata: new Map([
        ['status:200', 5_000],
        ['status:404', 30],
        ['param:lang', 2],
      ]),
    }),
    figures: waiver('param:lang', '2026-11-20'),
    ...{ sentence: /param:lang was compared too seldom: 2, and the waiver ended on 2026-11-20/, cure: /later date/ },
  },
  {
    ...{ rule: 'tenants', name: 'one moved by name of whom little is known', state: 'insufficient' },
    given: facts(),
    move: { named: ['acme', 'rare'], active: [] },
    ...{ sentence: /tenant rare has 0 distinct requests, and 300/, cure: /tenant:rare/ },
  },
  {
    ...{ rule: 'active', name: 'one rare tenant of a ramp', state: 'insufficient' },
    given: facts(),
    move: { active: ['acme', 'globex', 'rare'] },
    ...{ sentence: /1 of 3 active tenants .*\(rare: 0\), and 30 each/, cure: /move others first/ },
  },
  {
    ...{ rule: 'unsettled', name: 'moving and unverified together', state: 'insufficient' },
    given: facts({ verdicts: { persistent: 0, moving: 3, unverified: 3, transient: 0 } }),
    ...{ sentence: /0.12 % .*3 moving, 3 unverified.*at most 0.1 %/, cure: /freshness/ },
  },
  {
    ...{ rule: 'notCompared', name: 'shed', state: 'insufficient' },
    given: facts({ notCompared: [{ outcome: 'shed', reason: 'queue', n: 60 }] }),
    ...{ sentence: /1.19 % .*60 shed, queue/, cure: /less sampling/ },
  },
  {
    ...{ rule: 'lost', name: 'dropped', state: 'insufficient' },
    given: facts({}, { lost: 102 }),
    ...{ sentence: /102 results were lost .* 2 % of all/, cure: /RESULTS_URI/ },
  },
  {
    ...{ rule: 'days', name: 'too short', state: 'insufficient' },
    given: facts({ first: at(6.9 * DAY), last: at(0) }),
    ...{ sentence: /over 6.9 days, and 7 days are wanted/, cure: /are over at 2026-11-21 14:24 UTC/ },
  },
  {
    ...{ rule: 'days', name: 'the first day and the last', state: 'insufficient' },
    given: facts({ days: 2 }),
    ...{
      sentence: /over 7.9 days, 2 of them with requests, and 7 days, 5 of them with requests, are wanted/,
      cure: /wait until there were requests on more days/,
    },
  },
  {
    ...{ rule: 'newest', name: 'stale', state: 'insufficient' },
    given: facts({ first: at(20 * DAY), last: at(1.01 * DAY) }),
    ...{ sentence: /newest .* of 2026-11-20 11:45 UTC; it may be at most 1 day old/, cure: /let requests come/ },
  },
];

t.test('each rule refuses what it is for, with its sentence and its cure', async (t) => {
  t.same(new Set(ROWS.map(({ rule }) => rule)), new Set(RULES.map(({ id }) => id)), 'each rule has a row');
  for (const { rule, name, given, state, sentence, cure, figures, move } of ROWS) {
    const verdict = judge(given, figures, move);
    const refused = verdict.reasons.filter((one) => one.state !== 'pass');
    t.same(
      refused.map((one) => [one.rule, one.state]),
      [[rule, state]],
      `${rule}, ${name}: alone`,
    );
    t.match(refused[0], { sentence, cure }, `${rule}, ${name}`);
    t.match(verdict, { passes: false, verdict: state });
  }
});

t.test('what stands for what is missing', async (t) => {
  const finished = at(DAY);
  const met = new Map([...few, ['rare', 1]]);
  const replayed = { distinct: few, tenants: met, exhaustive: finished };
  const named = { named: ['acme', 'rare'], active: ['globex'] };
  t.equal(judge(facts(replayed), {}, named).verdict, 'pass', 'an exhaustive replay');
  t.equal(judge(facts({ ...replayed, exhaustive: at(8 * DAY) }), {}, named).passes, false, 'but not of last month');
  t.equal(judge(facts({ ...replayed, distinct: new Map() }), {}, named).passes, false, 'nor one with nothing in it');
  t.equal(judge(facts({ ...replayed, tenants: few }), {}, named).passes, false, 'nor for whom it did not ask');
  const unseen = facts({
    strata: new Map([
      ['status:200', 5_000],
      ['status:404', 30],
    ]),
  });
  const waived = judge(unseen, waiver('param:lang', '2026-11-21'));
  t.equal(waived.verdict, 'pass', 'a waiver holds to the end of its day');
  t.match(
    waived.reasons.find(({ got }) => /waived/.test(got)),
    { got: '0; waived until 2026-11-21: nobody asks' },
  );
  const rare = { active: ['acme', 'rare'], named: ['rare'] };
  t.equal(judge(facts(), waiver('tenant:rare', '2026-12-31'), rare).verdict, 'pass', 'a tenant may be waived');
  const ended = judge(facts(), waiver('tenant:rare', '2026-11-20'), rare);
  t.match(ended.reasons.slice(0, 2), [
    { state: 'insufficient', sentence: /tenant rare has 0 \(its waiver ended on 2026-11-20\) distinct requests/ },
    { state: 'insufficient', sentence: /\(rare: 0, its waiver ended on 2026-11-20\)/ },
  ]);
  const enough = facts({
    strata: new Map([
      ['status:200', 5_000],
      ['status:404', 30],
      ['param:lang', 30],
    ]),
  });
  t.equal(judge(enough, waiver('param:lang', '2026-11-20')).verdict, 'pass', 'an ended waiver that nobody needs');
});

t.test('exposure comes first, whatever else there is; nothing hides it but that it was gone', async (t) => {
  const gone = row({ kind: 'exposure', n: 4, persistent: 0, transient: 4 });
  t.equal(judge(facts({}, { findings: [gone] })).verdict, 'pass');
  const findings = [row({ persistent: 99 }), row({ kind: 'unanswerable', fingerprint: 'a' }), exposed];
  const { reasons } = judge(
    facts({ distinct: few, ignored: 5_000 }, { findings, lost: 5_000 }),
    waiver('exposure', '2027-01-01'),
  );
  t.equal(reasons[0]?.rule, 'exposure');
  const states = reasons.map(({ state }) => ['fail', 'insufficient', 'pass'].indexOf(state));
  t.same(states, states.toSorted(), 'worst first');
});

t.test('what the client asked for, or sampling left out, is no failure; all else is', async (t) => {
  const skip = (reason: string) => facts({ notCompared: [{ outcome: 'skipped', reason, n: 9_000 }] });
  for (const reason of Object.keys(UNCOUNTED.skipped ?? {})) t.equal(judge(skip(reason)).verdict, 'pass', reason);
  t.equal(judge(skip('too_large')).verdict, 'insufficient');
  t.equal(judge(skip('something new')).verdict, 'insufficient');
});

t.test('a small difference in milliseconds is no slowness', async (t) => {
  const both = (dynamodb: number, mongodb: number) =>
    facts({ durations: { dynamodb: { [bucketOf(dynamodb)]: 500 }, mongodb: { [bucketOf(mongodb)]: 500 } } });
  t.equal(judge(both(1.5, 4)).verdict, 'pass');
  t.equal(judge(both(1.5, 9)).verdict, 'fail');
  t.equal(judge(both(100, 119)).verdict, 'pass');
  t.equal(judge(both(100, 140)).verdict, 'fail');
  t.equal(judge(both(100, 140), { p99: 1.5 }).verdict, 'pass');
});

t.test('durations of clients count before those of replays', async (t) => {
  const buckets = (dynamodb: number, mongodb: number, n: number) => ({
    ...{ dynamodb: { [bucketOf(dynamodb)]: n }, mongodb: { [bucketOf(mongodb)]: n } },
  });
  const state = (some: Parameters<typeof facts>[0]) =>
    judge(facts(some)).reasons.find(({ rule }) => rule === 'p99')?.state;
  t.equal(state({ durations: buckets(20, 20, 5_000), clientDurations: buckets(20, 60, 200) }), 'fail');
  t.equal(state({ durations: buckets(20, 60, 5_000), clientDurations: buckets(20, 20, 200) }), 'pass');
  t.equal(state({ durations: buckets(20, 60, 5_000), clientDurations: buckets(20, 20, 20) }), 'fail', 'too few');
});

t.test('durations are those of an origin, whatever its part was', async (t) => {
  t.equal(originOf('dynamodb-mongodb', 'shadow', 'control'), 'dynamodb');
  t.equal(originOf('dynamodb-mongodb', 'shadow', 'candidate'), 'mongodb');
  t.equal(originOf('dynamodb-mongodb', 'live', 'control'), 'mongodb');
  t.equal(originOf('dynamodb-mongodb', 'validate', 'control'), 'dynamodb');
  t.equal(originOf('legacy-mongodb', 'validate', 'candidate'), 'mongodb');
});

/** As design section 7 has it, said in another way. */
function expected(from: Stage, to: Stage): string[] {
  const [old, now] = [PLANS[from].control, PLANS[to].control];
  if (STAGES.indexOf(to) <= STAGES.indexOf(from)) return [];
  if (old === 'legacy' && now === 'legacy') return [];
  if (now === 'mongodb') return [...(old === 'legacy' ? ['legacy-mongodb'] : []), 'dynamodb-mongodb'];
  return old === 'legacy' ? ['legacy-dynamodb'] : [];
}

t.test('each move needs the pairs that bear on it', async (t) => {
  for (const from of STAGES) for (const to of STAGES) t.same(NEEDED[from][to], expected(from, to), `${from} → ${to}`);
  const yes = [true, false];
  for (const legacy of yes)
    for (const dynamodb of yes)
      for (const mongodb of yes) {
        const offered = offeredStages({ legacy, dynamodb, mongodb, freshness: true });
        const operation = { id: 'x', flag: 'x', offered, initial: 'legacy' as const };
        for (const from of offered)
          for (const to of offered)
            if (needsGate({ operation, from, to }))
              t.ok(neededPairs(from, to, offered).length > 0, `${offered}: ${from} → ${to} is judged by something`);
      }
  t.same(neededPairs('legacy', 'complete', ['legacy', 'complete']), ['legacy-mongodb'], 'without DynamoDB');
  t.same(neededPairs('dynamodb', 'live', ['dynamodb', 'shadow', 'live']), ['dynamodb-mongodb'], 'without legacy');
  t.same(stagesOf('dynamodb-mongodb', STAGES), ['validate', 'shadow', 'live']);
});

t.test('a step that changes no answer needs no evidence; several moves are judged as one', async (t) => {
  const nothing = { ...facts(), pairs: {} };
  t.same(judge(nothing, {}, { from: 'dynamodb', to: 'shadow' }), { passes: true, verdict: 'pass', reasons: [] });
  t.equal(judge(nothing, {}, { from: 'live', to: 'dynamodb' }).passes, true);
  const moves = [judge(nothing, {}, { from: 'dynamodb' }), judge(nothing, {}, { from: 'shadow' }), judge(facts())];
  const all = joined(moves);
  t.match(all, { passes: false, verdict: 'insufficient' });
  t.equal(new Set(all.reasons.map((one) => JSON.stringify(one))).size, all.reasons.length, 'each once');
});

t.test('an operation’s figures win, and the waivers of both hold', async (t) => {
  const w = (stratum: string) => ({ stratum, reason: 'r', until: '2027-01-01' });
  const figures = gateFigures(
    { requests: 10, newest: 12, waivers: [w('a')] },
    { requests: 20, newest: '2d', waivers: [w('b')] },
  );
  t.match(figures, { requests: 20, newest: 2 * DAY, perTenant: FIGURES.perTenant, waivers: [w('b'), w('a')] });
  t.equal(gateFigures({ newest: 12 }, undefined).newest, DAY / 2);
  t.same(gateFigures(undefined, undefined), FIGURES);
  t.same(gateFigures({ requests: 10, newest: '12h' }, { requests: undefined, newest: undefined } as never), {
    ...FIGURES,
    ...{ requests: 10, newest: DAY / 2 },
  });
});
