import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import type { Test } from 'tap';
import {
  type Bed,
  type Deadlines,
  fill,
  lastWritten,
  startFacade,
  TARGETS,
  type TargetName,
} from '../../bench/faults/bed.ts';
import { startProgram } from '../../bench/faults/processes.ts';
import { freePort } from '../../src/demo/child.ts';
import { sharedAddress, withMongo } from './stores.ts';
import { withToxiproxy } from './toxiproxy.ts';
import { FEATURES, withUnleash } from './unleash.ts';

/**
 * What `npm run faults` has, on the MongoDB and the Unleash that all tests share: faults of the ways, and no others. Ended
 * after the test.
 */
export async function withBed(
  t: Test,
  deadlines: Deadlines,
): Promise<Pick<Bed, 'facade' | 'canary' | 'targets' | 'written'>> {
  const api = `things-${randomBytes(4).toString('hex')}`;
  const [mongo, kept] = [await withMongo(t), await withMongo(t)];
  const { admin } = await withUnleash(t);
  const unleash = (await sharedAddress('unleash')) as string;
  const folder = t.testdir();
  const node = async (file: string) => {
    const port = await freePort();
    const path = join(import.meta.dirname, '../../bench/faults', file);
    const command = ['env', 'NODE_OPTIONS=--disable-warning=ExperimentalWarning', process.execPath, path, String(port)];
    const program = await startProgram({ port, command, folder });
    t.teardown(program.stop);
    return program.port;
  };
  const [dynamodb, legacy, canary] = [await node('dynamodb.ts'), await node('legacy.ts'), await node('legacy.ts')];
  const [store, results] = [new MongoClient(mongo.uri), new MongoClient(kept.uri)];
  t.teardown(async () => void (await Promise.all([store.close(), results.close()])));
  await fill(store, 'things');

  const toxiproxy = await withToxiproxy(t);
  const hosts: Readonly<Record<TargetName, string>> = {
    ...{ dynamodb: `127.0.0.1:${dynamodb}`, legacy: `127.0.0.1:${legacy}`, unleash: new URL(unleash).host },
    ...{ mongodb: new URL(mongo.uri).host, results: new URL(kept.uri).host },
  };
  const ways = TARGETS.map(async (name) => [name, { name, proxy: await toxiproxy.proxy(name, hosts[name]) }] as const);
  const targets = Object.fromEntries(await Promise.all(ways)) as Bed['targets'];
  const uri = (database: string, host: string) => `mongodb://${host}/${database}?directConnection=true`;
  const at = (host: (name: TargetName) => string) => ({
    ...{
      dynamodb: `http://${host('dynamodb')}`,
      legacy: `http://${host('legacy')}`,
      unleash: `http://${host('unleash')}`,
    },
    ...{ mongodb: uri(mongo.database, host('mongodb')), results: uri(kept.database, host('results')) },
  });
  const real = at((name) => hosts[name]);
  const seen = at((name) => `127.0.0.1:${targets[name].proxy.port}`);
  const facade = await startFacade({ folder, api, collection: 'things', seen, real, deadlines });
  t.teardown(async () => {
    await facade.stop();
    const { features } = await admin('GET', FEATURES);
    const names = (features as { name: string }[]).map(({ name }) => name).filter((name) => name.startsWith(`${api}.`));
    await admin('POST', '/api/admin/projects/default/archive', { features: names });
  });
  return { facade, targets, canary: `http://127.0.0.1:${canary}`, written: () => lastWritten(results, api) };
}
