import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { spawnBound } from '../../src/demo/child.ts';

/** Whoever listens on a port of this machine: its process id. Throws where nobody does. */
export async function listenerOf(port: number): Promise<number> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const sockets = new Set<string>();
  for (const file of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const line of (await readFile(file, 'utf8')).split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === '0A' && local?.endsWith(`:${hex}`)) sockets.add(`socket:[${inode}]`);
    }
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors)
      if (sockets.has(await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ''))) return Number(pid);
  }
  throw new Error(`nobody listens on port ${port}`);
}

/** A program that listens on a port, and can be ended by anybody and begun anew. */
export interface Program {
  readonly port: number;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Resolves once the port takes connections, and what else `ready` waits for. */
export async function startProgram(
  { port, command, folder }: { readonly port: number; readonly command: readonly string[]; readonly folder: string },
  ready: () => Promise<void> = async () => {},
): Promise<Program> {
  let child: ReturnType<typeof spawnBound> | undefined;
  const start = async () => {
    await child?.stop();
    const [program, ...words] = command as [string, ...string[]];
    child = spawnBound(program, words, folder);
    const deadline = Date.now() + 60_000;
    while (!(await takes(port))) {
      if (child.ended() || Date.now() > deadline) throw new Error(`${program} did not start: ${child.output()}`);
      await sleep(20);
    }
    await ready();
  };
  await start();
  return { port, start, stop: async () => await child?.stop() };
}

const takes = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    const end = (whether: boolean) => () => {
      socket.destroy();
      done(whether);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });

/** The words that start a mongod of a replica set on the loopback interface. */
export const mongodOf = (path: string, port: number, data: string): readonly string[] => [
  ...[path, '--port', String(port), '--dbpath', data, '--replSet', 'crossfade', '--bind_ip', '127.0.0.1'],
  ...['--nounixsocket', '--quiet', '--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '990'],
  ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
];

/** Makes these mongods a replica set, where they are none yet, and waits until one of them takes writes. */
export async function initiate(ports: readonly number[]): Promise<void> {
  const hosts = ports.map((port) => `127.0.0.1:${port}`);
  const one = new MongoClient(`mongodb://${hosts[0]}/?directConnection=true`);
  const members = hosts.map((host, _id) => ({ _id, host }));
  // Instead of 10 s: a member that says nothing is given up within seconds.
  const settings = { electionTimeoutMillis: 2_000 };
  await one
    .db('admin')
    .command({ replSetInitiate: { _id: 'crossfade', members, settings } })
    .catch((error) => {
      if (error.codeName !== 'AlreadyInitialized') throw error;
    });
  const deadline = Date.now() + 30_000;
  const primaries = async () => {
    const hello = await one.db('admin').command({ hello: 1 });
    return hello.primary !== undefined;
  };
  while (!(await primaries().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('the replica set has no primary');
    await sleep(50);
  }
  await one.close();
}
