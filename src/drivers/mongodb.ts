import { type Document, MongoClient, type MongoClientOptions, MongoServerError } from 'mongodb';
import type { Item } from '../model/call.ts';
import type { Deadline } from '../model/deadline.ts';
import type { Connections } from '../model/origin.ts';
import type { WireItem } from '../model/wire.ts';
import { createCommandRead, type FindWire, type ReadOptions, timeLeft } from './mongodb/command.ts';
import { decodeDocument, viewDocument } from './mongodb/decode.ts';
import { translate } from './mongodb/errors.ts';
import { type FindRequest, isPlain } from './mongodb/find.ts';
import { createLeasedRead } from './mongodb/leased.ts';
import { createLeases, unleasableClient } from './mongodb/leases.ts';
import { createSessions } from './mongodb/sessions.ts';

export interface MongoDbOptions {
  /** With the database's name. Its own readPreference, readConcernLevel and connectTimeoutMS go before ours (primary, majority). */
  readonly uri: string;
  /** How long the server works on one call before it gives up, in milliseconds; default 10,000. */
  readonly timeout?: number | undefined;
  /** How long a call waits for a primary, in milliseconds; default 2,000. */
  readonly serverSelectionTimeout?: number | undefined;
  /** Default 100. */
  readonly maxPoolSize?: number | undefined;
  /** How often one call is sent, first time included, 1 or 2; default 2: once more after a failover or a lost connection. */
  readonly attempts?: number | undefined;
  /** How documents come undecoded; default `leased`. */
  readonly client?: MongoDbClient | undefined;
  /** Leases cannot be had, and why: reads take the public way from now on. */
  readonly onUnleasable?: ((reason: string) => void) | undefined;
}

/**
 * Undecoded documents on leased connections of the driver's pool, by the driver's `command`, or not at all: then all
 * reads are the driver's own.
 */
export type MongoDbClient = 'leased' | 'command' | 'driver';

/**
 * MongoDB's reading calls. All throw a `StoreError`, or `NoSuchItem` for a value that BSON cannot hold. A 64-bit integer
 * comes as a Long, Int32 and Double as numbers, the others as the driver's own types.
 */
export interface MongoDb {
  findOne(request: FindRequest, deadline: Deadline): Promise<Item | undefined>;
  find(request: FindRequest, deadline: Deadline): Promise<readonly Item[]>;
  /** The same as `find`, undecoded; `undefined` where the driver must see to the request, absent with `driver`. */
  readonly findWire?:
    | ((request: FindRequest, deadline: Deadline) => Promise<readonly WireItem[]> | undefined)
    | undefined;
  /** An undecoded document as `find` gives it. Throws a StoreError where it is none. */
  decode(item: WireItem): Item;
  /** The same, decoded as far as it is looked at. */
  view(item: WireItem): Item;
  count(collection: string, filter: Item, deadline: Deadline): Promise<number>;
  aggregate(collection: string, pipeline: readonly Item[], deadline: Deadline): Promise<readonly Item[]>;
  collectionExists(collection: string, signal: AbortSignal): Promise<boolean>;
  /** As the server lists them; empty where there is no such collection. */
  listIndexes(collection: string, signal: AbortSignal): Promise<readonly Item[]>;
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  connections(): Connections;
}

