import { MongoClient, type MongoClientOptions } from 'mongodb';
import { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import type { Test } from 'tap';
import { findMongod } from '../../src/demo/services.ts';

export interface Members {
  readonly uri: string;
  /** The primary steps down; resolves when there is another. */
  readonly stepDown: () => Promise<void>;
  /** `kill -9` of the primary; resolves when there is another. */
  readonly killPrimary: () => Promise<void>;
  /** For what tests ask themselves. */
  readonly client: MongoClient;
}

export interface Wish {
  readonly count?: number;
  /** Arguments of each mongod. */
  readonly args?: readonly string[];
  readonly client?: MongoClientOptions;
}

/** A replica set of the test's own, with an election within a second or two, and failpoints. */
export async function withMembers(
  t: Test,
  { count = 3, args = [], client: options = {} }: Wish = {},
): Promise<Members> {
  const found = await findMongod({ log: () => {} });
  if (!('path' in found)) throw new Error('these tests start mongod themselves: unset MONGODB_URI');
  const set = await MongoMemoryReplSet.create({
    binary: { systemBinary: found.path, checkMD5: false },
    replSet: {
      ...{ count, ip: '127.0.0.1', name: 'members', storageEngine: 'wiredTiger' },
      args: ['--setParameter', 'enableTestCommands=1', ...args],
      configSettings: { electionTimeoutMillis: 1_000, heartbeatIntervalMillis: 300 },
    },
  });
  t.teardown(() => set.stop({ doCleanup: true, force: true }));
  const uri = set.getUri('test');
  const client = new MongoClient(uri, options);
  t.teardown(() => client.close());
  const primary = async (): Promise<string> => {
    const { hosts, me, isWritablePrimary } = await client.db('admin').command({ hello: 1 });
    if (!isWritablePrimary) throw new Error(`no primary among ${hosts}`);
    return me;
  };
  const another = async (than: string): Promise<void> => {
    for (const end = Date.now() + 30_000; Date.now() < end; ) {
      const now = await primary().catch(() => than);
      if (now !== than) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${than} is still the primary`);
  };
  return {
    ...{ uri, client },
    async stepDown() {
      const before = await primary();
      await client.db('admin').command({ replSetStepDown: 20, secondaryCatchUpPeriodSecs: 10 });
      await another(before);
    },
    async killPrimary() {
      const before = await primary();
      const port = Number(before.split(':')[1]);
      const server = set.servers.find(({ instanceInfo }) => instanceInfo?.port === port);
      server?.instanceInfo?.instance.mongodProcess?.kill('SIGKILL');
      await another(before);
    },
  };
}
