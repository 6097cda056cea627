/** Whether this process has its hands full. */
export interface Pulse {
  busy(): boolean;
}

/** How late the timers of this process come: what its event loop keeps everybody waiting. */
export interface LoopPulse extends Pulse {
  /** Milliseconds by which every one of the last ten beats was late: what stands, and not one pause. */
  standing(): number;
  /** Calls at each beat with `standing()`, and the milliseconds since the beat before. */
  onBeat(call: (standing: number, elapsed: number) => void): void;
  stop(): void;
}

/** Milliseconds between two beats. */
const EVERY = 20;
/** Beats that must all be late before the loop counts as late; a collection of the heap makes one late, or two. */
const STANDING = 10;

/** `most`: milliseconds that a timer may be late before shadows are shed. */
export function startPulse(most: number): LoopPulse {
  const lates = new Float64Array(STANDING);
  const calls: ((standing: number, elapsed: number) => void)[] = [];
  let beats = 0;
  let expected = performance.now() + EVERY;
  let late = 0;
  let standing = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    late = now - expected;
    expected = now + EVERY;
    lates[beats % STANDING] = late;
    beats += 1;
    standing = Math.min(...lates);
    for (const call of calls) call(standing, late + EVERY);
  }, EVERY);
  timer.unref();
  return Object.freeze({
    // A loop that is blocked now has not noticed yet: the timer that is overdue counts too.
    busy: () => Math.max(late, performance.now() - expected) > most,
    standing: () => standing,
    onBeat: (call: (standing: number, elapsed: number) => void) => void calls.push(call),
    stop: () => clearInterval(timer),
  });
}
