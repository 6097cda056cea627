import { type Document, MongoClient } from 'mongodb';
import { StoreError } from '../errors.ts';

export interface ResultsOptions {
  /** With the database's name. */
  readonly uri: string;
  /** Milliseconds for one call; default 5,000. */
  readonly timeout?: number;
}

/** The collections that hold what comparisons found. */
export type ResultsCollection =
  | 'crossfade_counts'
  | 'crossfade_mismatches'
  | 'crossfade_rules'
  | 'crossfade_requests'
  | 'crossfade_replays'
  | 'crossfade_replicas'
  | 'crossfade_tenants'
  | 'crossfade_known'
  | 'crossfade_audit'
  | 'crossfade_sessions';

/** MongoDB as the place of results, on connections of its own. All throw a `StoreError`. */
export interface ResultsStore {
  /** Replaces rows by their `_id`, or adds them: sent twice, they count once. */
  replaceAll(collection: ResultsCollection, rows: readonly { readonly _id: string }[]): Promise<void>;
  find<Row>(collection: ResultsCollection, filter: Document, limit?: number): Promise<Row[]>;
  /** Gives how many there were. */
  remove(collection: ResultsCollection, filter: Document): Promise<number>;
  aggregate<Row>(collection: ResultsCollection, pipeline: readonly Document[]): Promise<Row[]>;
  /** Creates what is missing of the indexes, among them those that let rows expire. */
  ensureIndexes(): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds for one sum: a month of many tenants takes longer than any other call may. */
const ADDING_UP = 300_000;
/** Rows that are decoded in one go: between two batches the process does other things. */
const BATCH = 500;
const DAYS_30 = 30 * 86_400;
/** Who changed what is asked long after what it led to is forgotten. */
const YEAR = 400 * 86_400;

export function openResults({ uri, timeout = 5_000 }: ResultsOptions): ResultsStore {
  const connected = (socketTimeoutMS: number) =>
    new MongoClient(uri, {
      appName: 'crossfade results',
      maxPoolSize: 2,
      serverSelectionTimeoutMS: Math.min(timeout, 2_000),
      connectTimeoutMS: timeout,
      socketTimeoutMS,
      retryWrites: true,
      ignoreUndefined: true,
    });
  // A socket gives up by its client's patience alone. Neither connects before it is used.
  const [client, patient] = [connected(timeout * 2), connected(ADDING_UP)];
  const db = client.db();
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const { name, message } = error as Error;
      // Of several that ask at once while nobody answers the driver tells one why, the others this.
      const why = name === 'MongoTopologyClosedError' ? 'MongoDB cannot be reached' : `${name}: ${message}`;
      throw new StoreError('mongodb', 'unavailable', `results: ${why}`, error);
    }
  };
  return Object.freeze<ResultsStore>({
    replaceAll: async (collection, rows) => {
      if (rows.length === 0) return;
      const operations = rows.map((row) => ({
        replaceOne: { filter: { _id: row._id }, replacement: row, upsert: true },
      }));
      await attempt(() =>
        db.collection<{ _id: string }>(collection).bulkWrite(operations, { ordered: false, timeoutMS: timeout }),
      );
    },
    find: <Row>(collection: ResultsCollection, filter: Document, limit = 0) =>
      attempt(
        () =>
          db.collection(collection).find(filter, { limit, maxTimeMS: 60_000, batchSize: BATCH }).toArray() as Promise<
            Row[]
          >,
      ),
    remove: (collection, filter) =>
      attempt(async () => (await db.collection(collection).deleteMany(filter, { timeoutMS: timeout })).deletedCount),
    aggregate: <Row>(collection: ResultsCollection, pipeline: readonly Document[]) =>
      attempt(
        () =>
          patient
            .db()
            .collection(collection)
            .aggregate([...pipeline], { allowDiskUse: true, maxTimeMS: ADDING_UP, batchSize: BATCH })
            .toArray() as Promise<Row[]>,
      ),
    ensureIndexes: () =>
      attempt(async () => {
        const expire = { expireAfterSeconds: DAYS_30 };
        await db
          .collection('crossfade_counts')
          .createIndexes([
            { key: { minute: 1 }, ...expire },
            { key: { api: 1, evidence: 1, operation: 1, minute: 1 } },
          ]);
        await db
          .collection('crossfade_mismatches')
          .createIndexes([
            { key: { last: 1 }, ...expire },
            { key: { api: 1, evidence: 1, operation: 1 } },
            { key: { fingerprint: 1 } },
            { key: { 'samples.requestId': 1 } },
          ]);
        await db
          .collection('crossfade_rules')
          .createIndexes([{ key: { last: 1 }, ...expire }, { key: { api: 1, evidence: 1 } }]);
        await db
          .collection('crossfade_requests')
          .createIndexes([{ key: { last: 1 }, ...expire }, { key: { api: 1, evidence: 1, operation: 1 } }]);
        await db
          .collection('crossfade_replays')
          .createIndexes([{ key: { finished: 1 }, ...expire }, { key: { api: 1, evidence: 1, operation: 1 } }]);
        await db.collection('crossfade_replicas').createIndexes([{ key: { seen: 1 }, ...expire }]);
        await db.collection('crossfade_tenants').createIndexes([{ key: { last: 1 }, ...expire }, { key: { api: 1 } }]);
        await db.collection('crossfade_sessions').createIndexes([{ key: { until: 1 }, expireAfterSeconds: 0 }]);
        await db
          .collection('crossfade_known')
          .createIndexes([{ key: { ends: 1 }, ...expire }, { key: { api: 1, fingerprint: 1 } }]);
        await db
          .collection('crossfade_audit')
          .createIndexes([{ key: { at: 1 }, expireAfterSeconds: YEAR }, { key: { api: 1, at: -1 } }]);
      }),
    close: async () => {
      await Promise.all([client.close(), patient.close()]);
    },
  });
}
