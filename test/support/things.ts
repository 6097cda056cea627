import { MongoClient } from 'mongodb';
import type { Test } from 'tap';
import { row } from './gate.ts';

/** An API of a thousand operations. */
export const OPERATIONS = 1_000;
export const TENANTS = 10_000;
const RAMPS = 5;
export const ids = Array.from({ length: OPERATIONS }, (_, at) => `getThing${at}`);

export const CONTRACT = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'Things', version: '1' },
  paths: Object.fromEntries(
    ids.map((operationId, at) => [
      `/things${at}/{id}`,
      {
        get: {
          operationId,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {
            200: {
              description: 'One',
              content: {
                'application/json': {
                  schema: { type: 'object', properties: { id: { type: 'string' }, text: { type: 'string' } } },
                },
              },
            },
          },
        },
      },
    ]),
  ),
});

export const BINDINGS = `
const operation = (at) => ({
  dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'things', Key: { pk: tenant, id: path.id } } }),
  mongodb: ({ tenant, path }) => ({ findOne: { collection: 'things', filter: { pk: tenant, id: path.id } } }),
});
export default bind({
  contract: './contract.yaml',
  name: 'things',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'the test', within: '1s' },
  operations: Object.fromEntries(Array.from({ length: ${OPERATIONS} }, (_, at) => ['getThing' + at, operation(at)])),
});
`;

export const stages = (percent: number) =>
  `operations:\n${ids
    .map((id, at) =>
      at < RAMPS
        ? `  ${id}: { stage: dynamodb, ramp: { to: shadow, percent: ${percent} } }`
        : `  ${id}: { stage: shadow, tenants: { tenant-${at}: live, tenant-${at + 1}: dynamodb } }`,
    )
    .join('\n')}\n`;

/** Known tenants, three findings and some counts of each operation, written as replicas write them. */
export async function fill(uri: string, t: Test, evidence: string): Promise<void> {
  const client = new MongoClient(uri);
  t.teardown(() => client.close());
  const db = client.db();
  const now = Date.now();
  const base = { api: 'things', evidence, source: 'traffic' } as const;
  const insert = async (name: string, rows: readonly object[]) => {
    for (let at = 0; at < rows.length; at += 5_000)
      await db.collection<object>(name).insertMany(rows.slice(at, at + 5_000));
  };
  await insert(
    'crossfade_tenants',
    Array.from({ length: TENANTS }, (_, at) => ({
      ...{ _id: `things:tenant-${at}`, api: 'things', tenant: `tenant-${at}`, last: new Date(now) },
    })),
  );
  const paths = ['/text', '/id', '/more'];
  const replicas = ['r', 's'];
  await insert(
    'crossfade_mismatches',
    ids.flatMap((operation, index) =>
      paths.flatMap((path, at) =>
        replicas.map((replica) => ({
          ...row({
            ...base,
            operation,
            path,
            replica,
            n: 3,
            persistent: at === 0 ? 2 : 0,
            transient: at === 0 ? 1 : 3,
          }),
          ...{ _id: `${replica}:${index}:${at}`, fingerprint: `f${index}-${at}`, last: new Date(now) },
          hours: Array.from({ length: 100 }, (_, hour) => ({ h: 490_000 + hour, n: 1 })),
        })),
      ),
    ),
  );
  await insert(
    'crossfade_counts',
    ids.flatMap((operation) =>
      replicas.flatMap((replica) =>
        Array.from({ length: 10 }, (_, minute) => ({
          ...{ ...base, replica, operation, minute: new Date(now - minute * 60_000), tenant: `tenant-${minute}` },
          ...{
            _id: `${replica}:${operation}:${minute}`,
            stage: 'shadow',
            pair: 'dynamodb-mongodb',
            reason: '',
            rules: [],
          },
          ...{ outcome: minute === 0 ? 'mismatch' : 'match', n: 100, persistent: 0, moving: 0, unverified: 0 },
          ...{ transient: 0, strata: [{ k: 'status:200', n: 100 }], control: [{ b: 3, n: 100 }] },
          ...{ candidate: [{ b: 4, n: 100 }], lag: [] },
        })),
      ),
    ),
  );
}
