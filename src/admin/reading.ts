import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { ResultsStore } from '../drivers/results.ts';
import { StoreError } from '../errors.ts';
import { isAlive, recentReplicas } from '../results/replicas.ts';
import { askingRoutes } from './asking.ts';
import { createCounting } from './counting.ts';
import { eventRoutes } from './events.ts';
import { findingRoutes } from './findings.ts';
import { keepFound } from './found.ts';
import { gateRoutes } from './gates.ts';
import { createKept } from './kept.ts';
import { keepTenants } from './known-tenants.ts';
import { createLive } from './live.ts';
import type { Reading } from './opened.ts';
import { NO_RESULTS, type ReadingParts } from './parts.ts';
import { operationRoutes } from './reading-routes.ts';
import { createTenantIndex } from './tenant-index.ts';

const HOUR = 3_600_000;

/** Opens what `readingRoutes` reads. It asks nobody until somebody asks it. */
export function openReading(parts: ReadingParts): Reading {
  const { bindings, flags, results, metrics } = parts;
  const live = createLive({ metrics, operations: bindings.operations });
  let odd: { readonly revision: string; readonly map: ReadonlyMap<string, string> } | undefined;
  const oddOnes = (): ReadonlyMap<string, string> => {
    const revision = flags.revision();
    if (odd?.revision !== revision) odd = { revision, map: flags.odd() };
    return odd.map;
  };
  return Object.freeze<Reading>({
    ...{ parts, live, odd: oddOnes },
    found: keepFound(parts),
    tenants: keepTenants(results, bindings.name),
    replicas: createKept(
      async () => {
        if (results === undefined) throw new Error(NO_RESULTS);
        const now = Date.now();
        const all = await recentReplicas(results, bindings.name, new Date(now - HOUR));
        return { all, live: all.filter((row) => isAlive(row, now)) };
      },
      { ttl: 1_000 },
    ),
    readiness: createKept(async () => await parts.readiness(), { ttl: 1_500, patience: 3_000 }),
    counting: createCounting({ peek: flags.peek, state: flags.state, ready: flags.ready, odd: oddOnes }),
    tenantIndex: createTenantIndex(),
    isAlive: (row) => isAlive(row, Date.now()),
    store: results ?? NOWHERE,
    close: live.close,
  });
}

const nowhere = async (): Promise<never> => {
  throw new StoreError('mongodb', 'unavailable', NO_RESULTS, undefined);
};

const NOWHERE: ResultsStore = Object.freeze<ResultsStore>({
  ...{ replaceAll: nowhere, find: nowhere, remove: nowhere, aggregate: nowhere, ensureIndexes: nowhere },
  close: async () => {},
});

/** The routes that read, as a plugin; whoever registers it has seen to who may ask. */
export const readingRoutes =
  (reading: Reading): FastifyPluginAsync =>
  async (app: FastifyInstance) => {
    operationRoutes(app, reading);
    findingRoutes(app, reading);
    gateRoutes(app, reading);
    askingRoutes(app, reading);
    eventRoutes(app, reading);
  };
