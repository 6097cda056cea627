/** Whether this process has its hands full. */
export interface Pulse {
  busy(): boolean;
  /** The share of its time that its thread is at work, 0 to 1, of the last half second or so. */
  utilization(): number;
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
/** Beats between two looks at how much the thread is at work, and what each look weighs beside those before. */
const LOOK = 5;
const WEIGHT = 0.35;

/** `most`: milliseconds that a timer may be late before shadows are shed. */
export function startPulse(most: number): LoopPulse {
  const lates = new Float64Array(STANDING);
  const calls: ((standing: number, elapsed: number) => void)[] = [];
  let beats = 0;
  let expected = performance.now() + EVERY;
  let late = 0;
  let standing = 0;
  let seen = performance.eventLoopUtilization();
  let utilization = 0;
  const look = (): void => {
    const now = performance.eventLoopUtilization();
    utilization += (performance.eventLoopUtilization(now, seen).utilization - utilization) * WEIGHT;
    seen = now;
  };
  const timer = setInterval(() => {
    const now = performance.now();
    late = now - expected;
    expected = now + EVERY;
    lates[beats % STANDING] = late;
    beats += 1;
    standing = Math.min(...lates);
    if (beats % LOOK === 0) look();
    for (const call of calls) call(standing, late + EVERY);
  }, EVERY);
  timer.unref();
  return Object.freeze({
    // A loop that is blocked now has not noticed yet: the timer that is overdue counts too.
    busy: () => Math.max(late, performance.now() - expected) > most,
    utilization: () => utilization,
    standing: () => standing,
    onBeat: (call: (standing: number, elapsed: number) => void) => void calls.push(call),
    stop: () => clearInterval(timer),
  });
}
