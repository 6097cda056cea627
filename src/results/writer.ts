import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ResultsStore } from '../drivers/results.ts';
import type { Outcome } from '../model/comparison.ts';
import { addTo } from './buckets.ts';
import { createDistinct } from './distinct.ts';
import { createHashes } from './hashes.ts';
import {
  type CountRow,
  type Finding,
  type FindingRow,
  MAX_SUBJECTS,
  type ReplicaRow,
  type Result,
  type RuleRow,
  type Sample,
  type Source,
  type TenantRow,
} from './rows.ts';

/** Where results go, off the request path. */
export interface ResultsWriter {
  /** This process's name in all rows. */
  readonly replica: string;
  /** Counts a result. Never waits, never throws. */
  record(result: Result): void;
  /** Notes that a tenant is there. Never waits, never throws. */
  meet(tenant: string): void;
  /** Writes the heartbeat soon: the flags' revision has changed. */
  beat(): void;
  /** Results that did not fit while MongoDB was away. */
  dropped(): number;
  state(): WriterState;
  /** Resolves when what was recorded so far is written, or could not be. */
  flush(): Promise<void>;
  /** Writes what is left, within so many milliseconds; what then is still there counts as dropped. */
  close(milliseconds: number): Promise<void>;
}

/** For people. */
export interface WriterState {
  /** Rows that are not written yet, and the most that are kept. */
  readonly waiting: number;
  readonly most: number;
  readonly dropped: number;
  /** When all that there was had been written last, and why it could not be since; `undefined`: never, nothing. */
  readonly written: Date | undefined;
  readonly problem: string | undefined;
}

export interface WriterOptions {
  readonly store: ResultsStore;
  readonly api: string;
  readonly evidence: string;
  readonly version: string;
  /** Whence the requests come; default `traffic`. */
  readonly source?: Source;
  /** Milliseconds between two writes; default 1,000. */
  readonly every?: number;
  /** Rows that are kept while they cannot be written; default 20,000. */
  readonly maxRows?: number;
  readonly onDropped?: (count: number) => void;
  readonly onError?: (error: Error) => void;
  /** What the heartbeat says beside the counts. */
  readonly state?: () => Pick<ReplicaRow, 'flags' | 'flagsFrom' | 'totals'>;
}

interface Kept<Row> {
  readonly row: Row;
  /** Changes since the start of the row, and how many of them are written. */
  changes: number;
  written: number;
}

interface Histograms {
  readonly strata: Map<string, number>;
  readonly control: Record<number, number>;
  readonly candidate: Record<number, number>;
  readonly lag: Record<number, number>;
}

const BATCH = 500;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const MAX_TENANTS = 100;
const MAX_HOURS = 24 * 30;
const MAX_SAMPLES = 5;
/** Tenants that are noted in an hour. */
const MAX_MET = 100_000;
const LONGEST_PAUSE = 30_000;

/** Distinct findings of one operation; further ones are counted as one. */
export const MAX_FINGERPRINTS = 200;

/**
 * Adds results up into cumulative rows of this replica and replaces those in MongoDB, in batches: a write that is sent
 * twice, or whose reply was lost, counts once. Rows of past minutes are forgotten once they are written.
 */
