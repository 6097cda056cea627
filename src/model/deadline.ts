/** When the wait for one answer is over: the same for all calls, attempts and pauses that it takes. */
export interface Deadline {
  /** By the clock of `performance.now()`. */
  readonly at: number;
  readonly passed: boolean;
  /** Made when it is first looked at, for clients that take nothing else. */
  readonly signal: AbortSignal;
  /** Calls once when it passes, at once where it has; what comes back forgets the call. */
  onPassed(call: () => void): () => void;
}

/** Deadlines of one length, made and ended by whoever waits. */
export interface Deadlines {
  /** `end` when the answer is there: nothing fires any more. */
  next(): Deadline & { end(): void };
}

/** Milliseconds by which a timer is late only where the whole process was: stopped, starved, or busy with something else. */
const STOOD_STILL = 100;

/**
 * A timer per request is dear where thousands are under way: all deadlines here are as long as each other, so they pass in
 * the order in which they began, and one timer waits for the oldest. It keeps no process alive. `length` in milliseconds.
 */
export function createDeadlines(length: number): Deadlines {
  const line: Line = { first: undefined, last: undefined };
  let armed = false;
  const arm = (after: number): void => {
    armed = true;
    setTimeout(fire, after).unref();
  };
  const fire = (hasRead = false): void => {
    const now = performance.now();
    // A process that stood still has answers waiting that came in time: they are read first.
    if (!hasRead && line.first !== undefined && now - line.first.at > STOOD_STILL) {
      setImmediate(fire, true);
      return;
    }
    armed = false;
    while (line.first !== undefined && line.first.at <= now) line.first.pass();
    // Timers may be a millisecond early.
    if (line.first !== undefined) arm(Math.max(1, Math.ceil(line.first.at - now)));
  };
  return Object.freeze<Deadlines>({
    next: () => {
      const one = new Waiting(line, performance.now() + length);
      if (!armed) arm(length);
      return one;
    },
  });
}

/**
 * Calls once after so many milliseconds, unless what comes back is called before. A process that stood still meanwhile
 * reads first what came.
 */
export function callAfter(milliseconds: number, call: () => void): () => void {
  const due = performance.now() + milliseconds;
  let reading: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    if (performance.now() - due > STOOD_STILL) reading = setImmediate(call);
    else call();
  }, milliseconds);
  return () => {
    clearTimeout(timer);
    clearImmediate(reading);
  };
}

/** Those that wait, oldest first. */
interface Line {
  first: Waiting | undefined;
  last: Waiting | undefined;
}

class Waiting implements Deadline {
  readonly at: number;
  passed = false;
  readonly #line: Line;
  #before: Waiting | undefined;
  #behind: Waiting | undefined = undefined;
  #waits = true;
  #calls: (() => void)[] = [];
  #controller: AbortController | undefined;

  constructor(line: Line, at: number) {
    this.at = at;
    this.#line = line;
    this.#before = line.last;
    if (line.last === undefined) line.first = this;
    else line.last.#behind = this;
    line.last = this;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      this.#controller = controller;
      this.onPassed(() => controller.abort(new DOMException('the deadline has passed', 'TimeoutError')));
    }
    return this.#controller.signal;
  }

  onPassed(call: () => void): () => void {
    if (this.passed) {
      call();
      return nothing;
    }
    this.#calls.push(call);
    return () => {
      const at = this.#calls.indexOf(call);
      if (at !== -1) this.#calls.splice(at, 1);
    };
  }

  pass(): void {
    this.end();
    this.passed = true;
    const calls = this.#calls;
    this.#calls = [];
    for (const call of calls) call();
  }

  end(): void {
    if (!this.#waits) return;
    this.#waits = false;
    if (this.#before === undefined) this.#line.first = this.#behind;
    else this.#before.#behind = this.#behind;
    if (this.#behind === undefined) this.#line.last = this.#before;
    else this.#behind.#before = this.#before;
    this.#before = undefined;
    this.#behind = undefined;
  }
}

const nothing = (): void => {};
