/** Stops asking an origin that does not answer, for one operation at a time. */
export interface Breakers {
  /** Whether (origin, operation) may be asked now; while it is open, one trial at a time after each pause. */
  allows(origin: string, operation: string): boolean;
  /** What became of an asking that was allowed. */
  report(origin: string, operation: string, ok: boolean): void;
  /** Those that are open: `origin operation`. */
  open(): readonly string[];
  /** Of all that were ever asked; `trying` while a trial is under way. */
  states(): readonly BreakerState[];
}

export interface BreakerState {
  readonly origin: string;
  readonly operation: string;
  readonly state: 'closed' | 'open' | 'trying';
}

export interface BreakerOptions {
  /** Failures in a row that open one; default 5. */
  readonly failures?: number;
  /** Milliseconds between opening and the first trial, doubled with each failed trial; default 1,000. */
  readonly pause?: number;
  /** Longest pause; default 30,000. */
  readonly longest?: number;
  readonly now?: () => number;
}

interface State {
  readonly origin: string;
  readonly operation: string;
  failures: number;
  pause: number;
  /** When the next trial may begin; 0 while closed. */
  until: number;
  trying: boolean;
}

/** As many states as the bindings have operations and stores: bounded by the contract. */
export function createBreakers(options: BreakerOptions = {}): Breakers {
  const { failures = 5, pause = 1_000, longest = 30_000, now = () => performance.now() } = options;
  const states = new Map<string, State>();
  const stateOf = (origin: string, operation: string): State => {
    const name = `${origin} ${operation}`;
    const state = states.get(name) ?? { origin, operation, failures: 0, pause, until: 0, trying: false };
    states.set(name, state);
    return state;
  };
  return Object.freeze({
    allows(origin: string, operation: string): boolean {
      const state = stateOf(origin, operation);
      if (state.until === 0) return true;
      if (now() < state.until) return false;
      // The trial: others wait as long again, so that a hung one does not bring the next.
      state.until = now() + state.pause;
      state.trying = true;
      return true;
    },
    report(origin: string, operation: string, ok: boolean): void {
      const state = stateOf(origin, operation);
      if (ok) {
        if (state.failures === 0 && state.until === 0) return;
        Object.assign(state, { failures: 0, pause, until: 0, trying: false });
        return;
      }
      const closed = state.until === 0;
      // What was under way when it opened fails too, and says nothing new.
      if (!closed && !state.trying) return;
      state.trying = false;
      state.failures += 1;
      if (state.failures < failures) return;
      if (!closed) state.pause = Math.min(state.pause * 2, longest);
      state.until = now() + state.pause;
    },
    open: () => [...states].filter(([, { until }]) => until !== 0).map(([name]) => name),
    states: () =>
      [...states.values()].map(({ origin, operation, until, trying }) => {
        const state = until === 0 ? 'closed' : trying ? 'trying' : 'open';
        return Object.freeze({ origin, operation, state });
      }),
  });
}
