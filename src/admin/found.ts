import type { Kind, Pair } from '../model/comparison.ts';
import { createSlices } from '../operate/slices.ts';
import { byPair, pairKey } from '../report/by-pair.ts';
import { reported } from '../report/reported.ts';
import { type FindingSummary, findingsOf, type ReportedOperation, stateOf, worstFirst } from '../report/summary.ts';
import { readAsked, readCompared, readFound } from '../results/found.ts';
import { marksOf, readMarks } from '../results/marks.ts';
import type { FindingRow } from '../results/rows.ts';
import { createKept, type Kept } from './kept.ts';
import { NO_RESULTS, type ReadingParts } from './parts.ts';

/** The findings of all operations, without samples. */
export interface Found {
  /** Exposures first, then worst first. */
  readonly findings: readonly FindingSummary[];
  readonly ofOperation: ReadonlyMap<string, FoundCounts>;
  /** By fingerprint, twins' too. */
  readonly byFingerprint: ReadonlyMap<string, FindingSummary>;
  /** Another one when there are other findings, or one stands otherwise. */
  readonly signature: string;
}

export interface FoundCounts {
  /** Confirmed ones that nobody has marked as known. */
  readonly persistent: number;
  /** Marked or not: nobody says away that a store answers what legacy refuses. */
  readonly exposures: number;
}

const TTL = 4_000;

/** Findings, read again after a few seconds at the earliest. */
export function keepFound(parts: Pick<ReadingParts, 'bindings' | 'evidence' | 'results'>): Kept<Found> {
  const { bindings, evidence, results: store } = parts;
  const filter = { api: bindings.name, evidence };
  let known: ReadonlyMap<string, ReportedOperation> | undefined;
  return createKept(
    async () => {
      if (store === undefined) throw new Error(NO_RESULTS);
      const [rows, compared, asked, marks] = await Promise.all([
        readFound(store, filter),
        readCompared(store, filter),
        readAsked(store, filter),
        readMarks(store, filter.api),
      ]);
      known ??= await reportedAll(parts);
      const now = Date.now();
      return await foundOf(rows, now, {
        compared: new Map(compared.map((one) => [pairKey(one), one.n])),
        known: { operations: known, asked: byPair(asked), marks: marksOf(marks, now) },
      });
    },
    { ttl: TTL },
  );
}

/** What a report needs to know of the operations that have bindings. */
export async function reportedAll({
  bindings,
}: Pick<ReadingParts, 'bindings'>): Promise<ReadonlyMap<string, ReportedOperation>> {
  const slices = createSlices();
  const known = new Map<string, ReportedOperation>();
  for (const operation of bindings.operations) {
    if (operation.spec === undefined) continue;
    known.set(operation.id, reported(bindings, operation));
    await slices.next();
  }
  return known;
}

interface Context {
  readonly compared: ReadonlyMap<string, number>;
  readonly known: Parameters<typeof findingsOf>[3];
}

/** One operation after the other: twins are of one. */
async function foundOf(rows: readonly FindingRow[], now: number, { compared, known }: Context): Promise<Found> {
  const slices = createSlices();
  const byOperation = new Map<string, FindingRow[]>();
  for (const row of rows) {
    const own = byOperation.get(row.operation);
    if (own === undefined) byOperation.set(row.operation, [row]);
    else own.push(row);
  }
  const findings: FindingSummary[] = [];
  const ofOperation = new Map<string, FoundCounts>();
  for (const [operation, own] of byOperation) {
    const found = findingsOf(own, compared, now, known);
    findings.push(...found);
    ofOperation.set(operation, {
      persistent: found.filter((one) => stateOf(one) === 'persistent' && one.known === undefined).length,
      exposures: found.filter((one) => stateOf(one) === 'exposure').length,
    });
    await slices.next();
  }
  findings.sort((a, b) => exposureRank(a) - exposureRank(b) || worstFirst(a, b));
  const byFingerprint = new Map<string, FindingSummary>();
  for (const one of findings)
    for (const { fingerprint } of [one, ...one.twins])
      if (!byFingerprint.has(fingerprint)) byFingerprint.set(fingerprint, one);
  const signature = findings.map((one) => `${one.fingerprint} ${stateOf(one)} ${one.known?.until ?? ''}`).join('\n');
  return Object.freeze({ findings, ofOperation, byFingerprint, signature });
}

const exposureRank = (one: FindingSummary): number => (stateOf(one) === 'exposure' ? 0 : 1);

/** What of the findings is asked for. */
export interface FoundQuery {
  readonly operation?: string;
  readonly pair?: Pair;
  readonly kind?: Kind;
  readonly state?: string;
  /** Text in fingerprint, operation, path, sentence or a tenant’s name. */
  readonly search?: string;
}

export function chosen(findings: readonly FindingSummary[], query: FoundQuery): readonly FindingSummary[] {
  const { operation, pair, kind, state } = query;
  const search = query.search?.toLowerCase();
  return findings.filter(
    (one) =>
      (operation === undefined || one.operation === operation) &&
      (pair === undefined || [one, ...one.twins].some((other) => other.pair === pair)) &&
      (kind === undefined || one.kind === kind) &&
      (state === undefined || stateOf(one) === state) &&
      (search === undefined || searchable(one).some((text) => text.toLowerCase().includes(search))),
  );
}

const searchable = (one: FindingSummary): readonly string[] => [
  ...[one, ...one.twins].map(({ fingerprint }) => fingerprint),
  ...[one.operation, one.path, one.sentence],
  ...one.tenants,
];
