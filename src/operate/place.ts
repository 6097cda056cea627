import { join } from 'node:path';
import type { Bindings } from '../bindings/load.ts';
import type { Config } from '../config.ts';
import { openResults, type ResultsStore } from '../drivers/results.ts';
import { openUnleash, tokenOf } from '../drivers/unleash.ts';
import { openUnleashAdmin, type UnleashAdmin } from '../drivers/unleash-admin.ts';
import type { FlagApi } from '../flags/api.ts';
import { fileTarget, serverTarget, type Target } from '../flags/target.ts';
import type { Judging } from './gating.ts';

/** Where the stages stand, of which API, and who is told of a change. */
export interface StagesPlace {
  readonly api: FlagApi;
  readonly target: Target;
  /** Where replicas and tenants are known; `undefined` without results. */
  readonly store: ResultsStore | undefined;
  /** What the gate judges by; without results it cannot. */
  readonly judging?: Judging | undefined;
  readonly auditFile: string;
}

/** On connections of its own, none of which is made before it is used. */
export function placeAt(config: Config, bindings: Bindings): StagesPlace {
  const { name, operations } = bindings;
  const api = { name, operations };
  const store = config.resultsUri === undefined ? undefined : openResults({ uri: config.resultsUri, timeout: 3_000 });
  const judging = store === undefined ? undefined : { bindings, store };
  return Object.freeze({
    ...{ api, target: targetOf(config, api), store, judging },
    auditFile: join(config.stateDir, 'audit.ndjson'),
  });
}

export async function closePlace({ target, store }: StagesPlace): Promise<void> {
  await target.close();
  await store?.close();
}

function targetOf(config: Config, api: FlagApi): Target {
  const { unleash, stagesFile } = config;
  if (unleash === undefined) return fileTarget(stagesFile, api);
  return serverTarget(
    openUnleash({ url: unleash.url, token: tokenOf(unleash), timeout: 10_000 }),
    adminOf(config),
    api,
  );
}

/** The Admin API, where there is a token for it. */
export function adminOf({ unleash }: Config): UnleashAdmin | undefined {
  if (unleash?.adminToken === undefined) return undefined;
  const { url, adminToken, project, environment } = unleash;
  return openUnleashAdmin(openUnleash({ url, token: () => adminToken, timeout: 10_000 }), project, environment);
}
