import type { Pair } from '../model/comparison.ts';
import { type OriginName, PLANS, STAGES, type Stage } from '../model/stage.ts';
import type { Buckets } from '../results/buckets.ts';
import type { ClientCount, Evidence } from '../results/evidence.ts';
import type { Results } from '../results/reader.ts';
import type { FindingRow } from '../results/rows.ts';
import { COMPARED, mergeFindings, type OperationSummary, type Summary, withoutExpired } from './summary.ts';

/** All that a gate knows of one operation. */
export interface GateFacts {
  readonly operation: string;
  readonly evidence: string;
  /** What there is to be seen: documented statuses, lists, pages, optional parameters. */
  readonly strata: readonly string[];
  readonly pairs: Readonly<Partial<Record<Pair, PairFacts>>>;
  /** Of all pairs. */
  readonly findings: readonly FindingRow[];
  /** Results that were lost, with those of façades that died, and plans that there were, of all operations. */
  readonly lost: number;
  readonly offered: number;
  /** Façades that are up, and those of them that run under another evidence id. */
  readonly replicas: number;
  readonly strangers: readonly { readonly name: string; readonly evidence: string }[];
  readonly history: Results['history'];
}

/** How much of what became of requests speaks against the gate. */
export interface Shares {
  readonly compared: number;
  readonly ignored: number;
  /** Neither confirmed nor gone. */
  readonly unsettled: number;
  readonly notCompared: OperationSummary['notCompared'];
}

/** One pair of an operation. */
export interface PairFacts {
  readonly compared: number;
  readonly ignored: number;
  readonly verdicts: OperationSummary['verdicts'];
  readonly notCompared: OperationSummary['notCompared'];
  /** Of clients' requests alone: what is replayed, as often as one likes, does not thin out what they met. */
  readonly clients: Shares;
  /** Comparisons by stratum. */
  readonly strata: ReadonlyMap<string, number>;
  /** Of requests of clients. */
  readonly first: Date | undefined;
  readonly last: Date | undefined;
  /** Days (UTC) on which there was any. */
  readonly days: number;
  /** Distinct requests with something in both answers, and comparisons, by tenant. */
  readonly distinct: ReadonlyMap<string, number>;
  readonly tenants: ReadonlyMap<string, number>;
  readonly durations: Readonly<Partial<Record<OriginName, Buckets>>>;
  readonly clientDurations: Readonly<Partial<Record<OriginName, Buckets>>>;
  /** When a replay of all that there is came to its end. */
  readonly exhaustive: Date | undefined;
}

export const NO_FACTS: PairFacts = Object.freeze({
  ...{ compared: 0, ignored: 0, verdicts: { persistent: 0, moving: 0, unverified: 0, transient: 0 }, notCompared: [] },
  clients: Object.freeze({ compared: 0, ignored: 0, unsettled: 0, notCompared: Object.freeze([]) }),
  ...{ strata: new Map(), first: undefined, last: undefined, days: 0, distinct: new Map(), tenants: new Map() },
  ...{ durations: {}, clientDurations: {}, exhaustive: undefined },
});

export interface GateInput {
  readonly operation: string;
  readonly strata: readonly string[];
  /** Of the report: rules that have expired are counted as what they covered. */
  readonly summary: Summary;
  readonly results: Pick<Results, 'findings' | 'replicas' | 'history'>;
  readonly evidence: Evidence;
}

/** What was read → what the gate looks at. */
export function gateFacts({ operation, strata, summary, results, evidence }: GateInput): GateFacts {
  const pairs: Partial<Record<Pair, PairFacts>> = {};
  const own = <T extends { readonly operation: string }>(rows: readonly T[]) =>
    rows.filter((row) => row.operation === operation);
  const expired = new Set(summary.rules.filter((rule) => rule.expired).map(({ id }) => id));
  for (const one of own(summary.operations)) pairs[one.pair] = pairFacts(one, one.pair, evidence, expired);
  const strangers = evidence.live.filter((row) => row.evidence !== summary.evidence);
  const totals = results.replicas.map((row) => row.totals);
  const up = new Set(evidence.live.map(({ _id }) => _id));
  // What a façade had under way when it was killed, its rechecks among it, nobody will ever record.
  const died = results.replicas.filter((row) => row.source !== 'replay' && row.ended === undefined && !up.has(row._id));
  return Object.freeze({
    ...{ operation, strata, pairs, evidence: summary.evidence, history: results.history },
    findings: mergeFindings(own(results.findings)),
    lost:
      totals.reduce((sum, { dropped }) => sum + dropped, 0) +
      died.reduce((sum, { totals: { pending } }) => sum + pending, 0),
    offered: totals.reduce((sum, { offered }) => sum + offered, 0),
    replicas: evidence.live.length,
    strangers: strangers.map(({ host, pid, evidence: id }) => ({ name: `${host} (process ${pid})`, evidence: id })),
  });
}

