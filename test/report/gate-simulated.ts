import t from 'tap';
import { openResults } from '../../src/drivers/results.ts';
import { judgeGate } from '../../src/report/gate.ts';
import { gateFacts } from '../../src/report/gate-facts.ts';
import { summarize } from '../../src/report/summary.ts';
import { readEvidence } from '../../src/results/evidence.ts';
import { readResults } from '../../src/results/reader.ts';
import { createWriter } from '../../src/results/writer.ts';
import { FIGURES, NOW, target } from '../support/gate.ts';
import { result } from '../support/results.ts';
import { factsOf, REPLICAS, type Simulated, simulate, tenantNames, type Weather } from '../support/simulated.ts';
import { withMongo } from '../support/stores.ts';

const RUNS = 1_000;
const move = target({ active: tenantNames });

function run(weather: Omit<Weather, 'requests'>) {
  return judgeGate(factsOf(simulate({ ...weather, requests: FIGURES.requests })), FIGURES, move, NOW);
}

t.test('of runs with one corrupt document in a thousand at most 5 % pass; of clean ones at least 95 %', async (t) => {
  const seeds = Array.from({ length: RUNS }, (_, seed) => seed + 1);
  const passed = seeds.filter((seed) => run({ seed, corrupt: 0.001 }).passes).length;
  const clean = seeds.map((seed) => run({ seed: seed + RUNS, corrupt: 0 }));
  const right = clean.filter(({ passes }) => passes).length;
  t.comment(`${passed} of ${RUNS} corrupt ones pass, ${right} of ${RUNS} clean ones`);
  t.ok(passed <= RUNS * 0.05, `${passed} corrupt ones pass`);
  t.ok(passed > 0, 'chance has its part: the figure is no larger than it must be');
  t.ok(right >= RUNS * 0.95, `${right} clean ones pass`);
  const refused = new Set(
    clean.flatMap(({ reasons }) => reasons.filter(({ state }) => state !== 'pass').map(({ rule }) => rule)),
  );
  t.notOk(refused.has('persistent') || refused.has('exposure'), 'no race is taken for a fault');
});

t.test('what the writers write and the gate reads is what was simulated', async (t) => {
  for (const [seed, corrupt] of [
    [1, 0],
    [2, 0.001],
    [3, 0],
  ] as const) {
    const weather = { seed, corrupt, requests: FIGURES.requests };
    const simulated = factsOf(simulate(weather));
    const read = await throughMongo(t, [...simulate(weather)]);
    const pair = 'dynamodb-mongodb';
    const sorted = (facts: typeof read) => {
      const one = facts.pairs[pair];
      const maps = [one?.strata, one?.distinct, one?.tenants].map((map) => new Map([...(map ?? [])].sort()));
      const reasons = [...(one?.notCompared ?? [])].sort((a, b) => a.reason.localeCompare(b.reason));
      const clients = { ...one?.clients, notCompared: undefined };
      return { ...one, clients, strata: maps[0], distinct: maps[1], tenants: maps[2], notCompared: reasons };
    };
    t.same(sorted(read), sorted(simulated), `seed ${seed}`);
    t.match(read, { lost: 0, strangers: [], history: [] });
    const judged = [read, simulated].map((facts) => judgeGate(facts, FIGURES, move, NOW));
    t.equal(judged[0]?.verdict, judged[1]?.verdict);
    t.equal(judged[0]?.verdict, corrupt === 0 ? 'pass' : 'fail');
  }
});

/** Several replicas write, one reads. */
async function throughMongo(t: Parameters<typeof withMongo>[0], results: readonly Simulated[]) {
  const store = openResults({ uri: (await withMongo(t)).uri, timeout: 20_000 });
  const names = { api: 'notes', evidence: 'e', version: '0.0.0' };
  const writers = Array.from({ length: REPLICAS }, () => createWriter({ store, ...names, every: 3_600_000 }));
  for (const [replica, one] of results) writers[replica]?.record(result(one));
  for (const writer of writers) await writer.close(20_000);
  const filter = { api: 'notes', evidence: 'e' };
  const known = {
    id: 'getNote',
    rules: [],
    freshness: undefined,
    strata: ['status:200', 'status:404', 'param:lang'],
    types: () => undefined,
  };
  const [found, evidence] = await Promise.all([
    readResults(store, { ...filter, operation: 'getNote' }),
    readEvidence(store, { ...filter, operations: ['getNote'], now: NOW }),
  ]);
  await store.close();
  const summary = summarize({ ...filter, operations: [known], results: found, now: NOW });
  return gateFacts({ operation: 'getNote', strata: known.strata, summary, results: found, evidence });
}