export function createWriter(options: WriterOptions): ResultsWriter {
  const { store, api, evidence, every = 1_000, maxRows = 20_000, source = 'traffic' } = options;
  const replica = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const started = new Date();
  const counts = new Map<string, Kept<CountRow> & { readonly sums: Histograms }>();
  const findings = new Map<string, Kept<FindingRow>>();
  const rules = new Map<string, Kept<RuleRow>>();
  const fingerprints = new Map<string, Set<string>>();
  const hashOf = createHashes();
  const requests = createDistinct({ api, evidence, replica, source }, (parts) => `${replica}:${hashOf(parts)}`);
  let dropped = 0;
  let failures = 0;
  let lastWritten: Date | undefined;
  let problem: string | undefined;
  let writing: Promise<void> | undefined;
  let indexed = false;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let ended: Date | undefined;
  let met = new Set<string>();
  let metSince = Date.now();
  let unwritten: string[] = [];

  const meet = (tenant: string): void => {
    if (met.has(tenant) || met.size >= MAX_MET) return;
    met.add(tenant);
    unwritten.push(tenant);
    soon();
  };
  const soon = (): void => {
    if (!closed) timer ??= setTimeout(tick, every).unref();
  };
  const writeMet = async (): Promise<void> => {
    const last = new Date();
    while (unwritten.length > 0) {
      const batch = unwritten.slice(0, BATCH);
      const rows: TenantRow[] = batch.map((tenant) => ({ _id: `${api}:${tenant}`, api, tenant, last }));
      await store.replaceAll('crossfade_tenants', rows);
      unwritten = unwritten.slice(batch.length);
    }
    // From time to time everybody is noted anew, so that who is gone can expire.
    if (last.getTime() - metSince < HOUR) return;
    met = new Set();
    metSince = last.getTime();
  };

  const drop = (count: number): void => {
    dropped += count;
    options.onDropped?.(count);
  };

  const record = (result: Result): void => {
    const kept = countRow(result);
    if (kept === undefined) {
      drop(1);
      for (const finding of result.findings) if (finding.kind === 'exposure') sighting(result, finding, false);
      soon();
      return;
    }
    count(kept.row, kept.sums, result);
    kept.changes += 1;
    const isNew = requests.note(result);
    for (const finding of result.findings) sighting(result, finding, isNew);
    if (result.request !== undefined) for (const rule of result.rules) covered(result, rule, result.request);
    soon();
  };

  const countRow = (result: Result) => {
    const { operation, tenant, stage, pair, outcome, reason = '', rules } = result;
    const minute = Math.floor(result.at / MINUTE) * MINUTE;
    const id = `${replica}:${minute}:${hashOf([operation, tenant, stage, pair, outcome, reason, rules])}`;
    const known = counts.get(id);
    if (known !== undefined) return known;
    if (counts.size + findings.size >= maxRows) return undefined;
    const row: CountRow = {
      _id: id,
      ...{ api, evidence, replica, source, minute: new Date(minute) },
      ...{ operation, tenant, stage, pair, outcome, reason, rules },
      ...{ n: 0, persistent: 0, moving: 0, unverified: 0, transient: 0 },
      ...{ strata: [], control: [], candidate: [], lag: [] },
    };
    const made = { row, changes: 0, written: 0, sums: { strata: new Map(), control: {}, candidate: {}, lag: {} } };
    counts.set(id, made);
    return made;
  };

  const sighting = (result: Result, finding: Finding, isNew: boolean): void => {
    const kept = findingRow(result, finding);
    if (kept === undefined) {
      drop(1);
      return;
    }
    const { row } = kept;
    const at = new Date(result.at);
    row.n += 1;
    row[finding.verdict] += 1;
    // What passes says nothing of what is wrong.
    if (finding.verdict === 'persistent') blame(row, finding, isNew);
    if (row.tenants.length < MAX_TENANTS && !row.tenants.includes(result.tenant)) row.tenants.push(result.tenant);
    if (at < row.first) row.first = at;
    if (at > row.last) row.last = at;
    const hour = Math.floor(result.at / HOUR);
    const sameHour = row.hours.find(({ h }) => h === hour);
    if (sameHour !== undefined) sameHour.n += 1;
    else row.hours = [...row.hours, { h: hour, n: 1 }].slice(-MAX_HOURS);
    row.samples = withSample(row.samples, finding.sample);
    kept.changes += 1;
  };

  const blame = (row: FindingRow, { places, subjects }: Finding, isNew: boolean): void => {
    if (isNew) row.places += places;
    for (const subject of subjects)
      if (row.subjects.length < MAX_SUBJECTS && !row.subjects.includes(subject)) row.subjects.push(subject);
  };

  const findingRow = (result: Result, finding: Finding): Kept<FindingRow> | undefined => {
    const { operation, pair } = result;
    const known = fingerprints.get(operation) ?? new Set<string>();
    fingerprints.set(operation, known);
    const own = `${finding.fingerprint}:${finding.alone ?? ''}`;
    // Who may see what is never one of many; its statuses are few.
    const bounded = finding.kind !== 'exposure';
    const beyond = bounded && !known.has(own) && known.size >= MAX_FINGERPRINTS;
    const fingerprint = beyond ? `${operation}-${pair}-more` : finding.fingerprint;
    const id = `${replica}:${beyond ? fingerprint : own}`;
    const row = findings.get(id);
    if (row !== undefined) return row;
    if (bounded && counts.size + findings.size >= maxRows) return undefined;
    known.add(own);
    const { kind, leftType, rightType, alone, refusal } = finding;
    const made: Kept<FindingRow> = {
      changes: 0,
      written: 0,
      row: {
        _id: id,
        ...{ api, evidence, replica, source, fingerprint, operation, pair, kind },
        ...{ path: beyond ? '(more)' : finding.path, leftType, rightType, refusal },
        ...(beyond || alone === undefined ? {} : { alone }),
        ...{ n: 0, persistent: 0, moving: 0, unverified: 0, transient: 0, places: 0, subjects: [] },
        ...{ tenants: [], first: new Date(result.at), last: new Date(result.at), hours: [], samples: [] },
      },
    };
    findings.set(id, made);
    return made;
  };

  const covered = ({ operation, pair, at }: Result, rule: string, request: string): void => {
    const id = `${replica}:${hashOf([operation, pair, rule])}`;
    const row = { _id: id, api, evidence, replica, rule, operation, pair, last: new Date(at), requests: [] };
    const kept = rules.get(id) ?? { row, changes: 0, written: 0 };
    rules.set(id, kept);
    kept.row.last = new Date(at);
    kept.row.requests = [...kept.row.requests, request].slice(-MAX_SAMPLES);
    kept.changes += 1;
  };

  const tick = (): void => {
    timer = undefined;
    void flush();
  };

  let beating = false;
  const flush = (): Promise<void> => {
    if (writing === undefined) beating = false;
    writing ??= write().finally(() => {
      writing = undefined;
      if (beating && !closed) void flush();
      const left = isDirty(counts) || isDirty(findings) || isDirty(requests.rows) || unwritten.length > 0;
      if (left && !closed) timer ??= setTimeout(tick, Math.min(every * 2 ** failures, LONGEST_PAUSE)).unref();
    });
    return writing;
  };

  const write = async (): Promise<void> => {
    try {
      if (!indexed) await store.ensureIndexes();
      indexed = true;
      await writeRows('crossfade_counts', counts, ({ row, sums }) => withSums(row, sums));
      await writeRows('crossfade_mismatches', findings, ({ row }) => ({ ...row }));
      await writeRows('crossfade_rules', rules, ({ row }) => ({ ...row }));
      await writeRows('crossfade_requests', requests.rows, requests.image);
      await writeMet();
      await store.replaceAll('crossfade_replicas', [heartbeat()]);
      failures = 0;
      lastWritten = new Date();
      problem = undefined;
      forget();
    } catch (error) {
      failures += 1;
      problem = (error as Error).message;
      options.onError?.(error as Error);
    }
  };

  const writeRows = async <K extends Kept<{ readonly _id: string }>>(
    collection: 'crossfade_counts' | 'crossfade_mismatches' | 'crossfade_rules' | 'crossfade_requests',
    rows: ReadonlyMap<string, K>,
    image: (kept: K) => { readonly _id: string },
  ): Promise<void> => {
    const dirty = [...rows.values()].filter(({ changes, written }) => changes > written);
    for (let at = 0; at < dirty.length; at += BATCH) {
      const batch = dirty.slice(at, at + BATCH);
      const versions = batch.map(({ changes }) => changes);
      await store.replaceAll(collection, batch.map(image));
      for (const [index, kept] of batch.entries()) kept.written = versions[index] as number;
    }
  };

  const heartbeat = (): ReplicaRow => {
    const { flags, flagsFrom, totals } = options.state?.() ?? { flags: '', flagsFrom: '', totals: NO_TOTALS };
    const { version } = options;
    const who = { _id: replica, api, evidence, source, version, host: hostname(), pid: process.pid, started };
    const seen = { seen: new Date(), flags, flagsFrom, totals: { ...totals, dropped } };
    return ended === undefined ? { ...who, ...seen } : { ...who, ...seen, ended };
  };

  /** Rows of minutes that are over get no more; only while they are dirty do they take room. */
  const forget = (): void => {
    const over = Date.now() - 2 * MINUTE;
    for (const [id, { row, changes, written }] of counts)
      if (changes === written && row.minute.getTime() < over) counts.delete(id);
  };

  const beat = setInterval(() => void flush(), 10_000).unref();

  return Object.freeze({
    replica,
    record,
    meet,
    beat() {
      // What is being written now may carry the revision before.
      beating = true;
      if (!closed && writing === undefined) void flush();
    },
    dropped: () => dropped,
    state: () => {
      const rows = [counts, findings, rules, requests.rows].reduce((sum, rows) => sum + dirtyOf(rows), 0);
      const waiting = rows + unwritten.length;
      return Object.freeze({ waiting, most: maxRows, dropped, written: lastWritten, problem });
    },
    flush,
    async close(milliseconds: number): Promise<void> {
      closed = true;
      ended = new Date();
      clearInterval(beat);
      clearTimeout(timer);
      const end = Date.now() + milliseconds;
      const late = new Promise<void>((done) => setTimeout(done, milliseconds).unref());
      // What is under way has not said goodbye.
      await Promise.race([writing, late]);
      while (Date.now() < end) {
        await Promise.race([flush(), late]);
        if (!isDirty(counts) && !isDirty(findings) && !isDirty(requests.rows)) break;
        await Promise.race([new Promise<void>((done) => setTimeout(done, 100)), late]);
      }
      const left = [...counts.values(), ...findings.values()];
      const lost = left.reduce((sum, { changes, written }) => sum + changes - written, 0);
      if (lost > 0) drop(lost);
    },
  });
}

