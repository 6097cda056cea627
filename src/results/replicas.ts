import { setTimeout as sleep } from 'node:timers/promises';
import type { ResultsStore } from '../drivers/results.ts';
import type { ReplicaRow, TenantRow } from './rows.ts';

/** A replica writes every 10 s; one that missed two is not counted on. */
const ALIVE = 25_000;
const LOOK_EVERY = 200;

/** Façades of an API that are up: seen of late, and not ended. Throws a `StoreError`. */
export async function liveReplicas(store: ResultsStore, api: string): Promise<readonly ReplicaRow[]> {
  const since = new Date(Date.now() - ALIVE);
  const facade = { $ne: 'replay' };
  return await store.find<ReplicaRow>('crossfade_replicas', {
    ...{ api, source: facade, seen: { $gte: since }, ended: { $exists: false } },
  });
}

/** Replicas by whether they run on a revision. */
export interface Arrival {
  readonly arrived: readonly string[];
  readonly behind: readonly string[];
  /** Milliseconds that were waited. */
  readonly waited: number;
}

/**
 * Waits until every live replica runs on what `revision` says now, at most so many milliseconds; `revision` is asked
 * again each time, since someone else may change the flags meanwhile. No live replica is not an arrival: `behind` and
 * `arrived` are both empty then.
 */
export async function awaitReplicas(
  store: ResultsStore,
  api: string,
  revision: () => Promise<string>,
  milliseconds: number,
): Promise<Arrival> {
  const began = Date.now();
  for (;;) {
    // What cannot be asked just now is asked again.
    const [wanted, replicas] = await Promise.all([
      revision().catch(() => undefined),
      liveReplicas(store, api).catch(() => []),
    ]);
    const arrived = replicas.filter(({ flags }) => flags === wanted).map(nameOf);
    const behind = replicas.filter(({ flags }) => flags !== wanted).map(nameOf);
    const waited = Date.now() - began;
    if ((behind.length === 0 && arrived.length > 0) || waited >= milliseconds) return { arrived, behind, waited };
    await sleep(LOOK_EVERY);
  }
}

const nameOf = ({ host, pid, flagsFrom }: ReplicaRow): string =>
  `${host} (process ${pid}, ${FROM[flagsFrom] ?? 'flags'})`;

const FROM: Readonly<Record<string, string>> = Object.freeze({
  file: 'flags from stages.yaml',
  server: 'flags from the server',
  saved: 'flags from its disk, since it does not reach the server',
  none: 'no flags yet',
});

/** Tenants that had a request in the last 30 days. Throws a `StoreError`. */
export async function knownTenants(store: ResultsStore, api: string): Promise<readonly string[]> {
  const rows = await store.find<TenantRow>('crossfade_tenants', { api }, 200_000);
  return rows.map(({ tenant }) => tenant);
}

/** Façades that are up, or went without a word since `since`, the longest up first. Throws a `StoreError`. */
export async function recentReplicas(store: ResultsStore, api: string, since: Date): Promise<readonly ReplicaRow[]> {
  const rows = await store.find<ReplicaRow>(
    'crossfade_replicas',
    { api, source: { $ne: 'replay' }, seen: { $gte: since }, ended: { $exists: false } },
    1_000,
  );
  return rows.sort((a, b) => a.started.getTime() - b.started.getTime());
}

/** Whether a façade is up, as far as it says. `now` is milliseconds since 1970. */
export const isAlive = ({ seen, ended }: ReplicaRow, now: number): boolean =>
  ended === undefined && now - seen.getTime() <= ALIVE;
