import type { Call, Fetched, Want } from './call.ts';
import type { StoreName } from './stage.ts';
import type { WireFetched } from './wire.ts';

/**
 * A store as the request line sees it. `fetch` carries out one call and never retries; it throws a `StoreError` when
 * the store did not answer and `NoSuchItem` when a key is one that the store could never hold.
 */
export interface StoreOrigin {
  readonly name: StoreName;
  fetch(call: Call, want: Want): Promise<Fetched>;
  /** The same, undecoded; `undefined` where this store, or this call, gives items decoded only. */
  readonly fetchWire?: ((call: Call, want: Want) => Promise<WireFetched> | undefined) | undefined;
  /** Resolves when the store answers; throws a `StoreError` when it does not. */
  ping(signal: AbortSignal): Promise<void>;
  /** It answers again after an outage: what hung in it must not keep what comes now from it. */
  readonly renew?: (() => void) | undefined;
  close(): Promise<void>;
  connections(): Connections;
}

/** Connections of one origin now; `waiting`: requests that wait for one. */
export interface Connections {
  readonly used: number;
  readonly idle: number;
  readonly waiting: number;
}
