import { createHash, randomBytes } from 'node:crypto';
import {
  BatchGetCommand,
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { attachmentJson, conversationJson, messageJson, type Row, userJson } from './legacy-json.ts';
import { demoDynamoDb } from './stores.ts';
import { announceWrites, type OnWrite } from './sync.ts';

/**
 * The service that the façade takes over from, as a company would have it: routes, DynamoDB and JSON in one file,
 * written by hand, years ago. It knows nothing of the façade.
 */

const TableName = 'photos';

class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly parameter: string | undefined;

  constructor(status: number, code: string, message: string, parameter?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.parameter = parameter;
  }
}

const notFound = () => new Refusal(404, 'NOT_FOUND', 'There is no such thing');
const bad = (parameter?: string) => new Refusal(400, 'BAD_REQUEST', 'A parameter is not as documented', parameter);

export interface LegacyReaderOptions {
  readonly endpoint: string;
  /** Called after each write that succeeded, as a stream of the table would tell it. */
  readonly onWrite?: OnWrite;
  /** Called with each request's line of an access log, in the combined format. */
  readonly onLine?: (line: string) => void;
  /** Default: a free port of the loopback interface. */
  readonly listen?: { readonly host: string; readonly port: number };
}

/** Listens and reads and writes the table at `endpoint`. */
export async function startLegacyReader({
  endpoint,
  onWrite,
  onLine,
  listen = { host: '127.0.0.1', port: 0 },
}: LegacyReaderOptions): Promise<{ url: string; stop(): Promise<void> }> {
  const client = demoDynamoDb(endpoint);
  if (onWrite) announceWrites(client, onWrite);
  const db = DynamoDBDocumentClient.from(client, {
    unmarshallOptions: {
      wrapNumbers: (text) => (/^-?\d{16,}$/.test(text) ? BigInt(text) : Number(text)),
    },
  });
  const app = Fastify({ forceCloseConnections: true, bodyLimit: 8 * 1024 * 1024 });
  app.setErrorHandler(fail);
  if (onLine !== undefined) app.addHook('onResponse', async (request, reply) => onLine(combinedLine(request, reply)));
  app.setNotFoundHandler(() => {
    throw notFound();
  });
  app.addContentTypeParser(/^image\//, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  users(app, db);
  conversations(app, db);
  messages(app, db);
  attachments(app, db);
  const url = await app.listen(listen);
  return {
    url,
    async stop() {
      await app.close();
      client.destroy();
    },
  };
}

/** As Apache and nginx write it by default. */
function combinedLine({ ip, method, url, headers, raw }: FastifyRequest, reply: FastifyReply): string {
  return `${ip} - - [${logTime(new Date())}] "${method} ${quoted(url)} HTTP/${raw.httpVersion}" ${reply.statusCode} ${reply.getHeader('content-length') ?? '-'} "-" "${quoted(headers['user-agent'] ?? '-')}"`;
}

/** `21/Nov/2026:16:30:00 +0000` */
function logTime(at: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(at.toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}

const quoted = (text: string): string =>
  text.replace(/["\\\p{Cc}]/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);

function users(app: FastifyInstance, db: DynamoDBDocumentClient) {
  app.get('/users/:userId', async (request, reply) => {
    const tenant = tenantOf(request);
    const Key = { pk: `${tenant}#USER#${param(request, 'userId')}`, sk: 'PROFILE' };
    const { Item } = await db.send(new GetCommand({ TableName, Key }));
    if (!Item) throw notFound();
    return json(reply, userJson(Item));
  });

  app.put('/users/:userId', async (request, reply) => {
    const tenant = tenantOf(request);
    const id = param(request, 'userId');
    const { displayName, email } = fields(request.body, { displayName: 100, email: 200 });
    if ((email as string).length < 3) throw bad();
    const { Attributes } = await db.send(
      new UpdateCommand({
        TableName,
        Key: { pk: `${tenant}#USER#${id}`, sk: 'PROFILE' },
        UpdateExpression:
          'SET user_id = :id, display_name = :name, email = :email, storage_bytes = if_not_exists(storage_bytes, :zero), ' +
          'created_at = if_not_exists(created_at, :now)',
        ExpressionAttributeValues: { ':id': id, ':name': displayName, ':email': email, ':zero': 0, ':now': Date.now() },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return json(reply, userJson(Attributes as Row));
  });
}

function conversations(app: FastifyInstance, db: DynamoDBDocumentClient) {
  app.get('/conversations', async (request, reply) => {
    const pk = `${tenantOf(request)}#CONVERSATIONS`;
    const input = {
      IndexName: 'gsi1',
      KeyConditionExpression: 'gsi1pk = :pk',
      ExpressionAttributeValues: { ':pk': pk },
    };
    const page = await readPage(db, request, input, { gsi1pk: pk }, ['gsi1pk', 'gsi1sk', 'pk', 'sk']);
    return json(reply, { conversations: page.items.map(conversationJson), nextCursor: page.nextCursor });
  });

  app.get('/conversations/:conversationId', async (request, reply) => {
    const tenant = tenantOf(request);
    return json(reply, conversationJson(await findConversation(db, tenant, param(request, 'conversationId'))));
  });
}

async function findConversation(db: DynamoDBDocumentClient, tenant: string, id: string): Promise<Row> {
  const Key = { pk: `${tenant}#CONVERSATION#${id}`, sk: 'ABOUT' };
  const { Item } = await db.send(new GetCommand({ TableName, Key }));
  if (!Item) throw notFound();
  return Item;
}

function messages(app: FastifyInstance, db: DynamoDBDocumentClient) {
  app.get('/conversations/:conversationId/messages', async (request, reply) => {
    const tenant = tenantOf(request);
    const id = idOrNothing(param(request, 'conversationId', { plain: false }));
    const { kind } = request.query as Row;
    if (kind && !['text', 'photo', 'system'].includes(kind)) throw bad('kind');
    const pk = `${tenant}#MESSAGES#${id}`;
    const input = {
      KeyConditionExpression: 'pk = :pk',
      ...(kind && { FilterExpression: '#kind = :kind', ExpressionAttributeNames: { '#kind': 'kind' } }),
      ExpressionAttributeValues: { ':pk': pk, ...(kind && { ':kind': kind }) },
    };
    const page = await readPage(db, request, input, { pk }, ['pk', 'sk']);
    return json(reply, { messages: page.items.map(messageJson), nextCursor: page.nextCursor });
  });

  app.post('/conversations/:conversationId/messages', async (request, reply) => {
    const tenant = tenantOf(request);
    const conversation = param(request, 'conversationId');
    const { senderId, text } = fields(request.body, { senderId: 64, text: 4000 });
    const { pk } = await findConversation(db, tenant, conversation);
    const id = randomBytes(12).toString('hex');
    const now = Date.now();
    const Item = {
      pk: `${tenant}#MESSAGES#${conversation}`,
      sk: `${now}#${id}`,
      gsi1pk: `${tenant}#MESSAGE#${id}`,
      gsi1sk: 'ABOUT',
      message_id: id,
      conversation_id: conversation,
      sender_id: senderId,
      kind: 'text',
      text,
      created_at: now,
    };
    await db.send(new PutCommand({ TableName, Item }));
    await db.send(
      new UpdateCommand({
        TableName,
        Key: { pk, sk: 'ABOUT' },
        UpdateExpression: 'SET last_message_at = :now, gsi1sk = :sort ADD message_count :one',
        ExpressionAttributeValues: { ':now': now, ':sort': `${now}#${conversation}`, ':one': 1 },
      }),
    );
    return json(reply.code(201), messageJson(Item));
  });

  app.get('/messages/:messageId', async (request, reply) => {
    const message = await findMessage(db, tenantOf(request), hexParam(request));
    if (!message) throw notFound();
    return json(reply, messageJson(message));
  });

  app.delete('/messages/:messageId', async (request, reply) => {
    const message = await findMessage(db, tenantOf(request), hexParam(request));
    if (!message) throw notFound();
    await db.send(new DeleteCommand({ TableName, Key: { pk: message.pk, sk: message.sk } }));
    return reply.code(204).send();
  });
}

async function findMessage(db: DynamoDBDocumentClient, tenant: string, id: string): Promise<Row | undefined> {
  const { Items } = await db.send(
    new QueryCommand({
      TableName,
      IndexName: 'gsi1',
      KeyConditionExpression: 'gsi1pk = :pk',
      ExpressionAttributeValues: { ':pk': `${tenant}#MESSAGE#${id}` },
    }),
  );
  return Items?.[0];
}

function attachments(app: FastifyInstance, db: DynamoDBDocumentClient) {
  app.get('/messages/:messageId/attachments', async (request, reply) => {
    const tenant = tenantOf(request);
    const message = await findMessage(db, tenant, hexParam(request));
    const ids: string[] = [...(message?.attachment_ids ?? [])].sort();
    if (ids.length === 0) return json(reply, { attachments: [] });
    const Keys = ids.map((id) => ({ pk: `${tenant}#ATTACHMENT#${id}`, sk: 'ABOUT' }));
    const { Responses } = await db.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }));
    const found = new Map((Responses?.[TableName] ?? []).map((item) => [item.attachment_id, item]));
    return json(reply, { attachments: ids.flatMap((id) => found.get(id) ?? []).map(attachmentJson) });
  });

  app.post('/messages/:messageId/attachments', async (request, reply) => {
    const tenant = tenantOf(request);
    const type = request.headers['content-type'] ?? '';
    if (!['image/jpeg', 'image/png'].includes(type)) {
      throw new Refusal(415, 'UNSUPPORTED_TYPE', 'Photos are image/jpeg or image/png');
    }
    if (!Buffer.isBuffer(request.body) || request.body.length === 0) throw bad();
    const message = await findMessage(db, tenant, hexParam(request));
    if (!message) throw notFound();
    const id = `a-${randomBytes(10).toString('hex')}`;
    const { fileName = 'photo' } = request.query as Row;
    if (typeof fileName !== 'string' || fileName.length === 0 || fileName.length > 200) throw bad('fileName');
    const Item = {
      pk: `${tenant}#ATTACHMENT#${id}`,
      sk: 'ABOUT',
      attachment_id: id,
      message_id: message.message_id,
      file_name: fileName,
      content_type: type,
      size_bytes: request.body.length,
      sha256: createHash('sha256').update(request.body).digest(),
      created_at: Date.now(),
    };
    await db.send(new PutCommand({ TableName, Item }));
    await db.send(
      new UpdateCommand({
        TableName,
        Key: { pk: message.pk, sk: message.sk },
        UpdateExpression: 'ADD attachment_ids :ids',
        ExpressionAttributeValues: { ':ids': new Set([id]) },
      }),
    );
    return json(reply.code(201), attachmentJson(Item));
  });

  app.get('/attachments/:attachmentId', async (request, reply) => {
    const Key = { pk: `${tenantOf(request)}#ATTACHMENT#${param(request, 'attachmentId')}`, sk: 'ABOUT' };
    const { Item } = await db.send(new GetCommand({ TableName, Key }));
    if (!Item) throw notFound();
    return json(reply, attachmentJson(Item));
  });
}

/** Newest first; one more than the page is read, so that the last page has no cursor. */
async function readPage(db: DynamoDBDocumentClient, request: FastifyRequest, input: Row, own: Row, keys: string[]) {
  const { limit, cursor } = request.query as Row;
  const size = limit === undefined || limit === '' ? 20 : Number(limit);
  if (Array.isArray(limit) || !Number.isInteger(size) || size < 1 || size > 100) throw bad('limit');
  const items: Row[] = [];
  let start = cursor ? openCursor(cursor, own, keys) : undefined;
  do {
    const more: { Items?: Row[]; LastEvaluatedKey?: Row } = await db.send(
      new QueryCommand({
        TableName,
        ...input,
        ScanIndexForward: false,
        Limit: size + 1,
        ExclusiveStartKey: start,
      }),
    );
    items.push(...(more.Items ?? []));
    start = more.LastEvaluatedKey;
  } while (start && items.length <= size);
  const page = items.slice(0, size);
  const last = page.at(-1);
  if (items.length <= size || !last) return { items: page, nextCursor: undefined };
  const lastEvaluatedKey = Object.fromEntries(keys.map((name) => [name, last[name]]));
  return { items: page, nextCursor: Buffer.from(JSON.stringify(lastEvaluatedKey)).toString('base64') };
}

/** A cursor is base64 of LastEvaluatedKey; only one of the same list is taken. */
function openCursor(cursor: unknown, own: Row, keys: string[]): Row {
  try {
    const key = JSON.parse(Buffer.from(String(cursor), 'base64').toString());
    const whole =
      keys.length === Object.keys(key).length && keys.every((name) => typeof key[name] === 'string' && key[name]);
    if (whole && Object.entries(own).every(([name, value]) => key[name] === value)) return key;
  } catch {
    // not one of ours
  }
  throw bad('cursor');
}

const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Bigints as the numbers they are. */
function json(reply: FastifyReply, body: unknown) {
  const text = JSON.stringify(body, (_key, value) => (typeof value === 'bigint' ? rawJSON(String(value)) : value));
  return reply.type('application/json').send(text);
}

function tenantOf(request: FastifyRequest): string {
  const tenant = request.headers['x-tenant-id'];
  if (!tenant) throw new Refusal(400, 'BAD_REQUEST', 'A parameter is missing', 'X-Tenant-Id');
  if (typeof tenant !== 'string' || tenant.length > 64 || tenant.includes('#')) throw bad('X-Tenant-Id');
  return tenant;
}

/** An id from the path. One with the separator of the table's keys cannot exist. */
function param(request: FastifyRequest, name: string, { plain = true } = {}): string {
  const value: string = (request.params as Row)[name];
  if (value.length === 0 || [...value].length > 64) throw bad(name);
  if (plain && value.includes('#')) throw notFound();
  return value;
}

function idOrNothing(id: string): string {
  return id.includes('#') ? '-' : id;
}

function hexParam(request: FastifyRequest): string {
  const id: string = (request.params as Row).messageId;
  if (!/^[0-9a-f]{24}$/.test(id)) throw bad('messageId');
  return id;
}

/** The body's fields, each a string of 1 to so many characters, and no others. */
function fields(body: unknown, longest: Record<string, number>): Row {
  const row = body as Row;
  const names = Object.keys(longest);
  const given = typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.keys(body) : [];
  const right =
    given.length === names.length && names.every((name) => typeof row[name] === 'string' && row[name] !== '');
  if (!right || names.some((name) => [...row[name]].length > (longest[name] ?? 0))) {
    throw new Refusal(400, 'BAD_REQUEST', 'The body is not as documented');
  }
  return row;
}

/** What Fastify refuses by itself, in this API's words. */
const REFUSED: Readonly<Record<number, readonly [code: string, message: string]>> = {
  400: ['BAD_REQUEST', 'The body is not as documented'],
  413: ['TOO_LARGE', 'The body is too large'],
  415: ['UNSUPPORTED_TYPE', 'The media type is not one of those documented'],
};

function fail(error: Error & { statusCode?: number }, _request: FastifyRequest, reply: FastifyReply) {
  if (error instanceof Refusal) {
    const { status, code, message, parameter } = error;
    return json(reply.code(status), { error: { code, message, parameter } });
  }
  const status = error.statusCode ?? 500;
  const [code, message] = REFUSED[status] ?? ['INTERNAL', 'Something went wrong here'];
  return json(reply.code(status), { error: { code, message } });
}
