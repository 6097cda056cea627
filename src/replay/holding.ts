import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import type { OriginName } from '../model/stage.ts';
import type { Result } from '../results/rows.ts';
import type { Sampler as Sampling } from '../results/sample.ts';
import type { Breakers } from '../shadow/breaker.ts';
import type { Offer } from '../shadow/offer.ts';
import type { Queue } from '../shadow/queue.ts';
import { createShadow, type Shadow } from '../shadow/run.ts';

/** The shadow's comparison, recheck and results, for one who has time: it waits where the shadow would shed. */
export interface Holding {
  /** Resolves when the candidates are asked and compared; a mismatch may still be looked at again. */
  hold(offer: Offer): Promise<void>;
  /** Notes how the control fared. */
  report(observation: Observation): void;
  /** Resolves when there is room for more; false where the replay ends instead. */
  room(): Promise<boolean>;
  /** Resolves when nothing is looked at again any more, or the replay ends. */
  settled(): Promise<void>;
  totals: Shadow['totals'];
  close(): Promise<void>;
}

export interface HoldingOptions {
  readonly sampling: Sampling;
  readonly record: (result: Result) => void;
  /** A store asks for less. */
  readonly onThrottled: () => void;
  /** An origin does not answer any more: the replay cannot go on. */
  readonly onAway: (origin: OriginName) => void;
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Comparisons that are under way or looked at again; the shadow looks again at 500 at most. */
const MOST_PENDING = 400;
/** Bytes of answers that may be looked at again; beyond it all that waits is ended first. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Failures in a row that mean that an origin is away. */
const AWAY = 25;
const LOOK_EVERY = 25;

export function openHolding(options: HoldingOptions): Holding {
  const { sampling, record, onThrottled, onAway, onError, signal } = options;
  const failures = new Map<OriginName, number>();
  const note = (origin: OriginName, ok: boolean): void => {
    const count = ok ? 0 : (failures.get(origin) ?? 0) + 1;
    failures.set(origin, count);
    if (count === AWAY) onAway(origin);
  };
  const queue = directQueue();
  const shadow = createShadow({
    queue,
    breakers: noting(note),
    budgets: { dynamodb: { take: () => true, throttled: onThrottled, perSecond: () => Number.POSITIVE_INFINITY } },
    // How many look again at a time is bounded by `room`.
    recheckBudget: { take: () => true, throttled: () => undefined, perSecond: () => Number.POSITIVE_INFINITY },
    recheckBytes: Number.POSITIVE_INFINITY,
    pulse: { busy: () => false, utilization: () => 0 },
    sampler: { leaves: () => undefined },
    percent: () => 100,
    ...{ sampling, record, onError },
    onCandidate: () => undefined,
  });
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough() && !signal.aborted) await sleep(LOOK_EVERY, undefined, { signal }).catch(() => undefined);
  };
  let held = 0;
  const isRoom = (): boolean => {
    const { pending } = shadow.totals();
    if (pending === 0) held = 0;
    return pending < MOST_PENDING && held < MOST_BYTES;
  };
  return Object.freeze({
    hold(offer: Offer): Promise<void> {
      const { control, candidates } = offer;
      held += control.ok ? control.answer.body.length * (candidates.length + 1) : 0;
      return queue.during(() => shadow.offer(offer, () => offer));
    },
    report(observation: Observation): void {
      note(observation.origin, observation.ok || !isAway(observation.error));
    },
    async room(): Promise<boolean> {
      await until(isRoom);
      return !signal.aborted;
    },
    settled: () => until(() => shadow.totals().pending === 0),
    totals: shadow.totals,
    close: shadow.close,
  });
}

const isAway = (error: Error): boolean =>
  error instanceof StoreError && (error.failure === 'unavailable' || error.failure === 'timeout');

/** Never open: where an origin is away the replay ends, it does not go on without. */
const noting = (note: (origin: OriginName, ok: boolean) => void): Breakers =>
  Object.freeze({
    allows: () => true,
    report: (origin: string, _operation: string, ok: boolean) => note(origin as OriginName, ok),
    open: () => [],
    states: () => [],
  });

/** Work begins when it is offered; who offers it can wait for it. */
function directQueue(): Queue & { readonly during: (offering: () => void) => Promise<void> } {
  const running = new Set<Promise<void>>();
  return Object.freeze({
    offer(_bytes: number, work: () => Promise<void>): boolean {
      const done: Promise<void> = work().finally(() => running.delete(done));
      running.add(done);
      return true;
    },
    /** Nothing else can be offered within its one turn. */
    async during(offering: () => void): Promise<void> {
      const before = new Set(running);
      offering();
      await Promise.all([...running].filter((one) => !before.has(one)));
    },
    depth: () => running.size,
    state: () => ({ waiting: 0, underWay: running.size, bytes: 0 }),
    async close(): Promise<void> {
      await Promise.all(running);
    },
  });
}