function pairFacts(one: OperationSummary, pair: Pair, evidence: Evidence, expired: ReadonlySet<string>): PairFacts {
  const own = <T extends { readonly operation: string; readonly pair: Pair }>(rows: readonly T[]) =>
    rows.filter((row) => row.operation === one.operation && row.pair === pair);
  const [traffic] = own(evidence.traffic);
  const replays = evidence.replays.filter((row) => row.operation === one.operation && row.pairs.includes(pair));
  const ends = replays.filter((row) => row.exhaustive && row.requests > 0).map((row) => row.finished.getTime());
  const durations: Partial<Record<OriginName, Buckets>> = {};
  const clientDurations: Partial<Record<OriginName, Buckets>> = {};
  for (const { stage, source, side, buckets } of own(evidence.durations)) {
    const origin = originOf(pair, stage, side);
    durations[origin] = sumOf(durations[origin] ?? {}, buckets);
    if (source !== 'replay') clientDurations[origin] = sumOf(clientDurations[origin] ?? {}, buckets);
  }
  return Object.freeze({
    ...{ compared: one.compared, ignored: one.ignored, verdicts: one.verdicts, notCompared: one.notCompared },
    clients: sharesOf(own(evidence.clients).map((count) => withoutExpired(count, expired))),
    strata: new Map(one.strata.map(({ name, n }) => [name, n])),
    ...{ first: traffic?.first, last: traffic?.last, days: traffic?.days ?? 0, durations, clientDurations },
    distinct: new Map(own(evidence.distinct).map(({ tenant, n }) => [tenant, n])),
    tenants: new Map(own(evidence.tenants).map(({ tenant, n }) => [tenant, n])),
    exhaustive: ends.length === 0 ? undefined : new Date(Math.max(...ends)),
  });
}

function sharesOf(counts: readonly ClientCount[]): Shares {
  const sum = (wanted: (count: ClientCount) => number) => counts.reduce((total, count) => total + wanted(count), 0);
  return Object.freeze({
    compared: sum(({ outcome, n }) => (COMPARED.has(outcome) ? n : 0)),
    ignored: sum(({ outcome, n }) => (outcome === 'ignored' ? n : 0)),
    unsettled: sum(({ moving, unverified }) => moving + unverified),
    notCompared: counts.filter(({ outcome }) => !COMPARED.has(outcome)),
  });
}

/** Whose duration it is: of a pair without the stage's control the older origin stands in its place. */
export function originOf(pair: Pair, stage: Stage, side: 'control' | 'candidate'): OriginName {
  const [older, newer] = pair.split('-') as [OriginName, OriginName];
  const control = PLANS[stage].control === newer ? newer : older;
  if (side === 'control') return control;
  return control === older ? newer : older;
}

function sumOf(one: Buckets, other: Buckets): Buckets {
  const sum: Record<number, number> = { ...one };
  for (const [bucket, n] of Object.entries(other)) sum[Number(bucket)] = (sum[Number(bucket)] ?? 0) + n;
  return sum;
}

const DYNAMODB = Object.freeze(['legacy-dynamodb'] as const);
const MONGODB = Object.freeze(['dynamodb-mongodb'] as const);
/** Two stores that agree prove nothing about the contract: one renderer serves both. */
const BOTH = Object.freeze(['legacy-mongodb', 'dynamodb-mongodb'] as const);
const NONE = Object.freeze([] as const);

const row = (...pairs: (readonly Pair[])[]): Readonly<Record<Stage, readonly Pair[]>> =>
  Object.freeze(Object.fromEntries(STAGES.map((to, at) => [to, pairs[at] ?? NONE]))) as Readonly<
    Record<Stage, readonly Pair[]>
  >;

/** From (rows) where to (columns) which pairs must have been held together; backwards none. */
export const NEEDED: Readonly<Record<Stage, Readonly<Record<Stage, readonly Pair[]>>>> = Object.freeze({
  //              legacy validate dynamodb  dualwrite shadow    live     rampdown complete
  legacy: row(NONE, NONE, DYNAMODB, DYNAMODB, DYNAMODB, BOTH, BOTH, BOTH),
  validate: row(NONE, NONE, DYNAMODB, DYNAMODB, DYNAMODB, BOTH, BOTH, BOTH),
  dynamodb: row(NONE, NONE, NONE, NONE, NONE, MONGODB, MONGODB, MONGODB),
  dualwrite: row(NONE, NONE, NONE, NONE, NONE, MONGODB, MONGODB, MONGODB),
  shadow: row(NONE, NONE, NONE, NONE, NONE, MONGODB, MONGODB, MONGODB),
  live: row(NONE, NONE, NONE, NONE, NONE, NONE, MONGODB, MONGODB),
  rampdown: row(NONE, NONE, NONE, NONE, NONE, NONE, NONE, MONGODB),
  complete: row(NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE),
});

/** The pairs that a move needs, of the origins that the operation has. */
export function neededPairs(from: Stage, to: Stage, offered: readonly Stage[]): readonly Pair[] {
  const has = new Set(offered.flatMap((stage) => [PLANS[stage].control, ...PLANS[stage].candidates]));
  return NEEDED[from][to].filter((pair) => pair.split('-').every((origin) => has.has(origin as OriginName)));
}

/** Stages at which a pair is held together. */
export const stagesOf = (pair: Pair, offered: readonly Stage[]): readonly Stage[] =>
  offered.filter((stage) => {
    const { control, candidates } = PLANS[stage];
    return pair.split('-').every((origin) => [control, ...candidates].includes(origin as OriginName));
  });
