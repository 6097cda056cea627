import {
  BSON,
  type Document,
  MongoClient,
  type MongoClientOptions,
  MongoError,
  MongoNetworkTimeoutError,
  MongoServerError,
} from 'mongodb';
import { NoSuchItem, StoreError, type StoreFailure } from '../errors.ts';
import type { Item, Sort } from '../model/call.ts';
import type { Connections } from '../model/origin.ts';

export interface MongoDbOptions {
  /** With the database's name. Its own readPreference and readConcernLevel go before ours (primary, majority). */
  readonly uri: string;
  /** How long the server works on one call before it gives up, in milliseconds; default 10,000. */
  readonly timeout?: number | undefined;
  /** How long a call waits for a primary, in milliseconds; default 2,000. */
  readonly serverSelectionTimeout?: number | undefined;
  /** Default 100. */
  readonly maxPoolSize?: number | undefined;
  /** How often one call is sent, first time included, 1 or 2; default 2: once more after a failover or a lost connection. */
  readonly attempts?: number | undefined;
}

export interface FindRequest {
  readonly collection: string;
  readonly filter: Item;
  readonly projection?: Item | undefined;
  readonly sort?: Sort | undefined;
  readonly skip?: number | undefined;
  readonly limit?: number | undefined;
}

/**
 * MongoDB's reading calls. All throw a `StoreError`, or `NoSuchItem` for a value that BSON cannot hold. A 64-bit integer
 * comes as a Long, Int32 and Double as numbers, the others as the driver's own types.
 */
export interface MongoDb {
  findOne(request: FindRequest, signal: AbortSignal): Promise<Item | undefined>;
  find(request: FindRequest, signal: AbortSignal): Promise<readonly Item[]>;
  count(collection: string, filter: Item, signal: AbortSignal): Promise<number>;
  aggregate(collection: string, pipeline: readonly Item[], signal: AbortSignal): Promise<readonly Item[]>;
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
  const limits = (signal: AbortSignal) => ({ maxTimeMS: timeout, signal });

  return Object.freeze<MongoDb>({
    findOne: async ({ collection, filter, ...rest }, signal) => {
      const call = () => db.collection(collection).findOne({ ...filter }, { ...present(rest), ...limits(signal) });
      return (await attempt(call, signal, filter)) ?? undefined;
    },
    find: async ({ collection, filter, ...rest }, signal) => {
      const batchSize = rest.limit === undefined ? undefined : Math.max(rest.limit, 1); // all of a page in one answer
      const given = present({ ...rest, batchSize });
      const call = () =>
        db
          .collection(collection)
          .find({ ...filter }, { ...given, ...limits(signal) })
          .toArray();
      return await attempt(call, signal, filter);
    },
    count: async (collection, filter, signal) =>
      await attempt(() => db.collection(collection).countDocuments({ ...filter }, limits(signal)), signal, filter),
    aggregate: async (collection, pipeline, signal) => {
      const stages = pipeline.map((stage): Document => ({ ...stage }));
      const call = () => db.collection(collection).aggregate(stages, limits(signal)).toArray();
      return await attempt(call, signal, { pipeline: stages });
    },
    collectionExists: async (name, signal) => {
      const call = () => db.listCollections({ name }, { nameOnly: true, signal }).toArray();
      return (await attempt(call, signal, { name })).length > 0;
    },
    listIndexes: async (name, signal) => {
      const call = () => db.collection(name).listIndexes(limits(signal)).toArray();
      return await attempt(call, signal, {}).catch((error) => {
        if (error.cause instanceof MongoServerError && error.cause.code === NAMESPACE_NOT_FOUND) return [];
        throw error;
      });
    },
    ping: async (signal) => {
      await attempt(() => db.command({ ping: 1 }, limits(signal)), signal, {});
    },
    close: () => client.close(),
    connections: countConnections(client),
  });
}

