import type { ResultsStore } from '../drivers/results.ts';
import type { Pair } from '../model/comparison.ts';
import type { Asked } from './reader.ts';
import type { FindingRow, Sample } from './rows.ts';

export interface FoundFilter {
  readonly api: string;
  readonly evidence: string;
}

/** Comparisons that were made, of one operation and pair. */
export interface Compared {
  readonly operation: string;
  readonly pair: Pair;
  readonly n: number;
}

/** Hours of a finding that a list shows. */
const HOURS = 168;

/**
 * Findings of all replicas added up in MongoDB, one row a fingerprint and origin that stands alone. Of the samples there
 * are the facts alone, of the hours the last 168. Throws a StoreError.
 */
export async function readFound(store: ResultsStore, { api, evidence }: FoundFilter): Promise<FindingRow[]> {
  const rows = await store.aggregate<Omit<FindingRow, 'samples'> & { readonly facts: readonly string[][] }>(
    'crossfade_mismatches',
    [
      { $match: { api, evidence } },
      {
        $group: {
          _id: { fingerprint: '$fingerprint', alone: '$alone' },
          ...firsts('fingerprint', 'alone', 'operation', 'pair', 'kind', 'path', 'leftType', 'rightType', 'refusal'),
          ...sums('n', 'persistent', 'moving', 'unverified', 'transient', 'places'),
          first: { $min: '$first' },
          last: { $max: '$last' },
          hours: { $push: { $slice: ['$hours', -HOURS] } },
          subjects: { $push: '$subjects' },
          tenants: { $push: '$tenants' },
          facts: { $push: '$samples.facts' },
        },
      },
      { $set: { ...joined('hours'), ...joined('subjects'), ...joined('tenants'), ...joined('facts') } },
      { $unset: '_id' },
    ],
  );
  return rows.map(({ facts, alone, ...row }) => ({
    ...row,
    // A group of rows that name none has null.
    ...(alone == null ? {} : { alone }),
    samples: facts.map((said): Sample => ({ ...NO_SAMPLE, facts: said })),
  }));
}

/** What the words of a finding need of a sample is its facts. */
const NO_SAMPLE: Sample = Object.freeze({
  ...{ at: new Date(0), requestId: '', tenant: '', stage: 'legacy', verdict: 'unverified', consistent: false },
  ...{ facts: [], salt: '', left: { type: 'absent', length: 0 }, right: { type: 'absent', length: 0 } },
});

/** Throws a StoreError. */
export const readCompared = (store: ResultsStore, { api, evidence }: FoundFilter): Promise<Compared[]> =>
  store.aggregate<Compared>('crossfade_counts', [
    { $match: { api, evidence, outcome: { $in: ['match', 'ignored', 'mismatch'] } } },
    { $group: { _id: { operation: '$operation', pair: '$pair' }, n: { $sum: '$n' } } },
    FLAT,
  ]);

/** Throws a StoreError. */
export const readAsked = (store: ResultsStore, { api, evidence }: FoundFilter): Promise<Asked[]> =>
  store.aggregate<Asked>('crossfade_requests', [
    { $match: { api, evidence } },
    { $group: { _id: { operation: '$operation', pair: '$pair' }, ...sums('n', 'items') } },
    FLAT,
  ]);

/** Comparisons in which each rule covered something, by the rule's id. Throws a StoreError. */
export async function readRuleUses(
  store: ResultsStore,
  { api, evidence }: FoundFilter,
): Promise<ReadonlyMap<string, number>> {
  const rows = await store.aggregate<{ readonly _id: string; readonly n: number }>('crossfade_counts', [
    { $match: { api, evidence, 'rules.0': { $exists: true } } },
    { $group: { _id: '$rules', n: { $sum: '$n' } } },
    { $unwind: '$_id' },
    { $group: { _id: '$_id', n: { $sum: '$n' } } },
  ]);
  return new Map(rows.map(({ _id, n }) => [_id, n]));
}

/** Rows of one finding, with its samples. Throws a StoreError. */
export const readFinding = (
  store: ResultsStore,
  { api, evidence }: FoundFilter,
  fingerprint: string,
): Promise<FindingRow[]> => store.find<FindingRow>('crossfade_mismatches', { fingerprint, api, evidence }, 1_000);

const firsts = (...fields: string[]) => Object.fromEntries(fields.map((field) => [field, { $first: `$${field}` }]));
const sums = (...fields: string[]) => Object.fromEntries(fields.map((field) => [field, { $sum: `$${field}` }]));
const joined = (field: string) => ({
  [field]: { $reduce: { input: `$${field}`, initialValue: [], in: { $concatArrays: ['$$value', '$$this'] } } },
});
const FLAT = { $replaceWith: { $mergeObjects: ['$_id', { $unsetField: { field: '_id', input: '$$ROOT' } }] } };
