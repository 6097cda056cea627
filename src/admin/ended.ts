import { setTimeout as sleep } from 'node:timers/promises';
import type { ResultsStore } from '../drivers/results.ts';

/** Sessions that were ended before their time: a sealed cookie cannot be taken back. */
export interface Ended {
  /** `until`: when it would end by itself, in milliseconds since 1970. Throws a StoreError where others cannot be told. */
  end(id: string, until: number): Promise<void>;
  has(id: string): Promise<boolean>;
  /** By what is known now; it sees to it that more is known soon. */
  knows(id: string): boolean;
}

interface EndedRow {
  readonly _id: string;
  readonly until: Date;
}

/** What other replicas ended is known after so many milliseconds. */
const FRESH = 2_000;
/** Nobody waits longer for results that are away. */
const PATIENCE = 1_000;

/** Told to other replicas by the results; without them it holds for this process. */
export function createEnded(store: ResultsStore | undefined): Ended {
  const ended = new Map<string, number>();
  let looked = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  const forget = () => {
    for (const [id, until] of ended) if (until < Date.now()) ended.delete(id);
  };
  const look = async (from: ResultsStore): Promise<void> => {
    looked = Date.now();
    const rows = await from
      .find<EndedRow>('crossfade_sessions', { until: { $gt: new Date() } }, 10_000)
      .catch(() => []);
    for (const { _id, until } of rows) ended.set(_id, until.getTime());
    forget();
  };
  /** Nobody is asked again so soon. */
  const refreshed = (): Promise<void> | undefined => {
    if (store !== undefined && Date.now() - looked > FRESH) {
      looking ??= look(store).finally(() => {
        looking = undefined;
      });
    }
    return looking;
  };
  return Object.freeze<Ended>({
    async end(id, until) {
      forget();
      ended.set(id, until);
      await store?.ensureIndexes();
      await store?.replaceAll('crossfade_sessions', [{ _id: id, until: new Date(until) } as EndedRow]);
    },
    async has(id) {
      const soon = refreshed();
      if (soon !== undefined) await Promise.race([soon, sleep(PATIENCE, undefined, { ref: false })]);
      return ended.has(id);
    },
    knows(id) {
      void refreshed();
      return ended.has(id);
    },
  });
}
