import type { Cursors } from '../bindings/cursor.ts';
import type { Bindings } from '../bindings/load.ts';
import { StoreError } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import type { Connections } from '../model/origin.ts';
import type { StoreName } from '../model/stage.ts';
import { openAnswerer, openOrigins, type StoreConfig } from '../operate/stores.ts';
import { createObserver, type Observe } from '../request/observe.ts';

/** Asks candidates, on connections of their own. */
export interface Candidates {
  /** Rejects where it cannot be known what the store would have answered, and nothing is to be held against it. */
  readonly observe: Observe;
  /** By store that the bindings use. */
  readonly connections: () => ByStore;
  readonly close: () => Promise<void>;
}

export type ByStore = Readonly<Partial<Record<StoreName, Connections>>>;

export interface CandidateOptions {
  readonly stores: StoreConfig;
  readonly bindings: Bindings;
  readonly cursors: Cursors;
  /** Milliseconds for one question. */
  readonly timeout: number;
  /** Shadows under way at a time. */
  readonly concurrency: number;
}

/** Beside those of shadows under way. */
const RECHECK_SOCKETS = 16;

/** Asks them in the thread that calls. */
export function openCandidates({ stores, bindings, cursors, timeout, concurrency }: CandidateOptions): Candidates {
  const closers: (() => unknown)[] = [];
  const pool = { timeout, attempts: 1, size: concurrency + RECHECK_SOCKETS };
  const origins = openOrigins(stores, bindings, pool, closers);
  return Object.freeze<Candidates>({
    observe: createObserver(openAnswerer(origins, cursors, timeout), bindings.spec.cors),
    connections: () =>
      Object.fromEntries(Object.values(origins).map((origin) => [origin.name, { ...origin.connections() }])),
    close: async () => {
      await Promise.all(closers.map((close) => close()));
    },
  });
}

/** Candidates that are connected once somebody asks, and no longer than they are wanted. */
export interface Lazy extends Candidates {
  /** Nobody is to ask any more for now: connections are closed when the last one has an answer. */
  readonly rest: () => void;
}

export function openLazily(open: () => Candidates): Lazy {
  let now: Candidates | undefined;
  let underWay = 0;
  let wanted = true;
  let closed = false;
  let closing: Promise<unknown> = Promise.resolve();
  const end = async (): Promise<void> => {
    const last = now;
    now = undefined;
    closing = Promise.all([closing, last?.close()]);
    await closing;
  };
  const closeUnwanted = () => {
    if (!wanted && underWay === 0) void end().catch(() => {});
  };
  return Object.freeze<Lazy>({
    observe: async (...asked) => {
      // Whoever asks while all ends would open what nobody closes any more.
      if (closed) return unasked(asked[0], 'the process ends');
      wanted = true;
      now ??= open();
      underWay += 1;
      try {
        return await now.observe(...asked);
      } finally {
        underWay -= 1;
        closeUnwanted();
      }
    },
    connections: () => now?.connections() ?? {},
    rest: () => {
      wanted = false;
      closeUnwanted();
    },
    close: async () => {
      closed = true;
      await end();
    },
  });
}

/** Said of a question that nobody was asked, as of a connection that is closed under it. */
export const unasked = (origin: StoreName, why: string): Observation =>
  Object.freeze({ origin, ok: false, error: new StoreError(origin, 'unavailable', why), duration: 0 });
