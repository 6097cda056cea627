/** A hand-written reader of the sample API on the MongoDB driver. */
import Fastify from 'fastify';
import { MongoClient } from 'mongodb';
import {
  cursorOf,
  MESSAGES_SCHEMA,
  type MessagesRoute,
  messageFromMongoDb,
  NOT_FOUND,
  skOf,
  USER_SCHEMA,
  type UserRoute,
  userFromMongoDb,
} from './view.ts';

const client = await MongoClient.connect(process.env.MONGODB_URI as string, { maxPoolSize: 100 });
const members = client.db().collection('members');
const posts = client.db().collection('posts');
const app = Fastify({ logger: false });

app.get<UserRoute>('/users/:userId', { schema: USER_SCHEMA }, async (request, reply) => {
  const { userId } = request.params;
  const found = await members.findOne({ tenantId: request.headers['x-tenant-id'], userId });
  return found === null ? reply.code(404).send(NOT_FOUND) : userFromMongoDb(found);
});

app.get<MessagesRoute>('/conversations/:conversationId/messages', { schema: MESSAGES_SCHEMA }, async (request) => {
  const { kind, limit, cursor } = request.query;
  const filter = {
    tenantId: request.headers['x-tenant-id'],
    roomRef: request.params.conversationId,
    ...(kind && { kind }),
    ...(cursor && { sk: { $lt: skOf(cursor) } }),
  };
  const found = await posts
    .find(filter)
    .sort({ sk: -1 })
    .limit(limit + 1)
    .toArray();
  const messages = found.slice(0, limit).map(messageFromMongoDb);
  const last = found.length > limit ? (found[limit - 1]?.sk as string) : undefined;
  return { messages, ...(last && { nextCursor: cursorOf(last) }) };
});

const url = await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${JSON.stringify({ url })}\n`);
