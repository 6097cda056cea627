import { join } from 'node:path';
import type { ResultsStore } from '../drivers/results.ts';
import type { AuditPlaces } from '../results/audit.ts';
import type { ReplicaRow } from '../results/rows.ts';
import type { Counting, KnownTenants } from './counting.ts';
import type { Found } from './found.ts';
import type { Kept } from './kept.ts';
import type { Live } from './live.ts';
import type { ReadingParts } from './parts.ts';
import type { Readiness } from './side.ts';
import type { createTenantIndex } from './tenant-index.ts';

/** What is known of replicas: those that are up, and those that went without a word within the last hour too. */
export interface KnownReplicas {
  readonly live: readonly ReplicaRow[];
  readonly all: readonly ReplicaRow[];
}

/** What the admin API reads, opened: its caches, and the sampler of this replica's numbers. */
export interface Reading {
  readonly parts: ReadingParts;
  readonly live: Live;
  readonly found: Kept<Found>;
  readonly tenants: Kept<KnownTenants>;
  readonly replicas: Kept<KnownReplicas>;
  readonly readiness: Kept<Awaited<ReturnType<Readiness>>>;
  readonly counting: Counting;
  readonly tenantIndex: ReturnType<typeof createTenantIndex>;
  /** Operations whose flag no ladder says, kept for a revision. */
  readonly odd: () => ReadonlyMap<string, string>;
  readonly isAlive: (row: ReplicaRow) => boolean;
  /** The results; each call throws a StoreError where there are none. */
  readonly store: ResultsStore;
  /** Ends the sampling. */
  readonly close: () => void;
}

/** Where it is written down what people ask for. */
export const auditPlaces = ({ parts: { results, config } }: Reading): AuditPlaces => ({
  store: results,
  file: join(config.stateDir, 'audit.ndjson'),
});
