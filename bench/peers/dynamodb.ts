/** A hand-written reader of the sample API on DynamoDB: `default`, as people write it, or `tuned`. */
import { Agent } from 'node:http';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import Fastify from 'fastify';
import {
  cursorOf,
  MESSAGES_SCHEMA,
  type MessagesRoute,
  messageFromDynamoDb,
  NOT_FOUND,
  skOf,
  USER_SCHEMA,
  type UserRoute,
  userFromDynamoDb,
} from './view.ts';

const tuned = process.argv[2] === 'tuned';
const TableName = 'photos';

const client = tuned
  ? new DynamoDBClient({
      // Resolved once, and not for every call.
      region: 'eu-west-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
      ...(process.env.AWS_ENDPOINT_URL_DYNAMODB && { endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB }),
      // No request waits for a connection, and no timers but the socket's own.
      requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets: 256 }) }),
      accountIdEndpointMode: 'disabled',
      maxAttempts: 2,
    })
  : new DynamoDBClient({});
if (tuned)
  // What it tells the service about itself, and its log: the three that can go.
  for (const name of ['getUserAgentMiddleware', 'recursionDetectionMiddleware', 'loggerMiddleware'])
    if (!client.middlewareStack.remove(name)) throw new Error(`the SDK has no ${name} any more`);
const documents = DynamoDBDocumentClient.from(client);
const app = Fastify({ logger: !tuned });

app.get<UserRoute>('/users/:userId', { schema: USER_SCHEMA }, async (request, reply) => {
  const pk = `${request.headers['x-tenant-id']}#USER#${request.params.userId}`;
  const { Item } = await documents.send(new GetCommand({ TableName, Key: { pk, sk: 'PROFILE' } }));
  return Item === undefined ? reply.code(404).send(NOT_FOUND) : userFromDynamoDb(Item);
});

app.get<MessagesRoute>('/conversations/:conversationId/messages', { schema: MESSAGES_SCHEMA }, async (request) => {
  const pk = `${request.headers['x-tenant-id']}#MESSAGES#${request.params.conversationId}`;
  const { kind, limit, cursor } = request.query;
  const { Items = [], LastEvaluatedKey } = await documents.send(
    new QueryCommand({
      TableName,
      KeyConditionExpression: 'pk = :c',
      ...(kind && { FilterExpression: '#kind = :kind', ExpressionAttributeNames: { '#kind': 'kind' } }),
      ExpressionAttributeValues: { ':c': pk, ...(kind && { ':kind': kind }) },
      ScanIndexForward: false,
      Limit: limit,
      ...(cursor && { ExclusiveStartKey: { pk, sk: skOf(cursor) } }),
    }),
  );
  const messages = Items.map(messageFromDynamoDb);
  return { messages, ...(LastEvaluatedKey && { nextCursor: cursorOf(LastEvaluatedKey.sk) }) };
});

const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${JSON.stringify({ url })}\n`);
