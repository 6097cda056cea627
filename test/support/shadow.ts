import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type Db, type Document, MongoClient } from 'mongodb';
import type { Test } from 'tap';
import { loadBindings } from '../../src/bindings/load.ts';
import { openResults } from '../../src/drivers/results.ts';
import { reported } from '../../src/report/reported.ts';
import { type Summary, summarize } from '../../src/report/summary.ts';
import { readResults } from '../../src/results/reader.ts';
import type { ReplicaRow } from '../../src/results/rows.ts';
import { type Facade, withFacade } from './facade.ts';
import { withDynamo, withMongo } from './stores.ts';

export const CONTRACT = `
openapi: 3.1.0
info: { title: Notes, version: '1' }
paths:
  /notes/{id}:
    get:
      operationId: getNote
      parameters:
        - { name: id, in: path, required: true, schema: { type: string } }
        - { name: lang, in: query, schema: { type: string } }
      responses:
        '200':
          description: One
          headers: { X-Version: { schema: { type: string } } }
          content: { application/json: { schema: { $ref: '#/components/schemas/Note' } } }
        '404': { description: None }
  /notes:
    get:
      operationId: listNotes
      parameters:
        - { name: shelf, in: query, required: true, schema: { type: string } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 100, default: 50 } }
        - { name: cursor, in: query, schema: { type: string } }
      responses:
        '200':
          description: A page
          content:
            application/json:
              schema:
                type: object
                properties:
                  notes: { type: array, items: { $ref: '#/components/schemas/Note' } }
                  next: { type: string }
components:
  schemas:
    Note:
      type: object
      required: [id]
      properties:
        id: { type: string }
        text: { type: string }
        size: { type: number }
        note: { type: [string, 'null'] }
        tags: { type: array, items: { type: string } }
        labels: { type: object, additionalProperties: { type: string } }
        at: { type: string, format: date-time }
`;

/** Bindings for a table and a collection that hold the same documents. `more` goes into the module's object. */
const bindings = (name: string, table: string, more: string, noteMore: string, within: string) => `
export default bind({
  contract: './contract.yaml',
  name: '${name}',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'the test', within: '${within}' },
  ${more}
  operations: {
    getNote: {
      dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: '${table}', Key: { pk: tenant, id: path.id } } }),
      mongodb: ({ tenant, path }) => ({ findOne: { collection: 'notes', filter: { pk: tenant, id: path.id } } }),
      headers: (request, { item }) => ({ 'x-version': item?.version }),
      ${noteMore}
    },
    listNotes: {
      dynamodb: ({ tenant, query, page }) => ({
        Query: {
          TableName: '${table}',
          KeyConditionExpression: 'pk = :pk AND begins_with(id, :shelf)',
          ExpressionAttributeValues: { ':pk': tenant, ':shelf': query.shelf },
          ExclusiveStartKey: page.after && { pk: tenant, id: page.after.id },
        },
      }),
      mongodb: ({ tenant, query, page }) => ({
        find: {
          collection: 'notes',
          filter: { pk: tenant, id: { $gte: query.shelf, $lt: query.shelf + '\\uffff' } },
          sort: { id: 1 },
          after: page.after,
        },
      }),
      items: '/notes',
      key: '/id',
      page: {
        limit: ({ query }) => query.limit,
        cursor: ({ query }) => query.cursor,
        position: ['id'],
        next: '/next',
      },
    },
  },
});
`;

/** Who asks the candidates. */
export const THREADS = ['on', 'off'] as const;

export interface Notes {
  readonly facade: Facade;
  readonly table: string;
  readonly documents: DynamoDBDocumentClient;
  readonly db: Db;
  /** Writes to both stores. */
  readonly put: (notes: readonly Document[]) => Promise<void>;
  readonly putDynamo: (notes: readonly Document[]) => Promise<void>;
  readonly deleteDynamo: (id: string) => Promise<void>;
  readonly env: Readonly<Record<string, string>>;
  /** Waits until every plan is accounted for and written, and reads the results. */
  readonly settled: () => Promise<{ readonly summary: Summary; readonly totals: ReplicaRow['totals'] }>;
}

export interface NotesOptions {
  /** Of the API; default `notes`. */
  readonly name?: string;
  readonly stage?: string;
  readonly dynamo?: 'dynalite' | 'local';
  readonly more?: string;
  readonly noteMore?: string;
  /** How far MongoDB is declared to be behind at most; default 200ms. */
  readonly within?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Changes the bindings' text. */
  readonly edit?: (text: string) => string;
  /** The legacy service in front of the table: gives its URL. */
  readonly legacy?: (documents: DynamoDBDocumentClient, table: string) => Promise<string>;
  /** Another way to MongoDB for the façade, such as a proxy. */
  readonly throughMongo?: (uri: string) => Promise<string>;
  /** The same to DynamoDB. */
  readonly throughDynamo?: (endpoint: string) => Promise<string>;
}

