/** So many calls a second, so that a shadow does not eat the capacity that clients need. */
export interface Budget {
  /** Takes one call's worth; false where there is none left. */
  take(): boolean;
  /** The store asked for less: half of what it was, given back by a twentieth of the whole each minute. */
  throttled(): void;
  perSecond(): number;
}

const RECOVERY = 60_000;

/** `perSecond` calls a second, with as much saved up as one second gives. `now` is in milliseconds. */
export function createBudget(perSecond: number, now: () => number = () => performance.now()): Budget {
  let rate = perSecond;
  let saved = perSecond;
  let last = now();
  let halved = 0;
  const refill = (): void => {
    const passed = now() - last;
    last += passed;
    rate = Math.min(perSecond, rate + (perSecond / 20) * (passed / RECOVERY));
    saved = Math.min(Math.max(rate, 1), saved + (rate * passed) / 1000);
  };
  return Object.freeze({
    take(): boolean {
      refill();
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
    throttled(): void {
      refill();
      // Calls that were under way together are throttled together: once a second is enough.
      if (last - halved < 1_000 && halved > 0) return;
      halved = last;
      rate /= 2;
      saved = Math.min(saved, rate);
    },
    perSecond: () => rate,
  });
}
