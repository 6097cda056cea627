import type { Pair } from '../../src/model/comparison.ts';
import { GATE_DEFAULTS } from '../../src/model/gate.ts';
import { STAGES } from '../../src/model/stage.ts';
import type { GateTarget } from '../../src/report/gate-case.ts';
import { type GateFacts, NO_FACTS, type PairFacts } from '../../src/report/gate-facts.ts';
import { bucketOf } from '../../src/results/buckets.ts';
import type { FindingRow } from '../../src/results/rows.ts';
import { finding } from './results.ts';

export const NOW = Date.parse('2026-11-21T12:00:00Z');
export const DAY = 86_400_000;
export const FIGURES = GATE_DEFAULTS;

export const row = (some: Partial<FindingRow> = {}): FindingRow => ({
  ...{
    _id: 'r:f',
    api: 'notes',
    evidence: 'e',
    replica: 'r',
    source: 'traffic',
    fingerprint: 'f00d',
    operation: 'getNote',
  },
  ...{ pair: 'dynamodb-mongodb', kind: 'value', path: '/text', leftType: 'string', rightType: 'string' },
  ...{
    n: 2,
    persistent: 2,
    moving: 0,
    unverified: 0,
    transient: 0,
    places: 2,
    subjects: [],
    refusal: false,
    tenants: ['acme'],
  },
  ...{ first: new Date(NOW - 1000), last: new Date(NOW), hours: [{ h: 1, n: 2 }], samples: [finding('f').sample] },
  ...some,
});

/** A pair of which everything is well. */
export const pairFacts = (some: Partial<PairFacts> = {}): PairFacts => ({
  ...NO_FACTS,
  compared: 5_000,
  strata: new Map([
    ['status:200', 4_900],
    ['status:404', 100],
    ['param:lang', 900],
  ]),
  first: new Date(NOW - 8 * DAY),
  last: new Date(NOW - 60_000),
  days: 8,
  distinct: new Map([
    ['acme', 3_000],
    ['globex', 600],
  ]),
  tenants: new Map([
    ['acme', 4_000],
    ['globex', 1_000],
  ]),
  clientDurations: {},
  durations: {
    legacy: { [bucketOf(30)]: 5_000 },
    dynamodb: { [bucketOf(20)]: 5_000 },
    mongodb: { [bucketOf(20)]: 5_000 },
  },
  ...some,
});

export const facts = (some: Partial<PairFacts> = {}, more: Partial<GateFacts> = {}): GateFacts => ({
  ...{ operation: 'getNote', evidence: 'abc', strata: ['status:200', 'status:404', 'param:lang'] },
  pairs: Object.fromEntries(
    (['legacy-dynamodb', 'legacy-mongodb', 'dynamodb-mongodb'] satisfies Pair[]).map((pair) => [pair, pairFacts(some)]),
  ),
  ...{ findings: [], lost: 0, offered: 5_100, replicas: 2, strangers: [], history: [] },
  ...more,
});

export const target = (some: Partial<GateTarget> = {}): GateTarget => ({
  ...{ from: 'shadow', to: 'live', offered: STAGES, named: [], active: ['acme', 'globex'] },
  ...some,
});
