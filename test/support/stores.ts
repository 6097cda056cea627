import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteTableCommand, DynamoDBClient, paginateListTables } from '@aws-sdk/client-dynamodb';
import { MongoClient } from 'mongodb';
import type { Test } from 'tap';
import { startDynalite } from '../../src/demo/services.ts';

export type DynamoKind = 'dynalite' | 'local';
export const dynamoKinds: readonly DynamoKind[] = ['dynalite', 'local'];

/** `uri` names the database, so that `client.db()` is the test's own. */
export type MongoStore = { readonly uri: string; readonly database: string };

/** `config` is a DynamoDBClient's; every table a test makes has a name that starts with `prefix`. */
export type DynamoStore = {
  readonly kind: DynamoKind;
  readonly endpoint: string;
  readonly prefix: string;
  readonly config: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
};

/** A MongoDB replica set of one member, shared by the whole run, with an empty database that is dropped after the test. */
export async function withMongo(t: Test): Promise<MongoStore> {
  const shared = await sharedAddress('mongo');
  const database = `test_${unique()}`;
  const url = new URL(shared as string);
  url.pathname = `/${database}`;
  const uri = url.href;
  t.teardown(async () => {
    const client = new MongoClient(uri);
    await client.db().dropDatabase();
    await client.close();
  });
  return { uri, database };
}

/**
 * A DynamoDB with a table name prefix of the test's own; its tables are deleted after the test. Skips the test, with the
 * reason, where DynamoDB Local cannot run and CI is not "true": the caller returns on `undefined`.
 */
export async function withDynamo(t: Test, kind: 'dynalite'): Promise<DynamoStore>;
export async function withDynamo(t: Test, kind: DynamoKind): Promise<DynamoStore | undefined>;
export async function withDynamo(t: Test, kind: DynamoKind): Promise<DynamoStore | undefined> {
  const endpoint = kind === 'dynalite' ? await ownDynalite(t) : await sharedAddress('dynamodb', t);
  if (endpoint === undefined) return undefined;

  const prefix = `test_${unique()}_`;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const config = { endpoint, region: 'eu-west-1', credentials };
  t.teardown(async () => {
    if (kind === 'local') await deleteTables(new DynamoDBClient(config), prefix);
  });
  return { kind, endpoint, prefix, config };
}

/** The same tests on dynalite and on DynamoDB Local. */
export async function eachDynamo(t: Test, suite: (t: Test, dynamo: DynamoStore) => Promise<unknown>): Promise<void> {
  for (const kind of dynamoKinds) {
    await t.test(`on ${kind}`, async (t) => {
      const dynamo = await withDynamo(t, kind);
      if (dynamo) await suite(t, dynamo);
    });
  }
}

/** The same tests with either client. */
export async function eachClient(
  t: Test,
  suite: (t: Test, dynamo: DynamoStore, client: 'wire' | 'sdk') => Promise<unknown>,
): Promise<void> {
  for (const client of ['wire', 'sdk'] as const)
    await t.test(`by ${client}`, (t) => eachDynamo(t, (t, dynamo) => suite(t, dynamo, client)));
}

async function ownDynalite(t: Test): Promise<string> {
  const { endpoint, stop } = await startDynalite();
  t.teardown(stop);
  return endpoint;
}

async function deleteTables(client: DynamoDBClient, prefix: string): Promise<void> {
  for await (const page of paginateListTables({ client }, {})) {
    for (const TableName of page.TableNames ?? []) {
      if (TableName.startsWith(prefix)) await client.send(new DeleteTableCommand({ TableName }));
    }
  }
  client.destroy();
}

/**
 * The first test process that asks starts a keeper beside the run, which lives as long as the run does: tap's own
 * process, or this one where a test file is run alone.
 */
export async function sharedAddress(kind: 'mongo' | 'dynamodb' | 'unleash', t?: Test): Promise<string | undefined> {
  const owner = process.env.TAP ? process.ppid : process.pid;
  const folder = join(tmpdir(), `crossfade-test-${owner}-${kind}`);
  const file = join(folder, 'state.json');

  const deadline = Date.now() + 200_000;
  while (Date.now() < deadline) {
    if (await claimed(folder)) {
      const keeper = join(import.meta.dirname, 'keeper.ts');
      const args = ['--disable-warning=ExperimentalWarning', keeper, kind, String(owner), file];
      spawn(process.execPath, args, { detached: true, stdio: 'ignore', env: withoutTap() }).unref();
    }
    const state = await readFile(file, 'utf8').then(JSON.parse, () => undefined);
    if (state?.failed) throw new Error(state.failed);
    if (state?.absent) t?.plan(0, state.absent);
    if (state?.absent) return undefined;
    if (state && isAlive(state.keeper)) return state.address;
    if (state) await rm(folder, { recursive: true, force: true }); // left by an older run with the same process id
    await sleep(25);
  }
  throw new Error(`The shared ${kind} did not come up; ${folder} may be left over`);
}

async function claimed(folder: string): Promise<boolean> {
  return await mkdir(folder).then(
    () => true,
    () => false,
  );
}

/** tap hooks into every Node child by these; a keeper outlives the test that starts it. */
function withoutTap(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('TAP') && !name.startsWith('_TAPJS'));
  return { ...Object.fromEntries(kept), NODE_OPTIONS: '' };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function unique(): string {
  return randomBytes(6).toString('hex');
}
