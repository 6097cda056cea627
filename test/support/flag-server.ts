import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { openUnleashAdmin, type UnleashAdmin } from '../../src/drivers/unleash-admin.ts';
import type { FlagApi, OperationStages } from '../../src/flags/api.ts';
import type { Flags } from '../../src/flags/decide.ts';
import type { StagesEdit } from '../../src/flags/edit.ts';
import { initFlags } from '../../src/flags/init.ts';
import { savedFile } from '../../src/flags/saved.ts';
import { openFlags } from '../../src/flags/source.ts';
import { serverTarget } from '../../src/flags/target.ts';
import { ADMIN_TOKEN, CLIENT_TOKEN, type Unleash, withFaultyProxy, withUnleash } from './unleash.ts';

/** Milliseconds between two askings: a test must not wait as a person does. */
export const REFRESH = 40;

export interface FollowOptions {
  /** Default: the server's own. */
  readonly url?: string;
  readonly folder: string;
  readonly token?: () => string;
  readonly refresh?: number;
  readonly timeout?: number;
}

export interface Followed {
  readonly flags: Flags;
  /** Where its last good flags are kept. */
  readonly saved: string;
  readonly killFile: string;
  readonly said: string[];
  readonly errors: string[];
  readonly fallbacks: string[];
  readonly unsaved: string[];
  /** Stage of `getUser` for a tenant. */
  readonly stage: (tenant?: string) => string | undefined;
}

/** A flag server, and the API whose flags it holds. */
type Served = Pick<Unleash, 'url' | 'api'>;

/** The flags of a façade, without the façade. */
export async function followFlags(t: Test, { url, api }: Served, options: FollowOptions): Promise<Followed> {
  const said: string[] = [];
  const errors: string[] = [];
  const fallbacks: string[] = [];
  const unsaved: string[] = [];
  const { folder, token = () => CLIENT_TOKEN, refresh = REFRESH, timeout = 1_000 } = options;
  const http = openUnleash({ url: options.url ?? url, token, timeout });
  const saved = savedFile(folder, api.name, http.url, 'development');
  const killFile = join(folder, 'kill');
  const flags = await openFlags({
    ...{ api, file: join(folder, 'none.yaml'), killFile, server: { http, refresh, saved } },
    log: (_level, message) => void said.push(message),
    onError: (failure) => void errors.push(failure),
    onFallback: (flag, reason) => void fallbacks.push(`${flag} ${reason}`),
    onUnsaved: (message) => void unsaved.push(message),
  });
  t.teardown(() => flags.close());
  const stage = (tenant = 'acme') => flags.stageOf(0, tenant).stage;
  return { flags, saved, killFile, said, errors, fallbacks, unsaved, stage };
}

/** Someone with a token for the Admin API, who has created the flags. */
export async function withOperator(t: Test, { url, api }: Served) {
  const admin: UnleashAdmin = openUnleashAdmin(
    openUnleash({ url, token: () => ADMIN_TOKEN }),
    'default',
    'development',
  );
  const target = serverTarget(openUnleash({ url, token: () => CLIENT_TOKEN }), admin, api);
  t.teardown(() => target.close());
  await initFlags(admin, api, { named: [], onMade: () => {} });
  const operations = api.operations.map(({ id }) => id);
  return {
    admin,
    target,
    /** Makes changes and gives what came of them. */
    edit: async (...edits: StagesEdit[]) => {
      const ids = edits.flatMap((edit) => ('operation' in edit ? [edit.operation] : []));
      const { after } = await target.change({ operations: ids, plan: () => edits, dryRun: false });
      return after.operations[operations.indexOf('getUser')] as OperationStages;
    },
  };
}

/** Fails the test where it does not hold within so many milliseconds; gives how long it took. */
export async function eventually(t: Test, what: string, holds: () => boolean, within = 5_000): Promise<number> {
  const began = Date.now();
  while (!holds()) {
    if (Date.now() - began > within) {
      t.fail(`${what}: not within ${within} ms`);
      return Number.POSITIVE_INFINITY;
    }
    await sleep(5);
  }
  const took = Date.now() - began;
  t.pass(`${what} after ${took} ms`);
  return took;
}

/** The same of what is of this process alone, and so must hold soon; the test ends there where it does not. */
export async function soon(t: Test, what: string, holds: () => boolean): Promise<void> {
  if ((await eventually(t, what, holds, 1_500)) === Number.POSITIVE_INFINITY) throw new Error(`${what}: not at all`);
}

export const flagOf = (api: FlagApi, id: string): string => api.operations.find((one) => one.id === id)?.flag ?? '';

/** A flag server with `getUser` at `live` above the floor `dynamodb`, a proxy before it, and a façade's flags behind that. */
export async function scene(t: Test) {
  const unleash = await withUnleash(t);
  const operator = await withOperator(t, unleash);
  await operator.edit(LIVE, { operation: 'getUser', floor: 'dynamodb', rest: 'live' });
  const proxy = await withFaultyProxy(t, unleash.url);
  const folder = t.testdir();
  const followed = await followFlags(t, unleash, { url: proxy.url, folder });
  // The server makes its list anew once a second.
  await eventually(t, 'the flags are there', () => followed.stage() === 'live');
  return { unleash, operator, proxy, folder, followed };
}

const LIVE = { operation: 'getUser', stage: 'live' } as const;
