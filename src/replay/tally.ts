import type { Kind, Outcome, Pair, Verdict } from '../model/comparison.ts';
import { KINDS, VERDICTS } from '../model/comparison.ts';
import type { Result } from '../results/rows.ts';

/** What a replay did, counted as it goes. All of it is bounded. */
export interface Tally {
  readonly complaint: (place: string, message: string) => void;
  readonly skip: (reason: string, place: string) => void;
  /** A request is taken; with its tenant, for a preview. */
  readonly take: (operation: string, tenant: string) => void;
  readonly done: () => void;
  readonly page: () => void;
  readonly record: (result: Result) => void;
  readonly read: () => Counted;
}

export interface Counted {
  /** Recorded requests, times the tenants that each stands for. */
  readonly taken: number;
  readonly done: number;
  /** Later pages that were asked for. */
  readonly pages: number;
  readonly complaints: number;
  readonly firstComplaints: readonly string[];
  readonly skipped: readonly Skipped[];
  readonly operations: readonly TakenOperation[];
  readonly pairs: readonly PairTally[];
  /** Worst first; at most 200, and every exposure. */
  readonly findings: readonly FoundOnce[];
}

export interface Skipped {
  readonly reason: string;
  readonly n: number;
  /** Of the first one. */
  readonly place: string;
}

export interface TakenOperation {
  readonly operation: string;
  readonly requests: number;
  /** At most 100 by name. */
  readonly tenants: readonly { readonly tenant: string; readonly requests: number }[];
}

export interface PairTally {
  readonly operation: string;
  readonly pair: Pair;
  readonly compared: number;
  readonly match: number;
  readonly ignored: number;
  readonly mismatch: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** `timeout`, `max_pages`: why the others were not compared. */
  readonly notCompared: readonly { readonly outcome: Outcome; readonly reason: string; readonly n: number }[];
}

export interface FoundOnce {
  readonly fingerprint: string;
  readonly operation: string;
  readonly pair: Pair;
  readonly kind: Kind;
  readonly path: string;
  /** The worst of all. */
  readonly verdict: Verdict;
  readonly n: number;
}

const FIRST = 10;
const MAX_TENANTS = 100;
const MAX_FINDINGS = 200;
const OTHERS = '(others)';

export function createTally(): Tally {
  const counts = { taken: 0, done: 0, pages: 0, complaints: 0 };
  const firstComplaints: string[] = [];
  const skipped = new Map<string, { n: number; place: string }>();
  const taken = new Map<string, Map<string, number>>();
  const pairs = new Map<string, Tallied>();
  const findings = new Map<string, FoundOnce>();

  const found = (result: Result): void => {
    for (const { fingerprint, kind, path, verdict } of result.findings) {
      const before = findings.get(fingerprint);
      if (before === undefined && findings.size >= MAX_FINDINGS && kind !== 'exposure') continue;
      const { operation, pair } = result;
      const worse = before !== undefined && VERDICTS.indexOf(before.verdict) < VERDICTS.indexOf(verdict);
      findings.set(fingerprint, {
        ...{ fingerprint, operation, pair, kind, path, n: (before?.n ?? 0) + 1 },
        verdict: worse ? before.verdict : verdict,
      });
    }
  };

  return Object.freeze({
    complaint(place: string, message: string): void {
      counts.complaints += 1;
      if (firstComplaints.length < FIRST) firstComplaints.push(`${place}: ${message}`);
    },
    skip(reason: string, place: string): void {
      const known = skipped.get(reason);
      if (known === undefined) skipped.set(reason, { n: 1, place });
      else known.n += 1;
    },
    take(operation: string, tenant: string): void {
      counts.taken += 1;
      const tenants = taken.get(operation) ?? new Map<string, number>();
      taken.set(operation, tenants);
      const name = tenants.has(tenant) || tenants.size < MAX_TENANTS ? tenant : OTHERS;
      tenants.set(name, (tenants.get(name) ?? 0) + 1);
    },
    done(): void {
      counts.done += 1;
    },
    page(): void {
      counts.pages += 1;
    },
    record(result: Result): void {
      const { operation, pair, outcome, reason = '', verdict } = result;
      const key = `${operation} ${pair}`;
      const tallied = pairs.get(key) ?? { operation, pair, outcomes: new Map(), verdicts: none() };
      pairs.set(key, tallied);
      const name = `${outcome} ${reason}`;
      tallied.outcomes.set(name, (tallied.outcomes.get(name) ?? 0) + 1);
      if (verdict !== undefined) tallied.verdicts[verdict] += 1;
      found(result);
    },
    read: () =>
      Object.freeze({
        ...counts,
        firstComplaints: [...firstComplaints],
        skipped: [...skipped].map(([reason, one]) => ({ reason, ...one })).sort((a, b) => b.n - a.n),
        operations: [...taken].sort().map(([operation, tenants]) => ({
          operation,
          requests: [...tenants.values()].reduce((sum, n) => sum + n, 0),
          tenants: [...tenants]
            .map(([tenant, requests]) => ({ tenant, requests }))
            .sort((a, b) => b.requests - a.requests),
        })),
        pairs: [...pairs.values()]
          .map(pairTally)
          .sort((a, b) => (`${a.operation} ${a.pair}` < `${b.operation} ${b.pair}` ? -1 : 1)),
        findings: [...findings.values()].sort(worstFirst),
      }),
  });
}

/** An exposure before all else, then what lasts, then by kind. */
function worstFirst(a: FoundOnce, b: FoundOnce): number {
  const exposed = Number(b.kind === 'exposure') - Number(a.kind === 'exposure');
  const verdict = VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict);
  return exposed || verdict || KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.n - a.n;
}

interface Tallied {
  readonly operation: string;
  readonly pair: Pair;
  readonly outcomes: Map<string, number>;
  readonly verdicts: Record<Verdict, number>;
}

const none = (): Record<Verdict, number> => ({ persistent: 0, moving: 0, unverified: 0, transient: 0 });

function pairTally({ operation, pair, outcomes, verdicts }: Tallied): PairTally {
  const all = [...outcomes].map(([name, n]) => {
    const cut = name.indexOf(' ');
    return { outcome: name.slice(0, cut) as Outcome, reason: name.slice(cut + 1), n };
  });
  const of = (wanted: Outcome) => all.reduce((sum, { outcome, n }) => sum + (outcome === wanted ? n : 0), 0);
  const [match, ignored, mismatch] = [of('match'), of('ignored'), of('mismatch')];
  return {
    ...{ operation, pair, match, ignored, mismatch, compared: match + ignored + mismatch, verdicts: { ...verdicts } },
    notCompared: all.filter(({ outcome }) => outcome === 'error' || outcome === 'shed' || outcome === 'skipped'),
  };
}
