import { availableParallelism } from 'node:os';
import type { Config } from '../config.ts';
import type { Log } from '../model/log.ts';
import type { StoreName } from '../model/stage.ts';
import { type ByStore, type CandidateOptions, type Candidates, openCandidates, openLazily } from './candidates.ts';
import { createThread } from './thread.ts';

/** Who asks candidates: this thread, or one that is started once something is shadowed, or with the process. */
export type ThreadMode = Config['shadow']['thread'];

export interface OpenAskingOptions extends CandidateOptions {
  readonly mode: ThreadMode;
  readonly legacy: boolean;
  readonly cursorSecrets: readonly string[];
  readonly evidence: string;
  readonly version: string;
  readonly log: Log;
  readonly onViolations: (operation: string, origin: StoreName, count: number) => void;
  /** The thread ended, though nobody had asked it to. */
  readonly onEnd: () => void;
}

/** Candidates, asked in a thread or in this one. */
export interface Asking extends Candidates {
  /** Nobody is asked now: the thread has ended, and begins again. */
  readonly away: () => boolean;
  /** Whether a thread is asked. */
  readonly threaded: () => boolean;
  /** Resolves when who asks is ready: at once, but where a thread is to be there from the start. */
  readonly ready: () => Promise<void>;
}

export function openAsking(options: OpenAskingOptions): Asking {
  if (options.mode === 'off' || (options.mode === 'auto' && availableParallelism() < 2)) {
    const here = openCandidates(options);
    return Object.freeze<Asking>({ ...here, away: () => false, threaded: () => false, ready: async () => {} });
  }
  const { bindings, stores, legacy, cursorSecrets, timeout, concurrency, version } = options;
  const here = openLazily(() => openCandidates(options));
  const thread = createThread({
    ...options,
    given: {
      ...{ bindings: bindings.file, legacy, cursorSecrets, timeout, concurrency, version },
      stores: { dynamodb: stores.dynamodb, mongodbUri: stores.mongodbUri, mongodbClient: stores.mongodbClient },
    },
    onUp: here.rest,
  });
  const used = new Set(bindings.operations.flatMap(({ stores }) => Object.keys(stores) as StoreName[]));
  return Object.freeze<Asking>({
    observe: (...asked) => {
      thread.begin();
      return thread.way() === 'here' ? here.observe(...asked) : thread.observe(...asked);
    },
    away: () => thread.way() === 'nobody',
    threaded: () => thread.way() === 'thread',
    ready: () => (options.mode === 'on' ? thread.ready() : Promise.resolve()),
    connections: () => {
      const [one, other] = [here.connections(), thread.connections()];
      return Object.fromEntries([...used].map((store) => [store, sum(one[store], other[store])]));
    },
    close: async () => {
      await Promise.all([here.close(), thread.close()]);
    },
  });
}

const NONE = Object.freeze({ used: 0, idle: 0, waiting: 0 });

const sum = (one: ByStore[StoreName] = NONE, other: ByStore[StoreName] = NONE) => ({
  used: one.used + other.used,
  idle: one.idle + other.idle,
  waiting: one.waiting + other.waiting,
});
