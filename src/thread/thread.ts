import { Worker } from 'node:worker_threads';
import type { Observation } from '../model/answer.ts';
import type { Log } from '../model/log.ts';
import type { StoreName } from '../model/stage.ts';
import type { Observe } from '../request/observe.ts';
import { type ByStore, type Candidates, unasked } from './candidates.ts';
import { type AskMessage, askMessage, type Expected, readTell, type Tells } from './messages.ts';
import { BATCH, BEAT, type Given, type Started, type Up } from './protocol.ts';
import { createRing, type RingReader, readFrom } from './ring.ts';

export interface ThreadOptions {
  readonly given: Given;
  /** What its results are evidence for: a thread that has loaded other bindings is not asked. */
  readonly evidence: string;
  readonly log: Log;
  /** Values that were served although they break the contract. */
  readonly onViolations: (operation: string, origin: StoreName, count: number) => void;
  /** It has come to an end that nobody asked for. */
  readonly onEnd: () => void;
  /** It can be asked from now on. */
  readonly onUp: () => void;
  /** Milliseconds before it is begun again, doubled with each end; default 1,000, at most 300,000. */
  readonly pause?: number;
  /** Milliseconds without a sign of life after which it hangs; default 10,000. */
  readonly quiet?: number;
}

/** Who is to ask: this thread where the other never came up, nobody where it has ended while it was asked. */
export type Way = 'thread' | 'here' | 'nobody';

/**
 * `never`: not begun; `first`: begun, and not up yet; `up`; `ended`: it had been up, and begins again by and by; `unable`:
 * it does not come up; `other`: it would come up with other bindings.
 */
type State = 'never' | 'first' | 'up' | 'ended' | 'unable' | 'other';

/** What made the thread end may be a binding, which must not end this one as well: what it ended with is not asked here. */
const WAYS: Readonly<Record<State, Way>> = Object.freeze({
  never: 'here',
  first: 'here',
  up: 'thread',
  ended: 'nobody',
  unable: 'here',
  other: 'nobody',
});

/** A thread that asks candidates. */
export interface Thread extends Candidates {
  readonly way: () => Way;
  /** Begins it, where it has not begun yet. */
  readonly begin: () => void;
  /** Begins it; resolves when it is up, or is not to be. */
  readonly ready: () => Promise<void>;
}

/** Milliseconds that a question waits for others to go with. */
const HOLD = 4;
/** Begun in vain so often, it does not come up. */
const MAX_STARTS = 3;
const LONGEST_PAUSE = 300_000;
/** Up for so many milliseconds, it has recovered from what it ended by. */
const RECOVERED = 600_000;
/** Milliseconds that it has, to answer what it was asked and to close its connections. */
const LAST_ANSWERS = 1_000;

interface Asked extends Expected {
  readonly done: (observation: Observation) => void;
  readonly fail: (error: Error) => void;
}

