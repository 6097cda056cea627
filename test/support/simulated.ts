import type { GateFacts, PairFacts } from '../../src/report/gate-facts.ts';
import { addTo } from '../../src/results/buckets.ts';
import type { Result } from '../../src/results/rows.ts';
import { DAY, NOW, row } from './gate.ts';
import { finding } from './results.ts';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The replica that had it, and what it does not say is as usual. */
export type Simulated = readonly [number, SimulatedResult];
type SimulatedResult = Partial<Result> & Pick<Result, 'at' | 'tenant' | 'strata'>;

export interface Weather {
  readonly seed: number;
  /** Share of the documents that are corrupt in MongoDB. */
  readonly corrupt: number;
  /** It ends as soon as so many distinct requests count: the least that the gate lets pass. */
  readonly requests: number;
  readonly now?: number;
}

const DOCUMENTS = 50_000;
const HOT = 300;
export const REPLICAS = 3;
/** What each has of the requests. */
const TENANTS = [0.4, 0.2, 0.15, 0.1, 0.05, 0.05, 0.03, 0.02];
export const tenantNames = TENANTS.map((_, at) => `tenant-${at}`);

/** Whose document it is. */
const OWNERS = Array.from({ length: DOCUMENTS }, (_, id) => tenantOf(id));

function tenantOf(id: number): string {
  let left = random(id)();
  const at = TENANTS.findIndex((share) => {
    left -= share;
    return left < 0;
  });
  return tenantNames[Math.max(0, at)] as string;
}

/** Milliseconds, lognormal around 8: answers of both take alike long. */
const DURATIONS = Array.from({ length: 20_000 }, (_, seed) => {
  const next = random(seed);
  return 8 * Math.exp(0.6 * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
});

/** What a week of requests leads to, result by result, with the replica that had it: races, sheds and all. */
export function* simulate({ seed, corrupt, requests, now = NOW }: Weather): Generator<Simulated> {
  const next = random(seed);
  const salt = Math.floor(next() * 2 ** 31);
  const isCorrupt = (id: number) => random(salt ^ Math.imul(id + 1, 0x9e3779b1))() < corrupt;
  const begin = now - 7.5 * DAY;
  const seen = new Set<number>();
  while (seen.size < requests) {
    const id = Math.floor(next() * (next() < 0.3 ? HOT : DOCUMENTS));
    const replica = Math.floor(next() * REPLICAS);
    const [control, candidate] = [next(), next()].map((at) => DURATIONS[Math.floor(at * DURATIONS.length)]);
    const base = { at: begin + next() * (now - 60_000 - begin), tenant: OWNERS[id] as string, control, candidate };
    const what = next();
    const strata = ['status:200', ...(next() < 0.2 ? ['param:lang'] : [])];
    const compared = { ...base, strata, subject: { hash: id, items: 1, full: true } };
    const differs = (verdict: 'persistent' | 'moving' | 'unverified' | 'transient') => ({
      ...{ ...compared, outcome: 'mismatch' as const, verdict, findings: [finding('f00d', { verdict })] },
      subject: { hash: id, items: 1, full: verdict === 'transient' },
    });
    const unasked = { ...base, candidate: undefined, strata: [] };
    const one: Partial<Result> =
      what < 0.003
        ? { ...unasked, outcome: 'shed', reason: 'queue' }
        : what < 0.004
          ? { ...unasked, outcome: 'error', reason: 'timeout' }
          : what < 0.054
            ? { ...unasked, outcome: 'skipped', reason: 'sampling' }
            : what < 0.064
              ? { ...unasked, outcome: 'skipped', reason: 'conditional' }
              : what < 0.094
                ? { ...base, strata: ['status:404'], subject: { hash: DOCUMENTS + id, items: 1, full: false } }
                : isCorrupt(id)
                  ? differs('persistent')
                  : what < 0.104
                    ? { ...differs('transient'), lag: 40 }
                    : what < 0.1042
                      ? differs('moving')
                      : what < 0.1043
                        ? differs('unverified')
                        : what < 0.12
                          ? { ...compared, outcome: 'ignored', rules: ['getNote ignore /etag'] }
                          : compared;
    if (one.subject?.full) seen.add(id);
    yield [replica, one as SimulatedResult];
  }
}

/** What the gate is to know of these results, added up without any store. */
export function factsOf(results: Iterable<Simulated>): GateFacts {
  const strata = new Map(['status:200', 'status:404', 'param:lang'].map((name) => [name, 0]));
  const distinct = new Map<string, Set<number>>();
  const tenants = new Map<string, number>();
  const durations = { dynamodb: {}, mongodb: {} };
  const reasons = new Map<string, number>();
  const verdicts = { persistent: 0, moving: 0, unverified: 0, transient: 0 };
  const days = new Set<number>();
  let [compared, ignored, offered, mismatches] = [0, 0, 0, 0];
  let [first, last] = [Number.POSITIVE_INFINITY, 0];
  for (const [, one] of results) {
    const { tenant, outcome = 'match', subject, verdict, at } = one;
    offered += 1;
    if (one.control !== undefined) addTo(durations.dynamodb, one.control);
    if (one.candidate !== undefined) addTo(durations.mongodb, one.candidate);
    if (subject === undefined) {
      const name = `${outcome} ${one.reason}`;
      reasons.set(name, (reasons.get(name) ?? 0) + 1);
      continue;
    }
    compared += 1;
    if (outcome === 'ignored') ignored += 1;
    if (outcome === 'mismatch') mismatches += 1;
    if (verdict !== undefined) verdicts[verdict] += 1;
    for (const name of one.strata) strata.set(name, (strata.get(name) ?? 0) + 1);
    tenants.set(tenant, (tenants.get(tenant) ?? 0) + 1);
    if (at < first) first = at;
    if (at > last) last = at;
    days.add(Math.floor(at / DAY));
    if (!subject.full) continue;
    const known = distinct.get(tenant) ?? new Set();
    distinct.set(tenant, known.add(subject.hash));
  }
  const minute = (time: number) => new Date(Math.floor(time / 60_000) * 60_000);
  const notCompared = [...reasons].map(([name, n]) => {
    const [outcome, reason] = name.split(' ') as ['shed', string];
    return { outcome, reason, n };
  });
  const pair: PairFacts = {
    ...{ compared, ignored, verdicts, strata, tenants, durations, clientDurations: durations, exhaustive: undefined },
    notCompared,
    clients: { compared, ignored, unsettled: verdicts.moving + verdicts.unverified, notCompared },
    ...{ first: minute(first), last: minute(last), days: days.size },
    distinct: new Map([...distinct].map(([tenant, hashes]) => [tenant, hashes.size])),
  };
  return {
    ...{ operation: 'getNote', evidence: 'e', strata: [...strata.keys()], pairs: { 'dynamodb-mongodb': pair } },
    findings: mismatches === 0 ? [] : [row({ n: mismatches, ...verdicts })],
    ...{ lost: 0, offered, replicas: REPLICAS, strangers: [], history: [] },
  };
}
