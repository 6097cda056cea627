import { isExpired } from '../compare/rules.ts';
import type { Kind, Outcome, Pair } from '../model/comparison.ts';
import type { GateFigures, Waiver } from '../model/gate.ts';
import { type OriginName, PLANS, type Stage } from '../model/stage.ts';
import { type Buckets, quantile } from '../results/buckets.ts';
import type { FindingRow } from '../results/rows.ts';
import { type GateFacts, type PairFacts, stagesOf } from './gate-facts.ts';
import { dateText, duration, percent, plural } from './text.ts';
import { sidesOf } from './words.ts';

/** A move that is asked for: who goes from where to where. */
export interface GateTarget {
  readonly from: Stage;
  readonly to: Stage;
  readonly offered: readonly Stage[];
  /** Tenants that are moved by name. */
  readonly named: readonly string[];
  /** Tenants with requests in the last 30 days that are moved with a share, or with everybody. */
  readonly active: readonly string[];
}

/** `fail`: what was seen speaks against it; `insufficient`: too little was seen, which is no pass either. */
export type State = 'pass' | 'fail' | 'insufficient';

/** What a rule is asked with: one pair that the move needs. */
export interface Case {
  readonly facts: GateFacts;
  readonly figures: GateFigures;
  readonly target: GateTarget;
  readonly now: number;
  readonly pair: Pair;
  readonly of: PairFacts;
}

/** What a rule found: in words, what it wanted and what there is; `what` names the thing, where there are several. */
export interface Found {
  readonly state: State;
  readonly wanted: string;
  readonly got: string;
  readonly what: string;
}

/** Which of what was not compared counts against the gate; what is not named does. */
export const UNCOUNTED: Readonly<Partial<Record<Outcome, Readonly<Record<string, string>>>>> = Object.freeze({
  skipped: Object.freeze({
    sampling: 'left out by the share that is sampled, whatever it asked',
    load: 'left out while the process had much to do, whatever it asked',
    cursor: 'a page token that one origin alone can read',
    conditional: 'the client asked for a change alone',
    range: 'the client asked for a part alone',
    accept: 'the client takes no JSON, and stores have nothing else',
    override: 'the client asked to be taken for another method’s, which may write',
    incomplete: 'the client left, or legacy broke off, before there was an answer',
  }),
});

/** Milliseconds by which a newcomer may be slower, whatever the factor: nobody notices, and few can measure it. */
export const SLOWER_BY = 5;
/** Fewer have no hundredth that is slower than 99. */
const SAMPLES = 100;
export const DAY = 86_400_000;
const NAMED = 5;

export const times = (n: number): string => (n === 1 ? 'once' : `${n.toLocaleString('en')} times`);
export const sum = (counts: ReadonlyMap<string, number>): number => counts.values().reduce((total, n) => total + n, 0);
export const few = (names: readonly string[]): string =>
  names.length > NAMED ? `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more` : names.join(', ');
export const fingerprints = (rows: readonly FindingRow[]): string => few(rows.map((one) => one.fingerprint));
const byReplay = (finished: Date): string => `all that there is was replayed on ${dateText(finished)}`;

/**
 * That a replay of the full list of keys stands for numbers: one of the last days that count, in which anything had something in
 * both answers.
 */
export function everyKey({ exhaustive, distinct }: PairFacts, figures: GateFigures, now: number): string | undefined {
  if (exhaustive === undefined || sum(distinct) === 0) return undefined;
  return now - exhaustive.getTime() <= Math.max(figures.days, 1) * DAY ? byReplay(exhaustive) : undefined;
}
export const waived = (waiver: Waiver | 'expired' | undefined): string | undefined =>
  typeof waiver === 'object' ? `waived until ${waiver.until}: ${waiver.reason}` : undefined;
export const waiverText = (stratum: string): string =>
  `gate: { waivers: [{ stratum: '${stratum}', reason: '…', until: 'YYYY-MM-DD' }] }`;
export const ageText = (milliseconds: number): string =>
  milliseconds % DAY === 0
    ? plural(milliseconds / DAY, 'day')
    : `${Number((milliseconds / 3_600_000).toPrecision(3))} h`;
export const sideName = (origin: OriginName): string => sidesOf(`${origin}-` as Pair)[0];
export const newcomer = ({ target, pair }: Case): OriginName => {
  const { control } = PLANS[target.to];
  return pair.split('-').includes(control) ? control : (pair.split('-')[1] as OriginName);
};

/** Of a kind, whatever became of it: only what was gone when it was looked at again does not count. */
export function kindOf(findings: readonly FindingRow[], kind: Kind): Found {
  const own = findings.filter((row) => row.n > row.transient && row.kind === kind);
  const n = own.reduce((total, row) => total + row.n - row.transient, 0);
  return { state: n === 0 ? 'pass' : 'fail', wanted: 'none', got: times(n), what: fingerprints(own) };
}

