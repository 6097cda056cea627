/** `dynamodb.ts PORT`: a DynamoDB in a process of its own, that listens once it is filled. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import dynalite from 'dynalite';
import { TABLE, THINGS_HELD } from './lanes.ts';

const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const client = new DynamoDBClient({
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  region: 'eu-west-1',
  credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  maxAttempts: 10,
});
const keys = ['pk', 'id'] as const;
await client.send(
  new CreateTableCommand({
    TableName: TABLE,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: keys.map((AttributeName, at) => ({ AttributeName, KeyType: at === 0 ? 'HASH' : 'RANGE' })),
  }),
);
const documents = DynamoDBDocumentClient.from(client);
for (let at = 0; at < THINGS_HELD.length; at += 25) {
  const batch = THINGS_HELD.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
  await documents.send(new BatchWriteCommand({ RequestItems: { [TABLE]: batch } }));
}
client.destroy();
// To close one loses what it holds: another one with the same ears.
createServer(server.listeners('request')[0] as RequestListener).listen(Number(process.argv[2]), '127.0.0.1');
