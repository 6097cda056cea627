import type { Cursors } from '../bindings/cursor.ts';
import type { Bindings, BoundOperation } from '../bindings/load.ts';
import type { ComparePlan } from '../compare/compare.ts';
import type { Config } from '../config.ts';
import { fits } from '../contract/route.ts';
import { AuthError, UsageError } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import type { ErrorRequest } from '../model/binding.ts';
import type { Call } from '../model/call.ts';
import type { StoreOrigin } from '../model/origin.ts';
import type { OriginName, StoreName } from '../model/stage.ts';
import { askLegacy } from '../replay/legacy.ts';
import { ask } from '../request/ask.ts';
import { type Auth, type Caller, type Claims, createAuth, NO_CLAIMS } from '../request/auth.ts';
import { openCursor, question } from '../request/handle.ts';
import { createObserver } from '../request/observe.ts';
import { comparePlanOf, limitOf } from '../request/shadowing.ts';
import { tenantOf } from '../request/tenant.ts';
import type { SampledRequest } from '../results/sample.ts';
import { type Origins, openAnswerer, openOrigins } from './stores.ts';

/** An API's origins, to be asked by a person or a command instead of a client. */
export interface Asking {
  readonly bindings: Bindings;
  /**
   * Everything known of one request. Rejects with a UsageError where the contract has no such read or the caller is not
   * let in, RequestError for a bad one. `unnamed`: nobody is asked for credentials, and there are no claims.
   */
  readonly enquire: (request: SampledRequest, as?: 'unnamed') => Promise<Enquiry>;
  readonly close: () => Promise<void>;
}

export interface Enquiry {
  readonly operation: BoundOperation;
  readonly tenant: string;
  /** Who can be asked, in the order of the migration. */
  readonly origins: readonly OriginName[];
  readonly plan: ComparePlan;
  readonly ask: (origin: OriginName) => Promise<Observation & { readonly calls: readonly Call[] }>;
}

export type AskingConfig = Pick<Config, 'legacyUrl' | 'originTimeout' | 'dynamodb' | 'mongodbUri'> &
  Partial<Pick<Config, 'mongodbClient'>>;

export interface AskingParts {
  readonly bindings: Bindings;
  readonly config: AskingConfig;
  readonly cursors: Cursors;
  /** Connections to each store; default: the driver's. */
  readonly size?: number;
}

/** Connects to the origins of the bindings, on connections of its own. */
export async function openAsking({ bindings, config, cursors, size }: AskingParts): Promise<Asking> {
  const closers: (() => unknown)[] = [];
  const pool = { timeout: config.originTimeout, attempts: 1, ...(size === undefined ? {} : { size }) };
  const stores = openOrigins(config, bindings, pool, closers);
  const auth = createAuth(bindings.spec.auth, { file: bindings.file, secrets: undefined });
  closers.push(() => auth.close());
  // Connected before anything is asked, so that durations are those of the questions; what fails will fail again, and say so.
  await Promise.allSettled(Object.values(stores).map((store) => store.ping(AbortSignal.timeout(config.originTimeout))));
  return Object.freeze({
    bindings,
    enquire: async (request: SampledRequest, as?: 'unnamed') => {
      const operation = operationOf(bindings, request);
      const open = as === 'unnamed' || operation.spec?.auth !== undefined;
      return await enquiry({ bindings, operation, request, stores, cursors, config, auth: open ? undefined : auth });
    },
    close: async () => {
      for (const close of closers) await close();
    },
  });
}

/** The read of the contract that a method and a path mean. */
function operationOf({ operations, basePath }: Bindings, { method, url }: SampledRequest): BoundOperation {
  const pathname = url.split('?')[0] as string;
  const below = pathname.startsWith(basePath) ? pathname.slice(basePath.length) : pathname;
  const reads = method === 'HEAD' ? ['HEAD', 'GET'] : [method];
  const [best] = operations
    .map((operation) => ({ operation, fit: fits(operation.contract.path, below) }))
    .filter(({ operation, fit }) => fit !== undefined && reads.includes(operation.contract.method))
    .sort((a, b) => (b.fit as number) - (a.fit as number));
  if (best === undefined) throw new UsageError(`the contract has no ${method} ${pathname}`);
  if (best.operation.spec === undefined)
    throw new UsageError(`${best.operation.id} has no bindings: legacy alone answers it`);
  return best.operation;
}

