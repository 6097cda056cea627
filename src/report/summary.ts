import { isExpired } from '../compare/rules.ts';
import type { CompareRule } from '../model/binding.ts';
import { KINDS, type Kind, type Outcome, type Pair, type ValueType, type Verdict } from '../model/comparison.ts';
import type { Stage } from '../model/stage.ts';
import { type Buckets, quantile } from '../results/buckets.ts';
import { type Mark, marksOf } from '../results/marks.ts';
import type { Count, Durations, Moment, Results } from '../results/reader.ts';
import type { Alone, FindingRow, KnownRow, Sample } from '../results/rows.ts';
import { upperBound } from './bound.ts';
import { type ByPair, byPair, pairKey } from './by-pair.ts';
import { type Cause, causeOf, causeSentence, type Evidence, twinKey } from './cause.ts';
import { ruleFor, sentenceOf } from './words.ts';

/** An operation, as far as a report needs to know it. */
export interface ReportedOperation {
  readonly id: string;
  readonly rules: readonly { readonly id: string; readonly spec: CompareRule }[];
  /** Milliseconds that MongoDB is declared to be behind at most; `undefined` where nothing is declared. */
  readonly freshness: number | undefined;
  /** What a comparison can be evidence for: documented statuses, pages, optional parameters. */
  readonly strata: readonly string[];
  /** What the contract allows at a path; `undefined` where it says nothing. */
  readonly types: (path: string) => ReadonlySet<ValueType> | undefined;
}

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** One operation and pair. Milliseconds throughout. */
export interface OperationSummary {
  readonly operation: string;
  readonly pair: Pair;
  readonly stages: readonly Stage[];
  readonly offered: number;
  readonly compared: number;
  readonly matched: number;
  readonly ignored: number;
  readonly mismatched: number;
  /** Of those compared: requests that were replayed, not clients'. */
  readonly replayed: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly notCompared: readonly { readonly outcome: Outcome; readonly reason: string; readonly n: number }[];
  /** 95 % sure that no more than this share differs for good: transients do not count. */
  readonly upperBound: number | undefined;
  readonly control: Quantiles | undefined;
  readonly candidate: Quantiles | undefined;
  readonly durations: { readonly control: Buckets; readonly candidate: Buckets };
  /** With those that were never seen at 0. */
  readonly strata: readonly { readonly name: string; readonly n: number }[];
  readonly tenants: number;
  readonly lag: { readonly declared: number | undefined; readonly measured: Quantiles | undefined; readonly n: number };
  readonly timeline: readonly Moment[];
}

export interface FindingSummary {
  readonly fingerprint: string;
  readonly operation: string;
  readonly pair: Pair;
  readonly kind: Kind;
  readonly path: string;
  readonly leftType: string;
  readonly rightType: string;
  readonly n: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** Of the operation's comparisons. */
  readonly share: number;
  readonly first: Date;
  readonly last: Date;
  readonly tenants: readonly string[];
  readonly sentence: string;
  /** Of three answers: who stands alone, what is likely the matter, and why; `undefined` where there were two. */
  readonly alone: Alone | undefined;
  readonly cause: Cause | undefined;
  readonly because: string | undefined;
  /** The same finding in another pair. */
  readonly twins: readonly { readonly fingerprint: string; readonly pair: Pair }[];
  /** To paste under `compare`; `undefined` where no rule may hide it. */
  readonly rule: string | undefined;
  readonly hours: readonly { readonly h: number; readonly n: number }[];
  readonly samples: readonly Sample[];
  /** Somebody has looked at it, and says so until a day. The gate does not know marks. */
  readonly known: Mark | undefined;
}

/** How a finding stands: confirmed, neither confirmed nor gone, or gone in the end. */
export type FindingState = 'exposure' | 'persistent' | 'unsettled' | 'passing';

export interface RuleSummary {
  readonly id: string;
  readonly reason: string;
  readonly until: string | undefined;
  readonly expired: boolean;
  /** Comparisons in which it covered something. */
  readonly uses: number;
}

export interface Summary {
  readonly api: string;
  readonly evidence: string;
  readonly generated: Date;
  readonly first: Date | undefined;
  readonly last: Date | undefined;
  readonly replicas: number;
  /** Results that were lost while their store was away. */
  readonly dropped: number;
  readonly operations: readonly OperationSummary[];
  /** What legacy refuses and a store gives, but for what only lasted until the newer store had caught up. */
  readonly exposures: readonly FindingSummary[];
  /** Confirmed by reading again, worst first. */
  readonly findings: readonly FindingSummary[];
  /** Neither confirmed nor gone: written faster than they were looked at, or not looked at again. */
  readonly unsettled: readonly FindingSummary[];
  /** Seen only until the newer store had caught up. */
  readonly passing: readonly FindingSummary[];
  readonly rules: readonly RuleSummary[];
  readonly history: Results['history'];
}

