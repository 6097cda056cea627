/** Whether this process has its hands full: how late its timers come. */
export interface Pulse {
  busy(): boolean;
  stop(): void;
}

const EVERY = 100;

/** `most`: milliseconds that a timer may be late before shadows are shed. */
export function startPulse(most: number): Pulse {
  let expected = performance.now() + EVERY;
  let late = 0;
  const timer = setInterval(() => {
    late = performance.now() - expected;
    expected = performance.now() + EVERY;
  }, EVERY);
  timer.unref();
  return Object.freeze({
    // A loop that is blocked now has not noticed yet: the timer that is overdue counts too.
    busy: () => Math.max(late, performance.now() - expected) > most,
    stop: () => clearInterval(timer),
  });
}