interface EnquiryParts {
  readonly bindings: Bindings;
  readonly operation: BoundOperation;
  readonly request: SampledRequest;
  readonly stores: Origins;
  readonly cursors: Cursors;
  readonly config: AskingConfig;
  /** `undefined`: nobody is asked for credentials. */
  readonly auth: Auth | undefined;
}

async function enquiry(parts: EnquiryParts): Promise<Enquiry> {
  const { bindings, operation, request, stores, cursors, config, auth } = parts;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value] as const),
  ) as NonNullable<ErrorRequest['headers']>;
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) => [name, String(value)]);
  const message = { url: request.url, method: request.method, headers, rawHeaders };
  const asked = ask(operation, message);
  const claims = auth === undefined ? NO_CLAIMS : await claimsOf(bindings, auth, message);
  const tenant = tenantOf(bindings.spec.tenant, message, asked, claims);
  auth?.agree(tenant, claims);
  const opened = openCursor(cursors, operation, asked, tenant);
  const cursor = opened === 'foreign' ? undefined : opened;
  const asking = question(operation, asked, { tenant, cursor }, claims);
  const error = (): ErrorRequest => {
    const { path, query } = asking.request;
    return { operation: operation.id, method: request.method, url: request.url, tenant, headers, path, query };
  };
  const bound = (['dynamodb', 'mongodb'] as const).filter((store) => operation.stores[store] !== undefined);
  const plan = comparePlanOf(operation, bindings.spec, cursors);
  return {
    operation,
    tenant,
    origins: [...(config.legacyUrl === undefined ? [] : (['legacy'] as const)), ...bound],
    plan: plan.list === undefined ? plan : { ...plan, list: { ...plan.list, limit: limitOf(asking) } },
    ask: async (origin) => {
      if (origin === 'legacy')
        return { ...(await askLegacy(config.legacyUrl as string, request, config.originTimeout)), calls: [] };
      const calls: Call[] = [];
      const observe = createObserver(
        openAnswerer(noting(stores, calls), cursors, config.originTimeout),
        bindings.spec.cors,
      );
      return { ...(await observe(origin, asking, error)), calls };
    },
  };
}

/** Throws a UsageError that says which credentials are missing. */
async function claimsOf({ spec }: Bindings, auth: Auth, message: Caller): Promise<Claims> {
  try {
    return await auth.authenticate(message);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const { state } = auth;
    const why = error.reason === 'unavailable' ? (state().problem ?? causeOf(error)) : error.message;
    const names = spec.auth?.mode === 'forward' ? spec.auth.headers : ['Authorization'];
    throw new UsageError(
      `${why}: a store answers with credentials alone; give ${names.map((one) => `-H '${one}: …'`).join(' ')}`,
    );
  }
}

const causeOf = ({ cause, message }: Error): string => (cause instanceof Error ? cause.message : message);

/** The same stores; each call is noted before it is carried out. */
function noting(stores: Origins, calls: Call[]): Origins {
  const note = ({ fetch, fetchWire, ...origin }: StoreOrigin): StoreOrigin => ({
    ...origin,
    fetch: (call, want) => {
      calls.push(call);
      return fetch(call, want);
    },
    fetchWire:
      fetchWire &&
      ((call, want) => {
        const fetched = fetchWire(call, want);
        // Where it is none, the call is carried out decoded.
        if (fetched !== undefined) calls.push(call);
        return fetched;
      }),
  });
  return Object.fromEntries(Object.entries(stores).map(([name, origin]) => [name as StoreName, note(origin)]));
}