export interface SummaryInput {
  readonly api: string;
  readonly evidence: string;
  readonly operations: readonly ReportedOperation[];
  readonly results: Results;
  /** Findings that somebody marked as known; default none. */
  readonly marks?: readonly KnownRow[];
  readonly now: number;
}

/** Results → what a report says: pure, so that text, Markdown, HTML and JSON say the same. */
export function summarize({ api, evidence, operations, results, marks = [], now }: SummaryInput): Summary {
  const rules = new Map(operations.flatMap((operation) => operation.rules.map((rule) => [rule.id, rule.spec])));
  const expired = new Set([...rules].filter(([, { until }]) => isExpired(until, now)).map(([id]) => id));
  const counts = results.counts.map((count) => withoutExpired(count, expired));
  const seen = [...new Set(counts.map(({ operation }) => operation))].sort();
  const of = {
    ...{ counts: byPair(counts), strata: byPair(results.strata), durations: byPair(results.durations) },
    ...{ tenants: byPair(results.tenants), timeline: byPair(results.timeline) },
  };
  const byId = new Map(operations.map((one) => [one.id, one]));
  const summaries = seen.flatMap((id) => {
    const pairs = PAIRS.filter((pair) => of.counts.has(pairKey({ operation: id, pair })));
    return pairs.map((pair) => operationSummary(id, pair, of, byId.get(id)));
  });
  const known: Known = { operations: byId, asked: byPair(results.asked), marks: marksOf(marks, now) };
  const compared = new Map(summaries.map((one) => [pairKey(one), one.compared]));
  const findings = findingsOf(results.findings, compared, now, known);
  const is = (state: FindingState) => (finding: FindingSummary) => stateOf(finding) === state;
  const confirmed = ({ verdicts }: FindingSummary) => verdicts.persistent > 0;
  const passing = is('passing');
  const dates = counts.flatMap(({ first, last }) => [first.getTime(), last.getTime()]);
  const date = (time: number) => (dates.length === 0 ? undefined : new Date(time));
  return Object.freeze({
    ...{ api, evidence, generated: new Date(now) },
    first: date(dates.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)),
    last: date(dates.reduce((a, b) => Math.max(a, b), 0)),
    replicas: results.replicas.filter(({ source }) => source !== 'replay').length,
    dropped: results.replicas.reduce((sum, { totals }) => sum + totals.dropped, 0),
    operations: summaries,
    exposures: findings.filter(is('exposure')),
    findings: findings.filter(confirmed).sort(worstFirst),
    unsettled: findings.filter((finding) => !confirmed(finding) && !passing(finding)).sort(worstFirst),
    passing: findings.filter(passing).sort((a, b) => b.n - a.n),
    rules: [...rules].map(([id, { reason, until }]) => ({
      ...{ id, reason, until, expired: expired.has(id) },
      uses: results.counts.reduce((sum, count) => sum + (count.rules.includes(id) ? count.n : 0), 0),
    })),
    history: results.history,
  });
}

/** What an expired rule once covered is a mismatch now. */
export function withoutExpired<C extends Pick<Count, 'outcome' | 'rules' | 'n' | 'unverified' | 'transient'>>(
  count: C,
  expired: ReadonlySet<string>,
): C {
  if (!count.rules.some((rule) => expired.has(rule))) return count;
  if (count.outcome === 'ignored') return { ...count, outcome: 'mismatch', unverified: count.n };
  // What was gone in the end was what no rule covered; of what one did, nobody has looked.
  return { ...count, unverified: count.unverified + count.transient, transient: 0 };
}

interface Sets {
  readonly counts: ByPair<Count>;
  readonly strata: ByPair<Results['strata'][number]>;
  readonly durations: ByPair<Durations>;
  readonly tenants: ByPair<Results['tenants'][number]>;
  readonly timeline: ByPair<Moment>;
}

