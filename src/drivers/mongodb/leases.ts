import type { MongoClient } from 'mongodb';
import type { Deadline } from '../../model/deadline.ts';
import {
  type Connection,
  isKnownConnection,
  isKnownServer,
  type Server,
  type Topology,
  topologyOf,
  unknownVersion,
} from './insides.ts';
import { Lease } from './lease.ts';

/** How often idle leases are looked over, in milliseconds. */
const SWEEP = 1_000;

/** Where reads are answered now, and what they must say there. */
export interface Target {
  readonly server: Server;
  /** A server asked directly may be no primary: only with this it answers. */
  readonly direct: boolean;
}

/** Connections of the driver's pool that are kept from one read to the next. */
export interface Leases {
  /** `undefined` while there is none that leases know how to ask: no primary, one of several routers, a pool at rest. */
  target(): Target | undefined;
  /** One that lies ready. */
  idle(server: Server): Lease | undefined;
  /** One from the driver's pool, which may have to make it. Rejects as the driver does. */
  borrow(server: Server, deadline: Deadline): Promise<Lease>;
  /** Kept for the next read, or back to the pool where it is of no use, or somebody waits for it there. */
  release(lease: Lease): void;
  /** Of those that are out, how many lie ready. */
  waiting(): number;
  /** All back to the pool, and none from now on. */
  close(): void;
}

/** Never more than the pool allows, since each is one of the pool's; `onUnknown`: the driver is not as leases know it. */
export function createLeases(client: MongoClient, onUnknown: (reason: string) => void): Leases {
  const idle: Lease[] = [];
  /** How many lay idle all the time since the last look. */
  let spare = 0;
  let timer: NodeJS.Timeout | undefined;
  let target: Target | undefined;
  let closed = false;

  const stop = (reason: string): void => {
    if (closed) return;
    close();
    onUnknown(reason);
  };
  const look = (): void => {
    if (closed) return;
    const topology = topologyOf(client);
    const found = topology === 'unknown' ? undefined : targetOf(topology);
    if (topology === 'unknown' || (found !== undefined && !isKnownServer(found.server))) {
      stop('the driver is built otherwise than leases know it');
      return;
    }
    const same = found?.server === target?.server;
    target = found;
    if (!same) giveBack(idle.length);
  };
  const giveBack = (count: number): void => {
    for (const lease of idle.splice(0, count)) lease.giveBack();
    spare = Math.min(spare, idle.length);
  };
  const sweep = (): void => {
    giveBack(spare);
    spare = idle.length;
    timer = idle.length === 0 ? undefined : setTimeout(sweep, SWEEP).unref();
  };
  const onCleared = (): void => giveBack(idle.length);
  // Somebody else needs a connection: better one that we have than a new one, or none.
  const onWanted = (): void => giveBack(1);
  const close = (): void => {
    closed = true;
    target = undefined;
    clearTimeout(timer);
    client.off('topologyDescriptionChanged', look);
    client.off('connectionPoolCleared', onCleared);
    client.off('connectionCheckOutStarted', onWanted);
    giveBack(idle.length);
  };
  client.on('topologyDescriptionChanged', look);
  client.on('connectionPoolCleared', onCleared);
  client.on('connectionCheckOutStarted', onWanted);

  return Object.freeze<Leases>({
    target: () => (target?.server.pool.poolState === 'ready' ? target : undefined),
    idle(server) {
      for (;;) {
        const lease = idle.pop();
        if (lease === undefined) return undefined;
        if (idle.length < spare) spare = idle.length;
        if (lease.server === server && lease.usable) return lease;
        lease.giveBack();
      }
    },
    async borrow(server, deadline) {
      const connection = await server.pool.checkOut({ timeoutContext: NO_TIMEOUT, signal: deadline.signal });
      const reason = unleasable(connection);
      if (reason === undefined) return new Lease(server, connection);
      server.pool.checkIn(connection);
      stop(reason);
      throw new Unleasable(reason);
    },
    release(lease) {
      if (closed || !lease.usable || lease.server !== target?.server || lease.server.pool.waitQueueSize > 0) {
        lease.giveBack();
        return;
      }
      idle.push(lease);
      timer ??= setTimeout(sweep, SWEEP).unref();
    },
    waiting: () => idle.length,
    close,
  });
}

/** The pool's own wait is bounded by the signal. */
const NO_TIMEOUT = Object.freeze({ connectionCheckoutTimeout: null, csotEnabled: () => false });

/** A connection that leases cannot ask. */
export class Unleasable extends Error {}

function unleasable(connection: Connection): string | undefined {
  if (!isKnownConnection(connection)) return 'a connection of the driver is built otherwise than leases know it';
  if (connection.description.compressor !== undefined) return 'connections are compressed';
  if (connection.serverApi !== undefined && connection.serverApi !== null) return 'connections name an API version';
  return undefined;
}

/** Why this client's reads cannot go by leases at all, whatever its servers say. */
export function unleasableClient(client: MongoClient): string | undefined {
  if (client.readPreference.mode !== 'primary') return `reads prefer ${client.readPreference.mode}`;
  if (client.options.loadBalanced === true) return 'there is a load balancer before the servers';
  return unknownVersion();
}

/** The one server that answers: the primary, or the only one that there is. */
function targetOf(topology: Topology | undefined): Target | undefined {
  if (topology === undefined) return undefined;
  const { type, servers } = topology.description;
  const all = [...servers.values()];
  const alone = all.length === 1 && (type === 'Single' || type === 'Sharded') ? all[0] : undefined;
  const one = type === 'ReplicaSetWithPrimary' ? all.find((server) => server.type === 'RSPrimary') : alone;
  const server = one === undefined || one.type === 'Unknown' ? undefined : topology.s.servers.get(one.address);
  if (one === undefined || server === undefined) return undefined;
  const direct = topology.s.options.directConnection === true && one.type !== 'Standalone' && one.type !== 'Mongos';
  return { server, direct };
}