export function createThread(options: ThreadOptions): Thread {
  const { log, pause = 1_000, quiet = 10_000 } = options;
  const pending = new Map<number, Asked>();
  let state: State = 'never';
  let worker: Worker | undefined;
  let connections: ByStore = {};
  let ends = 0;
  let cameUp = 0;
  let heard = 0;
  let closed = false;
  let again: NodeJS.Timeout | undefined;
  const settled: (() => void)[] = [];
  let batch: AskMessage[] = [];
  let hold: NodeJS.Timeout | undefined;
  let last = 0;

  const settle = (): void => {
    for (const done of settled.splice(0)) done();
  };

  const start = (): void => {
    if (state === 'never') state = 'first';
    const ring = createRing();
    const reader = readFrom(ring);
    const own = new Worker(new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url), {
      name: 'candidates',
      workerData: { ...options.given, ring } satisfies Started,
      resourceLimits: LIMITS,
    });
    worker = own;
    let cause: unknown;
    own.on('message', (message: Up) => hear(own, reader, message));
    own.on('error', (error) => {
      cause ??= error;
    });
    own.on('messageerror', (error) => {
      cause ??= error;
      void own.terminate();
    });
    own.on('exit', () => {
      if (worker === own) ended(cause);
    });
  };

  const hear = (from: Worker, ring: RingReader, message: Up): void => {
    heard = performance.now();
    if ('tells' in message) take(message, ring, message.violations);
    else if ('beat' in message) connections = message.beat;
    else if ('broken' in message) takeOut(message.broken)?.fail(new Error(message.why));
    else up(from, message.up);
  };

  const up = (from: Worker, evidence: string): void => {
    if (evidence !== options.evidence) {
      log('warn', OTHER[state === 'ended' ? 'nobody' : 'here']);
      state = state === 'ended' ? 'other' : 'unable';
      worker = undefined;
      void from.terminate();
    } else {
      state = 'up';
      cameUp = performance.now();
      options.onUp();
    }
    settle();
  };

  const take = ({ tells, written }: Tells, ring: RingReader, violations: Extract<Up, Tells>['violations']): void => {
    for (const [operation, origin, count] of violations ?? []) options.onViolations(operation, origin, count);
    for (const message of tells) {
      const asked = takeOut(message[0]);
      asked?.done(readTell(message, ring, asked));
    }
    ring.done(written);
  };

  const takeOut = (id: number): Asked | undefined => {
    const asked = pending.get(id);
    pending.delete(id);
    return asked;
  };

  const ended = (cause: unknown): void => {
    worker = undefined;
    connections = {};
    clearTimeout(hold);
    hold = undefined;
    batch = [];
    const why = cause instanceof Error ? cause : new Error('it was ended from within');
    const lost = [...pending.values()];
    pending.clear();
    for (const { store, done, fail } of lost) {
      // As of a connection that is closed under a question.
      if (closed) done(unasked(store, ENDED));
      else fail(new Error(ENDED, { cause: why }));
    }
    if (!closed) beginAgain(why);
    if (closed || state === 'unable') settle();
  };

  const beginAgain = (why: Error): void => {
    if (state === 'up') {
      options.onEnd();
      if (performance.now() - cameUp > RECOVERED) ends = 0;
      state = 'ended';
    }
    ends += 1;
    if (state === 'first' && ends >= MAX_STARTS) {
      state = 'unable';
      log('warn', 'the thread that asks candidates does not come up: they are asked beside clients', { cause: why });
      return;
    }
    const wait = Math.min(pause * 2 ** (ends - 1), LONGEST_PAUSE);
    log('warn', `the thread that asks candidates has ended; it begins again in ${wait} ms`, { cause: why });
    again = setTimeout(start, wait).unref();
  };

  const send = (): void => {
    clearTimeout(hold);
    hold = undefined;
    const questions = batch;
    batch = [];
    if (questions.length > 0) worker?.postMessage(questions);
  };

  // A process that stood still has not heard what was said to it meanwhile: it hangs that is silent at two looks.
  let silent = false;
  const watch = setInterval(() => {
    const late = worker !== undefined && state === 'up' && performance.now() - heard > quiet;
    if (late && silent) void worker?.terminate();
    silent = late;
  }, BEAT).unref();

  const observe: Observe = (store, question, error, how) => {
    if (state !== 'up' || closed) return Promise.resolve(unasked(store, ENDED));
    last += 1;
    const id = last;
    return new Promise((done, fail) => {
      pending.set(id, { operation: question.operation, store, like: how?.like, done, fail });
      batch.push(askMessage(id, store, question, error(), how?.consistent === true));
      if (batch.length >= BATCH) send();
      else hold ??= setTimeout(send, HOLD);
    });
  };

  const begin = (): void => {
    if (state === 'never' && !closed) start();
  };

  return Object.freeze<Thread>({
    observe,
    begin,
    way: () => WAYS[state],
    ready: async () => {
      begin();
      if (state === 'first') await new Promise<void>((done) => settled.push(done));
    },
    connections: () => connections,
    close: async () => {
      closed = true;
      clearInterval(watch);
      clearTimeout(again);
      send();
      const own = worker;
      if (own === undefined) return;
      const end = performance.now() + LAST_ANSWERS;
      while (pending.size > 0 && worker !== undefined && performance.now() < end)
        await new Promise((done) => setTimeout(done, 10));
      const gone = new Promise<void>((done) => void own.once('exit', () => done()));
      if (worker === undefined) return;
      own.postMessage('close');
      const late = setTimeout(() => void own.terminate(), LAST_ANSWERS);
      await gone;
      clearTimeout(late);
    },
  });
}

const ENDED = 'the thread that asks candidates has ended';

const OTHER = Object.freeze({
  here: 'the bindings have changed on disk since the start: candidates are asked beside clients until it is started again',
  nobody: 'the bindings have changed on disk since the start: candidates are not asked until it is started again',
});

/** So that a binding that keeps what it sees ends the thread, and not the process, in megabytes. */
const LIMITS = Object.freeze({ maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 24 });
