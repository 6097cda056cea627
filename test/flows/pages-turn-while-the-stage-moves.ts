import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import t from 'tap';
import { withFacade } from '../support/facade.ts';
import { eachDynamo, withMongo } from '../support/stores.ts';

const CONTRACT = `
openapi: 3.1.0
info: { title: Rooms, version: '1' }
paths:
  /rooms/{room}/messages:
    get:
      operationId: listMessages
      parameters:
        - { name: room, in: path, required: true, schema: { type: string } }
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 50, default: 3 } }
        - { name: cursor, in: query, schema: { type: string } }
      responses:
        '200':
          description: A page, newest first
          content:
            application/json:
              schema:
                type: object
                properties:
                  messages:
                    type: array
                    items: { type: object, properties: { at: { type: integer }, id: { type: string } } }
                  nextCursor: { type: string }
`;

/** `at` repeats often; `rank` is the table's sort key: time and id in one text, zero-padded so that it orders like them. */
const bindings = (table: string) => `
const rank = ({ at, id }) => \`\${String(at).padStart(6, '0')}#\${id}\`;
export default bind({
  contract: './contract.yaml',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'the test', within: '1s' },
  operations: {
    listMessages: {
      dynamodb: ({ tenant, path, page }) => ({
        Query: {
          TableName: '${table}',
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': key\`\${tenant}#\${path.room}\` },
          ScanIndexForward: false,
          ExclusiveStartKey: page.after && { pk: key\`\${tenant}#\${path.room}\`, sk: rank(page.after) },
        },
      }),
      mongodb: ({ tenant, path, page }) => ({
        find: { collection: 'messages', filter: { tenant, room: path.room }, sort: { at: -1, id: -1 }, after: page.after },
      }),
      items: '/messages',
      page: {
        limit: ({ query }) => query.limit,
        cursor: ({ query }) => query.cursor,
        position: ['at', 'id'],
        next: '/nextCursor',
      },
    },
  },
});
`;

interface Message {
  readonly at: number;
  readonly id: string;
}

/** Both stores order text by its UTF-8 bytes. */
const newestFirst = (a: Message, b: Message) => b.at - a.at || Buffer.compare(Buffer.from(b.id), Buffer.from(a.id));

const messages = fc.uniqueArray(
  fc.record({
    at: fc.integer({ min: 0, max: 3 }),
    id: fc.string({ unit: fc.constantFrom('a', 'b', 'Z', 'é', '\uffee', '😀', '𐀀'), minLength: 1, maxLength: 4 }),
  }),
  { selector: ({ at, id }) => `${at}#${id}`, minLength: 0, maxLength: 24 },
);

const stages = fc.constantFrom('dynamodb', 'shadow', 'live', 'complete');

t.test('a client that turns pages while its tenant is moved sees every item once, in order', async (t) => {
  await eachDynamo(t, async (t, dynamo) => {
    const mongo = await withMongo(t);
    const table = `${dynamo.prefix}rooms`;
    const client = new DynamoDBClient(dynamo.config);
    const documents = DynamoDBDocumentClient.from(client);
    const mongoClient = new MongoClient(mongo.uri);
    t.teardown(async () => {
      client.destroy();
      await mongoClient.close();
    });
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
    const collection = mongoClient.db().collection('messages');
    const rank = ({ at, id }: Message) => `${String(at).padStart(6, '0')}#${id}`;
    const facade = await withFacade(t, {
      bindings: { text: bindings(table), contract: CONTRACT },
      env: { AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint, MONGODB_URI: mongo.uri },
    });

    let room = 0;
    const turned = { pages: 0, deleted: 0 };
    await fc.assert(
      fc.asyncProperty(
        messages,
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.record({ stage: stages, remove: fc.boolean() }), { minLength: 26, maxLength: 26 }),
        async (all, limit, steps) => {
          room += 1;
          const pk = `acme#${room}`;
          for (let index = 0; index < all.length; index += 25) {
            const puts = all
              .slice(index, index + 25)
              .map((one) => ({ PutRequest: { Item: { pk, sk: rank(one), ...one } } }));
            await documents.send(new BatchWriteCommand({ RequestItems: { [table]: puts } }));
          }
          if (all.length > 0)
            await collection.insertMany(all.map((one) => ({ tenant: 'acme', room: String(room), ...one })));

          const seen: Message[] = [];
          let cursor: string | undefined;
          for (const { stage, remove } of steps) {
            await facade.stages(`# ${room} ${turned.pages}\noperations: { listMessages: { stage: ${stage} } }\n`);
            const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
            const reply = await facade.get(`/rooms/${room}/messages?limit=${limit}${query}`, { 'x-tenant-id': 'acme' });
            if (reply.status !== 200) throw new Error(`${reply.status} at ${stage}: ${reply.text}`);
            seen.push(...reply.json.messages);
            turned.pages += 1;
            cursor = reply.json.nextCursor;
            if (cursor === undefined) break;
            const boundary = seen.at(-1);
            if (remove && boundary !== undefined) {
              turned.deleted += 1;
              await documents.send(new DeleteCommand({ TableName: table, Key: { pk, sk: rank(boundary) } }));
              await collection.deleteOne({ tenant: 'acme', room: String(room), ...boundary });
            }
          }
          t.same(seen, [...all].sort(newestFirst));
        },
      ),
      { numRuns: 40 },
    );
    t.ok(
      turned.pages > 25 && turned.deleted > 3,
      `turned ${turned.pages} pages, ${turned.deleted} boundary rows deleted`,
    );
  });
});
