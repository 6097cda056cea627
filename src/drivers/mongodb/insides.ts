import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { MongoClient } from 'mongodb';

/**
 * What of the driver's insides leases build on: none of it is promised. Each is looked for before it is used, and only in
 * a version that the tests have been run with.
 */
export const KNOWN_VERSION = /^7\.8\./;

export interface Topology {
  readonly description: {
    readonly type: string;
    readonly servers: ReadonlyMap<string, { readonly type: string; readonly address: string }>;
  };
  readonly s: {
    readonly servers: ReadonlyMap<string, Server>;
    readonly options: { readonly directConnection?: boolean };
  };
}

export interface Server {
  readonly pool: Pool;
  /** Tells the driver of an error on a connection, so that it looks at the server anew and clears the pool where it must. */
  decorateCommandError(connection: Connection, command: object, options: object, error: unknown): Error;
}

export interface Pool {
  readonly poolState: string;
  readonly generation: number;
  readonly waitQueueSize: number;
  checkOut(options: {
    readonly timeoutContext: { readonly connectionCheckoutTimeout: null; csotEnabled(): boolean };
    readonly signal: AbortSignal;
  }): Promise<Connection>;
  checkIn(connection: Connection): void;
}

export interface Connection {
  readonly socket: Socket;
  readonly messageStream: Writable;
  readonly generation: number;
  readonly closed: boolean;
  readonly error: Error | null;
  readonly serverApi?: unknown;
  readonly description: { readonly type: string; readonly compressor?: string; readonly loadBalanced?: boolean };
  destroy(): void;
  on(event: 'close', call: () => void): unknown;
  off(event: 'close', call: () => void): unknown;
}

/** Why this driver's insides are not those that leases know; `undefined` where they may be. */
export function unknownVersion(): string | undefined {
  const { version } = createRequire(import.meta.url)('mongodb/package.json') as { version: string };
  return KNOWN_VERSION.test(version) ? undefined : `mongodb ${version} is not one that leases were tested with`;
}

/** The client's topology where it has connected; `unknown` where it is not built as leases know it. */
export function topologyOf(client: MongoClient): Topology | undefined | 'unknown' {
  const { topology } = client as unknown as { readonly topology?: Topology };
  if (topology === undefined) return 'topology' in client ? undefined : 'unknown';
  const known = topology.s?.servers instanceof Map && topology.description?.servers instanceof Map;
  return known ? topology : 'unknown';
}

export function isKnownServer(server: Server): boolean {
  const { pool } = server;
  const numbers = [pool?.generation, pool?.waitQueueSize].every((one) => typeof one === 'number');
  const calls = [server.decorateCommandError, pool?.checkOut, pool?.checkIn].every((one) => typeof one === 'function');
  return numbers && calls && typeof pool.poolState === 'string';
}

export function isKnownConnection({ socket, messageStream, description, destroy, generation }: Connection): boolean {
  const calls = [socket?.write, socket?.pipe, socket?.unpipe, messageStream?.write, destroy];
  return (
    calls.every((one) => typeof one === 'function') &&
    typeof description?.type === 'string' &&
    typeof generation === 'number'
  );
}