export const note = (id: string, more: Document = {}): Document => ({
  ...{ pk: 'acme', id, text: `Text of ${id}`, size: 12.5, note: null, tags: ['a', 'b', 'c'], labels: { x: 'y' } },
  ...{ at: '2026-01-05T08:00:00.123Z', version: '1', ...more },
});

export interface NotesStores extends Omit<Notes, 'facade' | 'settled'> {
  /** Of the database, past every proxy. */
  readonly uri: string;
  /** The module without its imports. */
  readonly bindings: string;
  readonly stages: string;
}

/** dynalite and MongoDB with room for the same notes in both, and what a façade over them needs. */
export async function withNotesStores(t: Test, options: NotesOptions = {}): Promise<NotesStores> {
  const { stage = 'shadow', name = 'notes', more = '', noteMore = '', within = '200ms' } = options;
  const [mongo, dynamo] = [await withMongo(t), await withDynamo(t, options.dynamo ?? 'dynalite')];
  if (dynamo === undefined) throw new Error('DynamoDB Local is not there');
  const table = `${dynamo.prefix}notes`;
  const client = new DynamoDBClient({ ...dynamo.config, maxAttempts: 10 });
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'id'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'id', KeyType: 'RANGE' },
      ],
    }),
  );
  const documents = DynamoDBDocumentClient.from(client);
  const mongoClient = new MongoClient(mongo.uri);
  const db = mongoClient.db();
  await db.collection('notes').createIndex({ pk: 1, id: 1 }, { unique: true });
  t.teardown(async () => {
    client.destroy();
    await mongoClient.close();
  });
  const env = {
    AWS_REGION: dynamo.config.region,
    AWS_ENDPOINT_URL_DYNAMODB: (await options.throughDynamo?.(dynamo.endpoint)) ?? dynamo.endpoint,
    MONGODB_URI: (await options.throughMongo?.(mongo.uri)) ?? mongo.uri,
    RESULTS_URI: mongo.uri,
    // The machine of a test is busy with others; what is shed by that is tested by itself.
    SHADOW_EVENT_LOOP_MS: '5000',
    SHADOW_BUSY_PERCENT: '100',
    ...(options.legacy === undefined ? {} : { LEGACY_URL: await options.legacy(documents, table) }),
    ...options.env,
  };
  const { edit = (text: string) => text } = options;
  const putDynamo = async (notes: readonly Document[]): Promise<void> => {
    for (let at = 0; at < notes.length; at += 25) {
      const batch = notes.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
      await documents.send(new BatchWriteCommand({ RequestItems: { [table]: batch } }));
    }
  };
  const put = async (notes: readonly Document[]): Promise<void> => {
    await putDynamo(notes);
    await db.collection('notes').insertMany(notes.map((one) => ({ ...one })));
  };
  return {
    ...{ table, documents, db, put, env, uri: mongo.uri },
    putDynamo,
    deleteDynamo: async (id) =>
      void (await documents.send(new DeleteCommand({ TableName: table, Key: { pk: 'acme', id } }))),
    bindings: edit(bindings(name, table, more, noteMore, within)),
    stages: `operations: { getNote: { stage: ${stage} }, listNotes: { stage: ${stage} } }\n`,
  };
}

/** A façade over dynalite and MongoDB with the same notes in both, its operations at `shadow`. */
export async function withNotes(t: Test, options: NotesOptions = {}): Promise<Notes> {
  const { uri, bindings: text, stages, ...stores } = await withNotesStores(t, options);
  const facade = await withFacade(t, { bindings: { text, contract: CONTRACT }, env: stores.env, stages });
  return { ...stores, facade, settled: () => settledResults(uri, facade.app.bindings.file) };
}

/** Polls the heartbeat until nothing is pending any more, then summarizes what is written. */
export async function settledResults(uri: string, file: string) {
  const store = openResults({ uri });
  try {
    const bindings = await loadBindings(file, { legacy: false });
    const operations = bindings.operations.map((one) => reported(bindings, one));
    const deadline = Date.now() + 30_000;
    // A heartbeat may be older than the last requests: what it says must hold for a while.
    let since = { text: '', at: 0 };
    for (;;) {
      const replicas = await store.find<ReplicaRow>('crossfade_replicas', {});
      const [replica] = replicas;
      const totals = replica?.totals;
      const results = replica && (await readResults(store, { api: bindings.name, evidence: replica.evidence }));
      const counted = results?.counts.reduce((sum, { n }) => sum + n, 0);
      const text = JSON.stringify([totals, counted]);
      if (text !== since.text) since = { text, at: Date.now() };
      const steady = Date.now() - since.at > 1_800;
      if (steady && totals !== undefined && totals.pending === 0 && totals.offered > 0 && counted === totals.offered) {
        const { evidence } = replica as ReplicaRow;
        const summary = summarize({
          api: bindings.name,
          evidence,
          operations,
          results: results as never,
          now: Date.now(),
        });
        return { summary, totals };
      }
      if (Date.now() > deadline) throw new Error(`not settled: ${JSON.stringify({ totals, counted })}`);
      await new Promise((done) => setTimeout(done, 100));
    }
  } finally {
    await store.close();
  }
}