function operationSummary(id: string, pair: Pair, sets: Sets, known: ReportedOperation | undefined): OperationSummary {
  const own = <T>(rows: ByPair<T>): readonly T[] => rows.get(pairKey({ operation: id, pair })) ?? [];
  const rows = own(sets.counts);
  const sum = (wanted: (count: Count) => number) => rows.reduce((total, count) => total + wanted(count), 0);
  const of = (...outcomes: Outcome[]) => sum(({ outcome, n }) => (outcomes.includes(outcome) ? n : 0));
  const compared = of('match', 'ignored', 'mismatch');
  const verdicts = verdictSums(rows);
  const lasting = verdicts.persistent + verdicts.moving + verdicts.unverified;
  const seen = new Map(own(sets.strata).map(({ name, n }) => [name, n]));
  const names = [...new Set([...(known?.strata ?? []), ...seen.keys()])];
  const bucketsOf = (side: Durations['side']) => own(sets.durations).find((one) => one.side === side)?.buckets ?? {};
  return {
    ...{ operation: id, pair, compared, verdicts },
    stages: [...new Set(rows.map(({ stage }) => stage))],
    offered: sum(({ n }) => n),
    matched: of('match'),
    ignored: of('ignored'),
    mismatched: of('mismatch'),
    replayed: sum(({ outcome, replayed }) => (COMPARED.has(outcome) ? replayed : 0)),
    notCompared: reasons(rows),
    upperBound: compared === 0 ? undefined : upperBound(lasting, compared),
    control: quantiles(bucketsOf('control')),
    candidate: quantiles(bucketsOf('candidate')),
    durations: { control: bucketsOf('control'), candidate: bucketsOf('candidate') },
    strata: names.map((name) => ({ name, n: seen.get(name) ?? 0 })),
    tenants: own(sets.tenants)[0]?.n ?? 0,
    lag: {
      declared: known?.freshness,
      measured: quantiles(bucketsOf('lag')),
      n: Object.values(bucketsOf('lag')).reduce((total, n) => total + n, 0),
    },
    timeline: own(sets.timeline),
  };
}

/** Outcomes of what was held together. */
export const COMPARED: ReadonlySet<Outcome> = new Set(['match', 'ignored', 'mismatch']);

function reasons(rows: readonly Count[]): OperationSummary['notCompared'] {
  const sums = new Map<string, number>();
  for (const { outcome, reason, n } of rows) {
    if (outcome === 'match' || outcome === 'ignored' || outcome === 'mismatch') continue;
    sums.set(`${outcome} ${reason}`, (sums.get(`${outcome} ${reason}`) ?? 0) + n);
  }
  return [...sums]
    .map(([name, n]) => ({ outcome: name.split(' ')[0] as Outcome, reason: name.split(' ')[1] as string, n }))
    .sort((a, b) => b.n - a.n);
}

type Verdicts = Record<Verdict, number>;

function verdictSums(rows: readonly Readonly<Verdicts>[]): Verdicts {
  const sums = { persistent: 0, moving: 0, unverified: 0, transient: 0 };
  for (const row of rows) for (const verdict of Object.keys(sums) as Verdict[]) sums[verdict] += row[verdict];
  return sums;
}

function quantiles(buckets: Buckets): Quantiles | undefined {
  const [p50, p95, p99] = [quantile(buckets, 0.5), quantile(buckets, 0.95), quantile(buckets, 0.99)];
  return p50 === undefined || p95 === undefined || p99 === undefined ? undefined : { p50, p95, p99 };
}

/**
 * Rows of one fingerprint, and of one origin that stands alone with it, from all replicas as one. Where it could not be
 * seen who stands alone, it is who mostly does.
 */
export function mergeFindings(rows: readonly FindingRow[]): readonly FindingRow[] {
  const mostly = new Map<string, FindingRow>();
  for (const row of rows) {
    const most = mostly.get(row.fingerprint)?.n ?? 0;
    if (row.alone !== undefined && row.n > most) mostly.set(row.fingerprint, row);
  }
  const byFingerprint = new Map<string, FindingRow[]>();
  for (const row of rows) {
    const alone = row.alone ?? mostly.get(row.fingerprint)?.alone;
    const key = `${row.fingerprint}:${alone ?? ''}`;
    const found = byFingerprint.get(key) ?? [];
    byFingerprint.set(key, row.alone === undefined ? [...found, row] : [row, ...found]);
  }
  return [...byFingerprint.values()].map((same) => ({
    ...(same[0] as FindingRow),
    ...verdictSums(same),
    n: same.reduce((sum, { n }) => sum + n, 0),
    places: same.reduce((sum, { places }) => sum + places, 0),
    subjects: [...new Set(same.flatMap(({ subjects }) => subjects))],
    tenants: [...new Set(same.flatMap(({ tenants }) => tenants))].sort(),
    first: new Date(Math.min(...same.map(({ first }) => first.getTime()))),
    last: new Date(Math.max(...same.map(({ last }) => last.getTime()))),
    hours: mergeHours(same.flatMap(({ hours }) => hours)),
    samples: same.flatMap(({ samples }) => samples).sort((a, b) => b.at.getTime() - a.at.getTime()),
  }));
}

