import { setTimeout as sleep } from 'node:timers/promises';

/** So many turns a second, evenly spaced. */
export interface Pace {
  /** Resolves when the next turn has come; false where the replay ends instead. */
  turn(): Promise<boolean>;
  /** A store asked for less: half as many, given back by a tenth each second. */
  slower(): void;
  perSecond(): number;
}

/** A store that throttles all the time still gets this share. */
const LEAST = 1 / 32;

export function createPace(perSecond: number, signal: AbortSignal): Pace {
  let next = performance.now();
  let share = 1;
  let halved = Number.NEGATIVE_INFINITY;
  let last = next;
  return Object.freeze({
    async turn(): Promise<boolean> {
      const now = performance.now();
      share = Math.min(1, share + (0.1 * (now - last)) / 1000);
      last = now;
      // What was not used is not saved up: a pause is followed by no burst.
      const due = Math.max(now, next);
      next = due + 1000 / (perSecond * share);
      if (due > now) await sleep(due - now, undefined, { signal }).catch(() => undefined);
      return !signal.aborted;
    },
    slower(): void {
      const now = performance.now();
      // Calls that were under way together are throttled together.
      if (now - halved < 1_000) return;
      halved = now;
      share = Math.max(LEAST, share / 2);
    },
    perSecond: () => perSecond * share,
  });
}