export const atMost = (share: number, most: number, otherwise: State): Found => ({
  ...{ state: share <= most ? 'pass' : otherwise, wanted: `at most ${percent(most)}`, got: percent(share), what: '' },
});

/** How much of how much. */
type Share = readonly [n: number, total: number];

/**
 * The share of all, or of clients' requests alone where that is more, and where they are so many that one of them is not
 * too many.
 */
export function shareAtMost(all: Share, clients: Share, most: number, otherwise: State): Found {
  const [whole, alone] = [all, clients].map(([n, total]) => (n === 0 ? 0 : n / total)) as [number, number];
  if (alone <= whole || clients[1] * most < 1) return atMost(whole, most, otherwise);
  const found = atMost(alone, most, otherwise);
  return { ...found, got: `${found.got} (without replays)` };
}

/** `instead`: what stands for those that are missing; `ended`: what did. */
export function enough(n: number, wanted: number, instead: string | undefined, ended?: string): Found {
  const number = n.toLocaleString('en');
  const found = { wanted: wanted.toLocaleString('en'), what: '' };
  if (n >= wanted) return { ...found, state: 'pass', got: number };
  if (instead !== undefined) return { ...found, state: 'pass', got: `${number}; ${instead}` };
  return { ...found, state: 'insufficient', got: ended === undefined ? number : `${number} (${ended})` };
}

/** Of a stratum whose waivers are over. */
export const endedText = ({ waivers }: GateFigures, stratum: string): string =>
  `its waiver ended on ${waivers.find((waiver) => waiver.stratum === stratum)?.until}`;

/** A waiver that holds, `expired` where there are none but ended ones. */
export function waiverOf({ waivers }: GateFigures, stratum: string, now: number): Waiver | 'expired' | undefined {
  const own = waivers.filter((waiver) => waiver.stratum === stratum);
  return own.find(({ until }) => !isExpired(until, now)) ?? (own.length > 0 ? 'expired' : undefined);
}

export const countedOf = ({ notCompared }: Pick<PairFacts, 'notCompared'>) =>
  notCompared.filter(({ outcome, reason }) => !Object.hasOwn(UNCOUNTED[outcome] ?? {}, reason));

export function lookAtP99(one: Case): readonly Found[] {
  const { of, figures, pair } = one;
  const origin = newcomer(one);
  const other = pair.split('-').find((name) => name !== origin) as OriginName;
  const samples = Math.min(SAMPLES, figures.requests);
  // A replay at night says little of how the origins do by day: it counts where there is nothing better.
  const known = [origin, other].every((name) => sizeOf(of.clientDurations[name] ?? {}) >= samples);
  const durations = known ? of.clientDurations : of.durations;
  const [ours, theirs] = [durations[origin] ?? {}, durations[other] ?? {}];
  for (const [name, buckets] of [[origin, ours] as const, [other, theirs] as const])
    if (sizeOf(buckets) < samples)
      return [{ state: 'insufficient', wanted: String(samples), got: String(sizeOf(buckets)), what: sideName(name) }];
  const [p99, most] = [quantile(ours, 0.99) as number, quantile(theirs, 0.99) as number];
  const state = p99 <= most * figures.p99 || p99 - most <= SLOWER_BY ? 'pass' : 'fail';
  const got = `${duration(p99)} against ${duration(most)} of ${sideName(other)}`;
  return [{ state, wanted: `${figures.p99} times that, or ${SLOWER_BY} ms more`, got, what: '' }];
}

const sizeOf = (buckets: Buckets): number => Object.values(buckets).reduce((total, n) => total + n, 0);

export function howToCompare({ pair, target, facts }: Case): string {
  const stages = stagesOf(pair, target.offered);
  const replay = `crossfade replay FILE asks what was recorded`;
  if (stages.length === 0) return replay;
  const there = stages.includes(target.from);
  return there
    ? `let requests come at ${target.from}, or ${replay}`
    : `crossfade stage ${facts.operation} ${stages[0]} compares what comes, or ${replay}`;
}

export const overAt = ({ of, figures }: Case): string =>
  dateText(new Date((of.first as Date).getTime() + figures.days * DAY));

/** Of so many days those on which there must have been requests: five of seven, since nobody may ask at weekends. */
export const busyDays = (days: number): number => Math.ceil((days * 5) / 7);

export function pastOf({ history }: GateFacts): string {
  const n = history.reduce((total, one) => total + one.n, 0);
  const [newest] = history;
  return newest === undefined
    ? ''
    : `${plural(n, 'result')} up to ${dateText(newest.last)} UTC of all operations are of ${newest.evidence}${history.length > 1 ? ' and others' : ''}`;
}