function mergeHours(hours: FindingRow['hours']): FindingRow['hours'] {
  const sums = new Map<number, number>();
  for (const { h, n } of hours) sums.set(h, (sums.get(h) ?? 0) + n);
  return [...sums].sort(([a], [b]) => a - b).map(([h, n]) => ({ h, n }));
}

/** What causes are told from, beside the finding itself. */
export interface Known {
  readonly operations: ReadonlyMap<string, ReportedOperation>;
  readonly asked: ByPair<Results['asked'][number]>;
  /** By fingerprint. */
  readonly marks: ReadonlyMap<string, Mark>;
}

/** Rows of findings → each finding once, in no order. `compared`: comparisons by `pairKey`. */
export const findingsOf = (
  rows: readonly FindingRow[],
  compared: ReadonlyMap<string, number>,
  now: number,
  known: Known,
): readonly FindingSummary[] =>
  joinTwins(
    mergeFindings(rows).map((row) => findingSummary(row, compared, now, known)),
    known.marks,
  );

/** What passed in the end was nothing; an exposure is one until then. */
export function stateOf({ kind, verdicts, n }: FindingSummary): FindingState {
  if (verdicts.transient === n) return 'passing';
  if (kind === 'exposure') return 'exposure';
  return verdicts.persistent > 0 ? 'persistent' : 'unsettled';
}

/** A finding without its operation's comparisons (`report --request`) has no share. */
export function findingSummary(
  row: FindingRow,
  comparedBy: ReadonlyMap<string, number>,
  now: number,
  known?: Known,
): FindingSummary {
  const { fingerprint, operation, pair, kind, path, leftType, rightType, n, first, last, tenants, hours, samples } =
    row;
  const compared = comparedBy.get(pairKey(row)) ?? 0;
  const { alone } = row;
  const evidence = known === undefined ? undefined : evidenceOf(row, known);
  return {
    ...{ fingerprint, operation, pair, kind, path, leftType, rightType, n, first, last, tenants, hours, samples },
    verdicts: verdictSums([row]),
    share: compared === 0 ? 0 : n / compared,
    sentence: sentenceOf(row),
    alone,
    cause: evidence && causeOf(evidence),
    because: evidence && causeSentence(evidence),
    twins: [],
    rule: ruleFor(row, now),
    known: known?.marks.get(fingerprint),
  };
}

function evidenceOf(row: FindingRow, { operations, asked }: Known): Evidence {
  const { operation, kind, path, leftType, rightType, alone, refusal, subjects, places } = row;
  const [of] = asked.get(pairKey(row)) ?? [];
  const types = operations.get(operation)?.types(path);
  const againstContract =
    kind !== 'header' && path !== '' && types !== undefined && !types.has(leftType) && types.has(rightType);
  const possible = path.includes('*') ? of?.items : of?.n;
  return { kind, alone, refusal, subjects: subjects.length, places, possible: possible ?? 0, againstContract };
}

/** One finding in two pairs is told once: where it is settled, in the pair with legacy, or with the older store. */
function joinTwins(findings: readonly FindingSummary[], marks: Known['marks']): readonly FindingSummary[] {
  const byKey = new Map<string, FindingSummary[]>();
  for (const finding of findings) {
    const key = twinKey(finding) ?? `${finding.fingerprint}:${finding.alone ?? ''}`;
    byKey.set(key, [...(byKey.get(key) ?? []), finding]);
  }
  return [...byKey.values()].map((same) => {
    const [first, ...others] = same.sort(
      (a, b) => verdictRank(a) - verdictRank(b) || PAIRS.indexOf(a.pair) - PAIRS.indexOf(b.pair),
    ) as [FindingSummary];
    const twins = others.map(({ fingerprint, pair }) => ({ fingerprint, pair }));
    // Who marks one of them means the finding.
    const known = [first, ...twins].map(({ fingerprint }) => marks.get(fingerprint)).find((mark) => mark !== undefined);
    return { ...first, twins, known };
  });
}

const PAIRS: readonly Pair[] = Object.freeze(['legacy-dynamodb', 'legacy-mongodb', 'dynamodb-mongodb']);

const VERDICT_ORDER = ['persistent', 'moving', 'unverified', 'transient'] as const;
const verdictRank = ({ verdicts }: FindingSummary) => VERDICT_ORDER.findIndex((verdict) => verdicts[verdict] > 0);

/** Order of a list: by verdict, then by kind, then by how often. */
export function worstFirst(a: FindingSummary, b: FindingSummary): number {
  return verdictRank(a) - verdictRank(b) || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.n - a.n;
}
