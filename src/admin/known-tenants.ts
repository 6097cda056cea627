import type { ResultsStore } from '../drivers/results.ts';
import type { TenantRow } from '../results/rows.ts';
import type { KnownTenants } from './counting.ts';
import { createKept, type Kept } from './kept.ts';
import { NO_RESULTS } from './parts.ts';

const TTL = 10_000;
const MOST = 200_000;

/** Tenants of the last 30 days, read again after ten seconds at the earliest. */
export function keepTenants(store: ResultsStore | undefined, api: string): Kept<KnownTenants> {
  let names: readonly string[] = Object.freeze([]);
  return createKept(
    async () => {
      if (store === undefined) throw new Error(NO_RESULTS);
      const rows = await store.find<TenantRow>('crossfade_tenants', { api }, MOST);
      const last = new Map(rows.map((row) => [row.tenant, row.last]));
      const now = [...last.keys()].sort();
      if (now.length !== names.length || now.some((name, at) => name !== names[at])) names = Object.freeze(now);
      return Object.freeze({ names, last });
    },
    { ttl: TTL },
  );
}