function clientOptions(options: MongoDbOptions, timeout: number): MongoClientOptions {
  const inUri = (name: string) => new RegExp(`[?&]${name}=`, 'i').test(options.uri);
  return {
    promoteLongs: false,
    retryReads: (options.attempts ?? 2) > 1,
    maxPoolSize: options.maxPoolSize ?? 100,
    serverSelectionTimeoutMS: options.serverSelectionTimeout ?? 2000,
    connectTimeoutMS: Math.min(timeout, 5000),
    waitQueueTimeoutMS: timeout,
    ...(!inUri('readPreference') && { readPreference: 'primary' }),
    ...(!inUri('readConcernLevel') && { readConcern: { level: 'majority' } }),
  };
}

/** What the driver says of its pools, added up. */
function countConnections(client: MongoClient): () => Connections {
  const now = { open: 0, used: 0, waiting: 0 };
  const add = (what: keyof typeof now, count: number) => () => {
    now[what] += count;
  };
  client.on('connectionCreated', add('open', 1));
  client.on('connectionClosed', add('open', -1));
  client.on('connectionCheckOutStarted', add('waiting', 1));
  client.on('connectionCheckOutFailed', add('waiting', -1));
  client.on('connectionCheckedOut', add('waiting', -1));
  client.on('connectionCheckedOut', add('used', 1));
  client.on('connectionCheckedIn', add('used', -1));
  return () => ({ used: now.used, idle: Math.max(now.open - now.used, 0), waiting: now.waiting });
}

const NAMESPACE_NOT_FOUND = 26;

const present = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

async function attempt<T>(call: () => Promise<T>, signal: AbortSignal, sent: Item): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translate(error as Error, signal, sent);
  }
}

function translate(error: Error, signal: AbortSignal, sent: Item): Error {
  if (signal.aborted) return new StoreError('mongodb', 'timeout', 'MongoDB took longer than the deadline', error);
  if (error instanceof BSON.BSONError || error instanceof RangeError) return encodingFailure(error, sent);
  return new StoreError('mongodb', failureOf(error), `${error.name}: ${error.message}`, error);
}

/** One error class tells of both directions: what cannot be written even now was not an answer's fault. */
function encodingFailure(error: Error, sent: Item): Error {
  try {
    BSON.serialize(sent);
  } catch {
    return new NoSuchItem(`MongoDB cannot hold this value: ${error.message}`);
  }
  return new StoreError('mongodb', 'undecodable', error.message, error);
}

/** By server error code; all others that the server gives are about the call itself. */
const CODES: Readonly<Record<number, StoreFailure>> = Object.freeze({
  50: 'timeout', // MaxTimeMSExpired
  262: 'timeout', // ExceededTimeLimit
  462: 'throttled', // IngressRequestRateLimitExceeded
  13: 'unavailable', // Unauthorized
  18: 'unavailable', // AuthenticationFailed
  8000: 'unavailable', // AtlasError
});

function failureOf(error: Error): StoreFailure {
  if (!(error instanceof MongoError)) return error.name === 'TypeError' ? 'refused' : 'unavailable';
  if (error instanceof MongoNetworkTimeoutError) return 'timeout';
  if (error.hasErrorLabel('SystemOverloadedError')) return 'throttled';
  if (error instanceof MongoServerError) {
    const stepping = error.hasErrorLabel('RetryableReadError') || error.hasErrorLabel('ResetPool');
    return CODES[Number(error.code)] ?? (stepping || NOT_PRIMARY.has(Number(error.code)) ? 'unavailable' : 'refused');
  }
  return ['MongoInvalidArgumentError', 'MongoParseError'].includes(error.name) ? 'refused' : 'unavailable';
}

/** No primary, shutting down, or out of reach within the cluster. */
const NOT_PRIMARY: ReadonlySet<number> = new Set([6, 7, 89, 91, 134, 189, 9001, 10107, 11600, 11602, 13435, 13436]);
