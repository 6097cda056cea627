import type { ResultsStore } from '../drivers/results.ts';
import type { Pair } from '../model/comparison.ts';
import type { Stage } from '../model/stage.ts';
import type { Buckets } from './buckets.ts';
import { unpacked } from './distinct.ts';
import type { Count } from './reader.ts';
import { liveReplicas } from './replicas.ts';
import type { ReplayRow, ReplicaRow, RequestsRow, Source, TenantRow } from './rows.ts';

/** What a gate looks at beside the results that a report shows. */
export interface Evidence {
  /** First and newest minute in which requests of clients were compared, and on how many days (UTC) any was. */
  readonly traffic: readonly Of<{ readonly first: Date; readonly last: Date; readonly days: number }>[];
  /** What became of clients' requests. */
  readonly clients: readonly Of<ClientCount>[];
  /** Distinct requests with something in both answers, over all replicas, of traffic and replays. */
  readonly distinct: readonly Of<{ readonly tenant: string; readonly n: number }>[];
  /** Comparisons of each tenant. */
  readonly tenants: readonly Of<{ readonly tenant: string; readonly n: number }>[];
  readonly durations: readonly Of<{
    readonly stage: Stage;
    readonly source: Source;
    readonly side: Side;
    readonly buckets: Buckets;
  }>[];
  readonly replays: readonly ReplayRow[];
  /** Tenants that had a request of any operation in the last 30 days. */
  readonly known: readonly string[];
  /** Façades that are up, under whatever evidence id. */
  readonly live: readonly ReplicaRow[];
}

/** Requests of clients with one outcome. */
export type ClientCount = Pick<Count, 'outcome' | 'reason' | 'rules' | 'n' | 'moving' | 'unverified' | 'transient'>;

type Of<T> = T & { readonly operation: string; readonly pair: Pair };
type Side = 'control' | 'candidate';

export interface EvidenceFilter {
  readonly api: string;
  readonly evidence: string;
  readonly operations: readonly string[];
  /** Milliseconds since 1970; default: now. */
  readonly now?: number;
}

/** Milliseconds that a façade's clock may be ahead of ours. */
const AHEAD = 60_000;

const COMPARED = Object.freeze({ $in: ['match', 'ignored', 'mismatch'] });

/** Reads and adds up. Throws a StoreError where MongoDB does not answer. */
export async function readEvidence(store: ResultsStore, filter: EvidenceFilter): Promise<Evidence> {
  const { api, evidence, operations, now = Date.now() } = filter;
  const match = { api, evidence, operation: { $in: operations } };
  const [traffic, clients, requests, tenants, control, candidate, replays, known, live] = await Promise.all([
    store.aggregate<Evidence['traffic'][number]>('crossfade_counts', [
      // What a façade whose clock is ahead has written is of no known day.
      {
        $match: {
          ...{ ...match, source: { $ne: 'replay' }, outcome: COMPARED },
          minute: { $lte: new Date(now + AHEAD) },
        },
      },
      {
        $group: {
          _id: { ...names('operation', 'pair'), day: { $dateTrunc: { date: '$minute', unit: 'day' } } },
          first: { $min: '$minute' },
          last: { $max: '$minute' },
        },
      },
      {
        $group: {
          _id: { operation: '$_id.operation', pair: '$_id.pair' },
          ...{ first: { $min: '$first' }, last: { $max: '$last' }, days: { $sum: 1 } },
        },
      },
      FLAT,
    ]),
    store.aggregate<Evidence['clients'][number]>('crossfade_counts', [
      { $match: { ...match, source: { $ne: 'replay' } } },
      {
        $group: {
          _id: names('operation', 'pair', 'outcome', 'reason', 'rules'),
          ...Object.fromEntries(['n', 'moving', 'unverified', 'transient'].map((name) => [name, { $sum: `$${name}` }])),
        },
      },
      FLAT,
    ]),
    store.find<RequestsRow>('crossfade_requests', match),
    store.aggregate<Evidence['tenants'][number]>('crossfade_counts', [
      { $match: { ...match, outcome: COMPARED } },
      { $group: { _id: names('operation', 'pair', 'tenant'), n: { $sum: '$n' } } },
      FLAT,
    ]),
    durationsOf(store, match, 'control'),
    durationsOf(store, match, 'candidate'),
    store.find<ReplayRow>('crossfade_replays', match),
    store.find<TenantRow>('crossfade_tenants', { api }, 200_000),
    liveReplicas(store, api),
  ]);
  return Object.freeze({
    ...{ traffic, clients, tenants, replays, live },
    distinct: distinctOf(requests),
    durations: [...control, ...candidate],
    known: known.map(({ tenant }) => tenant),
  });
}

/** A request that two replicas had counts once. */
function distinctOf(rows: readonly RequestsRow[]): Evidence['distinct'] {
  const groups = new Map<string, { row: RequestsRow; seen: Set<number> }>();
  for (const row of rows) {
    const key = JSON.stringify([row.operation, row.pair, row.tenant]);
    const group = groups.get(key) ?? { row, seen: new Set() };
    groups.set(key, group);
    // The driver gives a Binary, whose bytes stand in `buffer`.
    const bytes = row.seen instanceof Uint8Array ? row.seen : (row.seen as { buffer: Uint8Array }).buffer;
    for (const hash of unpacked(bytes)) group.seen.add(hash);
  }
  return [...groups.values()].map(({ row: { operation, pair, tenant }, seen }) => ({
    ...{ operation, pair, tenant },
    n: seen.size,
  }));
}

async function durationsOf(store: ResultsStore, match: object, side: Side): Promise<Evidence['durations']> {
  const rows = await store.aggregate<Of<{ stage: Stage; source: Source; buckets: { b: number; n: number }[] }>>(
    'crossfade_counts',
    [
      { $match: match },
      { $unwind: `$${side}` },
      {
        $group: {
          _id: { ...names('operation', 'pair', 'stage', 'source'), b: `$${side}.b` },
          n: { $sum: `$${side}.n` },
        },
      },
      {
        $group: {
          _id: { operation: '$_id.operation', pair: '$_id.pair', stage: '$_id.stage', source: '$_id.source' },
          buckets: { $push: { b: '$_id.b', n: '$n' } },
        },
      },
      FLAT,
    ],
  );
  return rows.map(({ operation, pair, stage, source, buckets }) => ({
    ...{ operation, pair, stage, source, side },
    buckets: Object.fromEntries(buckets.map(({ b, n }) => [b, n])),
  }));
}

const names = (...fields: string[]) => Object.fromEntries(fields.map((field) => [field, `$${field}`]));
const FLAT = { $replaceWith: { $mergeObjects: ['$_id', { $unsetField: { field: '_id', input: '$$ROOT' } }] } };