/** Connects with the first call, so that a store which is away is that call's error, and not the start's. */
export function openMongoDb(options: MongoDbOptions): MongoDb {
  const timeout = options.timeout ?? 10_000;
  const client = new MongoClient(options.uri, clientOptions(options, timeout));
  const db = client.db();
  const sessions = createSessions(client);
  const reading: ReadOptions = { client, db, timeout, attempts: client.options.retryReads ? 2 : 1, sessions };
  const limits = (deadline: Deadline) => ({ maxTimeMS: timeLeft(reading, deadline), signal: deadline.signal });
  const atMost = (signal: AbortSignal) => ({ maxTimeMS: timeout, signal });
  const wire = openWire(reading, options);

  return Object.freeze<MongoDb>({
    findOne: async ({ collection, filter, ...rest }, deadline) => {
      const call = () => db.collection(collection).findOne({ ...filter }, { ...present(rest), ...limits(deadline) });
      return (await attempt(call, deadline.signal, filter)) ?? undefined;
    },
    find: async ({ collection, filter, ...rest }, deadline) => {
      const batchSize = rest.limit === undefined ? undefined : Math.max(rest.limit, 1); // all of a page in one answer
      const given = present({ ...rest, batchSize });
      const call = () =>
        db
          .collection(collection)
          .find({ ...filter }, { ...given, ...limits(deadline) })
          .toArray();
      return await attempt(call, deadline.signal, filter);
    },
    count: async (collection, filter, deadline) => {
      const call = () => db.collection(collection).countDocuments({ ...filter }, limits(deadline));
      return await attempt(call, deadline.signal, filter);
    },
    aggregate: async (collection, pipeline, deadline) => {
      const stages = pipeline.map((stage): Document => ({ ...stage }));
      const call = () => db.collection(collection).aggregate(stages, limits(deadline)).toArray();
      return await attempt(call, deadline.signal, { pipeline: stages });
    },
    collectionExists: async (name, signal) => {
      const call = () => db.listCollections({ name }, { nameOnly: true, signal }).toArray();
      return (await attempt(call, signal, { name })).length > 0;
    },
    listIndexes: async (name, signal) => {
      const call = () => db.collection(name).listIndexes(atMost(signal)).toArray();
      return await attempt(call, signal, {}).catch((error) => {
        if (error.cause instanceof MongoServerError && error.cause.code === NAMESPACE_NOT_FOUND) return [];
        throw error;
      });
    },
    ping: async (signal) => {
      await attempt(() => db.command({ ping: 1 }, atMost(signal)), signal, {});
    },
    findWire: wire && ((request, deadline) => (isPlain(request) ? wire.find(request, deadline) : undefined)),
    decode: decodeDocument,
    view: viewDocument,
    close: () => {
      wire?.close();
      return client.close();
    },
    connections: countConnections(client, wire?.waiting ?? none),
  });
}

interface Wire {
  readonly find: FindWire;
  /** Connections that are out of the pool, and yet idle. */
  readonly waiting: () => number;
  readonly close: () => void;
}

const none = () => 0;

function openWire(
  reading: ReadOptions,
  { client = 'leased', onUnleasable = () => {} }: MongoDbOptions,
): Wire | undefined {
  if (client === 'driver') return undefined;
  const publicly: Wire = { find: createCommandRead(reading), waiting: none, close: () => {} };
  if (client === 'command') return publicly;
  const reason = unleasableClient(reading.client);
  if (reason !== undefined) {
    onUnleasable(reason);
    return publicly;
  }
  const leases = createLeases(reading.client, onUnleasable);
  return { find: createLeasedRead(reading, leases), waiting: leases.waiting, close: leases.close };
}

/**
 * Milliseconds. The driver's look at a server waits as long too: what hangs is found out, and tried anew, no sooner. A
 * handshake takes some round trips and may be slower than a read is allowed to be.
 */
const LONGEST_CONNECT = 2_500;

function clientOptions(options: MongoDbOptions, timeout: number): MongoClientOptions {
  const inUri = (name: string) => new RegExp(`[?&]${name}=`, 'i').test(options.uri);
  return {
    promoteLongs: false,
    retryReads: (options.attempts ?? 2) > 1,
    maxPoolSize: options.maxPoolSize ?? 100,
    serverSelectionTimeoutMS: options.serverSelectionTimeout ?? 2000,
    ...(!inUri('connectTimeoutMS') && { connectTimeoutMS: Math.min(Math.max(timeout, 1_000), LONGEST_CONNECT) }),
    ...(!inUri('readPreference') && { readPreference: 'primary' }),
    ...(!inUri('readConcernLevel') && { readConcern: { level: 'majority' } }),
  };
}

/** What the driver says of its pools, added up; `leased`: how many of those that are out lie idle. */
function countConnections(client: MongoClient, leased: () => number): () => Connections {
  const now = { open: 0, used: 0, waiting: 0 };
  const add = (what: keyof typeof now, count: number) => () => {
    now[what] += count;
  };
  const onCheckedOut = (): void => {
    now.waiting -= 1;
    now.used += 1;
  };
  client.on('connectionCreated', add('open', 1));
  client.on('connectionClosed', add('open', -1));
  client.on('connectionCheckOutStarted', add('waiting', 1));
  client.on('connectionCheckOutFailed', add('waiting', -1));
  client.on('connectionCheckedOut', onCheckedOut); // one listener: each read calls it
  client.on('connectionCheckedIn', add('used', -1));
  return () => {
    const used = now.used - leased();
    return { used, idle: Math.max(now.open - used, 0), waiting: now.waiting };
  };
}

const NAMESPACE_NOT_FOUND = 26;

const present = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

async function attempt<T>(call: () => Promise<T>, signal: AbortSignal, sent: Item): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translate(error as Error, signal.aborted, sent);
  }
}
