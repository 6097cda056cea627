import type { ResultsStore } from '../drivers/results.ts';
import type { Outcome, Pair } from '../model/comparison.ts';
import type { Stage } from '../model/stage.ts';
import type { Buckets } from './buckets.ts';
import type { FindingRow, ReplicaRow } from './rows.ts';

/** All that the results say of an API, added up over replicas and minutes. */
export interface Results {
  readonly counts: readonly Count[];
  readonly durations: readonly Durations[];
  readonly strata: readonly {
    readonly operation: string;
    readonly pair: Pair;
    readonly name: string;
    readonly n: number;
  }[];
  readonly tenants: readonly { readonly operation: string; readonly pair: Pair; readonly n: number }[];
  /** Distinct requests that were compared, and the items in their answers: how often anything could have differed. */
  readonly asked: readonly Asked[];
  readonly timeline: readonly Moment[];
  readonly findings: readonly FindingRow[];
  readonly replicas: readonly ReplicaRow[];
  /** Results under other evidence ids: history. */
  readonly history: readonly {
    readonly evidence: string;
    readonly n: number;
    readonly first: Date;
    readonly last: Date;
  }[];
}

export interface Count {
  readonly operation: string;
  readonly stage: Stage;
  readonly pair: Pair;
  readonly outcome: Outcome;
  readonly reason: string;
  readonly rules: readonly string[];
  readonly n: number;
  readonly persistent: number;
  readonly moving: number;
  readonly unverified: number;
  readonly transient: number;
  /** Of `n`, those that came of a replay. */
  readonly replayed: number;
  readonly first: Date;
  readonly last: Date;
}

export interface Durations {
  readonly operation: string;
  readonly pair: Pair;
  readonly side: 'control' | 'candidate' | 'lag';
  readonly buckets: Buckets;
}

export interface Asked {
  readonly operation: string;
  readonly pair: Pair;
  readonly n: number;
  readonly items: number;
}

/** Comparisons of one operation and pair in one interval. */
export interface Moment {
  readonly operation: string;
  readonly pair: Pair;
  readonly outcome: Outcome;
  readonly at: Date;
  readonly n: number;
}

/** Evidence may be asked for by its id; `operation` leaves out the others. */
export interface ResultsFilter {
  readonly api: string;
  readonly evidence: string;
  readonly operation?: string | undefined;
  /** The same for several. */
  readonly operations?: readonly string[] | undefined;
}

/** Reads and adds up. Throws a StoreError where MongoDB does not answer. */
export async function readResults(
  store: ResultsStore,
  { api, evidence, operation, operations }: ResultsFilter,
): Promise<Results> {
  const several = operations === undefined ? {} : { operation: { $in: operations } };
  const match = { api, evidence, ...(operation === undefined ? several : { operation }) };
  const counts = await store.aggregate<Count>('crossfade_counts', [
    { $match: match },
    {
      $group: {
        _id: names('operation', 'stage', 'pair', 'outcome', 'reason', 'rules'),
        ...sums('n', 'persistent', 'moving', 'unverified', 'transient'),
        replayed: { $sum: { $cond: [{ $eq: ['$source', 'replay'] }, '$n', 0] } },
        first: { $min: '$minute' },
        last: { $max: '$minute' },
      },
    },
    FLAT,
  ]);
  const every = intervalOf(counts);
  const [durations, strata, tenants, asked, timeline, findings, replicas, history] = await Promise.all([
    Promise.all((['control', 'candidate', 'lag'] as const).map((side) => durationsOf(store, match, side))),
    store.aggregate<Results['strata'][number]>('crossfade_counts', [
      { $match: match },
      { $unwind: '$strata' },
      { $group: { _id: { ...names('operation', 'pair'), name: '$strata.k' }, n: { $sum: '$strata.n' } } },
      FLAT,
    ]),
    store.aggregate<Results['tenants'][number]>('crossfade_counts', [
      { $match: match },
      { $group: { _id: names('operation', 'pair', 'tenant') } },
      { $group: { _id: { operation: '$_id.operation', pair: '$_id.pair' }, n: { $sum: 1 } } },
      FLAT,
    ]),
    store.aggregate<Asked>('crossfade_requests', [
      { $match: match },
      { $group: { _id: names('operation', 'pair'), ...sums('n', 'items') } },
      FLAT,
    ]),
    store.aggregate<Moment>('crossfade_counts', [
      { $match: match },
      {
        $group: {
          _id: {
            ...names('operation', 'pair', 'outcome'),
            at: { $toDate: { $subtract: [{ $toLong: '$minute' }, { $mod: [{ $toLong: '$minute' }, every] }] } },
          },
          ...sums('n'),
        },
      },
      FLAT,
    ]),
    store.find<FindingRow>('crossfade_mismatches', match),
    store.find<ReplicaRow>('crossfade_replicas', { api, evidence }),
    store.aggregate<Results['history'][number]>('crossfade_counts', [
      { $match: { api, evidence: { $ne: evidence } } },
      {
        $group: { _id: names('evidence'), ...sums('n'), first: { $min: '$minute' }, last: { $max: '$minute' } },
      },
      FLAT,
      { $sort: { last: -1 } },
    ]),
  ]);
  return { counts, durations: durations.flat(), strata, tenants, asked, timeline, findings, replicas, history };
}

/** The findings that hold a sample of this request. */
export const findingsOfRequest = (store: ResultsStore, api: string, requestId: string): Promise<FindingRow[]> =>
  store.find<FindingRow>('crossfade_mismatches', { api, 'samples.requestId': requestId }, 100);

const MINUTE = 60_000;
const POINTS = 60;

/** Milliseconds of an interval, in whole minutes, so that a plot has about so many. */
function intervalOf(counts: readonly Count[]): number {
  const first = counts.reduce((least, { first }) => Math.min(least, first.getTime()), Number.POSITIVE_INFINITY);
  const last = counts.reduce((most, { last }) => Math.max(most, last.getTime()), 0);
  return Math.max(1, Math.ceil((last - first) / MINUTE / POINTS)) * MINUTE;
}

async function durationsOf(store: ResultsStore, match: object, side: Durations['side']): Promise<readonly Durations[]> {
  const rows = await store.aggregate<{ operation: string; pair: Pair; buckets: { b: number; n: number }[] }>(
    'crossfade_counts',
    [
      { $match: match },
      { $unwind: `$${side}` },
      { $group: { _id: { ...names('operation', 'pair'), b: `$${side}.b` }, n: { $sum: `$${side}.n` } } },
      {
        $group: {
          _id: { operation: '$_id.operation', pair: '$_id.pair' },
          buckets: { $push: { b: '$_id.b', n: '$n' } },
        },
      },
      FLAT,
    ],
  );
  return rows.map(({ operation, pair, buckets }) => ({
    ...{ operation, pair, side },
    buckets: Object.fromEntries(buckets.map(({ b, n }) => [b, n])),
  }));
}

const names = (...fields: string[]) => Object.fromEntries(fields.map((field) => [field, `$${field}`]));
const sums = (...fields: string[]) => Object.fromEntries(fields.map((field) => [field, { $sum: `$${field}` }]));
const FLAT = { $replaceWith: { $mergeObjects: ['$_id', { $unsetField: { field: '_id', input: '$$ROOT' } }] } };