const NO_TOTALS: ReplicaRow['totals'] = Object.freeze({
  ...{ offered: 0, pending: 0, dropped: 0 },
  ...({ match: 0, ignored: 0, mismatch: 0, error: 0, shed: 0, skipped: 0 } satisfies Record<Outcome, number>),
});

const dirtyOf = (rows: ReadonlyMap<string, Kept<unknown>>): number =>
  rows.values().reduce((sum, { changes, written }) => (changes > written ? sum + 1 : sum), 0);

const isDirty = (rows: ReadonlyMap<string, Kept<unknown>>): boolean =>
  rows.values().some(({ changes, written }) => changes > written);

function count(row: CountRow, sums: Histograms, result: Result): void {
  row.n += 1;
  if (result.verdict !== undefined) row[result.verdict] += 1;
  for (const name of result.strata) sums.strata.set(name, (sums.strata.get(name) ?? 0) + 1);
  if (result.control !== undefined) addTo(sums.control, result.control);
  if (result.candidate !== undefined) addTo(sums.candidate, result.candidate);
  if (result.lag !== undefined) addTo(sums.lag, result.lag);
}

/** Pairs instead of objects: a name of a parameter is no name that MongoDB takes as a field. */
const withSums = (row: CountRow, { strata, control, candidate, lag }: Histograms): CountRow => ({
  ...row,
  strata: [...strata].map(([k, n]) => ({ k, n })),
  control: pairs(control),
  candidate: pairs(candidate),
  lag: pairs(lag),
});

const pairs = (buckets: Record<number, number>) => Object.entries(buckets).map(([b, n]) => ({ b: Number(b), n }));

/** The first one and the latest, those that were confirmed before those that passed. */
function withSample(samples: readonly Sample[], sample: Sample): Sample[] {
  if (samples.length < MAX_SAMPLES) return [...samples, sample];
  const weakest = samples.findIndex(({ verdict }, at) => at > 0 && verdict === 'transient');
  if (weakest === -1 && sample.verdict === 'transient') return [...samples];
  return [...samples.toSpliced(weakest === -1 ? 1 : weakest, 1), sample];
}
