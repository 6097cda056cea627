import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type Metrics, seriesOf } from '../metrics.ts';
import { createOriginRing, type LiveOrigin } from './live-origins.ts';
import { createOperationRing, type LiveRow } from './live-rows.ts';
import { remembered } from './remembered.ts';

/** What became of comparisons. */
export interface LiveOutcome {
  readonly outcome: string;
  readonly reason: string;
  readonly n: number;
  /** Over the last ten seconds. */
  readonly perSecond: number;
}

/** This replica's own numbers, of the last seconds and minutes. All durations are milliseconds. */
export interface Live {
  /** Somebody looks: for a minute from now there is a sample every second, else every ten. */
  touch(): void;
  /** In the order of the contract. */
  rows(): readonly LiveRow[];
  /** Of the last 15 minutes, a point every ten seconds. */
  origins(): readonly LiveOrigin[];
  outcomes(): readonly LiveOutcome[];
  /** p99 of the last ten seconds, or of those that have begun since, where that is more. */
  eventLoopDelay(): number;
  close(): void;
}

export interface LiveOptions {
  readonly metrics: Metrics;
  readonly operations: readonly { readonly id: string; readonly contract: { method: string; path: string } }[];
  /** Milliseconds, of whatever beginning. */
  readonly now?: () => number;
}

const SECOND = 1_000;
/** So long somebody who asked is taken to be looking. */
const LOOKING = 60_000;
const SLOW = 10_000;
/** A timer is never to the millisecond. */
const SLACK = 150;
/** Milliseconds between two looks at how late the event loop is: part of what is measured. */
const RESOLUTION = 20;

/** Samples the metrics, without making text or objects of them. */
export function createLive({ metrics, operations, now = () => performance.now() }: LiveOptions): Live {
  const rows = createOperationRing(operations, metrics, now());
  const origins = createOriginRing(metrics);
  const outcomes = createOutcomes(metrics);
  const loop = monitorEventLoopDelay({ resolution: RESOLUTION });
  loop.enable();
  let delay: number | undefined;
  let looking = Number.NEGATIVE_INFINITY;
  let sampled = Number.NEGATIVE_INFINITY;
  let tens = Number.NEGATIVE_INFINITY;

  const sample = (): void => {
    const at = now();
    sampled = at;
    rows.sample(at);
    outcomes.sample(at);
    if (at - tens < SLOW - SLACK) return;
    tens = at;
    rows.mark(at);
    origins.sample(at, Date.now());
    if (loop.count > 0) delay = delayOf(loop);
    loop.reset();
  };
  sample();
  const timer = setInterval(() => {
    const at = now();
    if (at < looking || at - sampled >= SLOW - SLACK) sample();
  }, SECOND).unref();

  return Object.freeze<Live>({
    touch() {
      const at = now();
      looking = at + LOOKING;
      if (at - sampled >= SECOND) sample();
    },
    rows: rows.rows,
    origins: origins.origins,
    outcomes: outcomes.outcomes,
    eventLoopDelay: () => Math.max(delay ?? 0, delayOf(loop)),
    close() {
      clearInterval(timer);
      loop.disable();
    },
  });
}

const delayOf = (loop: ReturnType<typeof monitorEventLoopDelay>): number =>
  loop.count === 0 ? 0 : Math.max(0, Math.round((loop.percentile(99) / 1e6 - RESOLUTION) * 10) / 10);

/** Comparisons by outcome and reason: a few dozen, whatever the contract. */
function createOutcomes({ comparisons }: Metrics) {
  const slots = new Map<string, { readonly outcome: string; readonly reason: string; n: number }>();
  const slotOf = remembered(({ outcome: what, reason: why = '' }) => {
    const [outcome, reason] = [String(what), String(why)];
    const slot = slots.get(`${outcome} ${reason}`) ?? { outcome, reason, n: 0 };
    slots.set(`${outcome} ${reason}`, slot);
    return slot;
  });
  const past: { readonly at: number; readonly sums: ReadonlyMap<string, number> }[] = [];
  return {
    sample(at: number): void {
      for (const slot of slots.values()) slot.n = 0;
      for (const [at, one] of Object.values(seriesOf(comparisons)).entries()) slotOf(one, at).n += one.value;
      past.push({ at, sums: new Map([...slots].map(([key, { n }]) => [key, n])) });
      while (past.length > 1 && at - (past[1] as { at: number }).at >= SLOW - SLACK) past.shift();
    },
    outcomes(): readonly LiveOutcome[] {
      const [first, last] = [past[0], past.at(-1)];
      const seconds = first === undefined || last === undefined ? 0 : (last.at - first.at) / 1000;
      return [...slots].map(([key, { outcome, reason, n }]) => ({
        ...{ outcome, reason, n },
        perSecond: seconds === 0 ? 0 : rounded((n - (first?.sums.get(key) ?? 0)) / seconds),
      }));
    },
  };
}

/** Three digits: more are noise. */
const rounded = (value: number): number => Number(value.toPrecision(3));
