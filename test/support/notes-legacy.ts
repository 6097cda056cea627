import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type DynamoDBDocumentClient, GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Document } from 'mongodb';
import type { Test } from 'tap';

/** What is not as it should be with this legacy service, or only with it. */
export interface LegacyOptions {
  /** An item → what is answered of it; default: as it is stored. */
  readonly answer?: (item: Document) => Document;
  /** Whom an item is refused to; default nobody. */
  readonly refuses?: (item: Document, request: IncomingMessage) => boolean;
  /** Compresses for those who take it, as a company's web server does; what it gives for a body. */
  readonly zip?: (body: Buffer, path: string) => Buffer;
}

/** Bindings that say what this service says, but for its own faults: to be given to `withNotes` as `more`. */
export const LIKE_LEGACY = `
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': undefined },
  errors: {
    notFound: () => ({ body: { error: 'no such note' } }),
    missingParameter: () => ({ body: { error: 'bad request' } }),
    invalidParameter: () => ({ body: { error: 'bad request' } }),
  },
`;

const SHOWN = ['id', 'text', 'size', 'note', 'tags', 'labels', 'at'];

/** The legacy reader of the notes, with page tokens of its own. Listens on loopback until the test ends. */
export async function startNotesLegacy(
  t: Test,
  documents: DynamoDBDocumentClient,
  TableName: string,
  { answer = (item) => item, refuses = () => false, zip }: LegacyOptions = {},
): Promise<{ readonly url: string; readonly seen: () => number }> {
  let seen = 0;
  const shown = (item: Document) =>
    Object.fromEntries(Object.entries(answer(item)).filter(([name]) => SHOWN.includes(name)));
  const say = (reply: ServerResponse, status: number, body: unknown, headers = {}) => {
    const json = Buffer.from(JSON.stringify(body));
    const zipped = reply.req.headers['accept-encoding']?.includes('gzip')
      ? zip?.(json, reply.req.url ?? '/')
      : undefined;
    const coding = zipped && { 'content-encoding': 'gzip', vary: 'Accept-Encoding' };
    reply.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers, ...coding });
    reply.end(zipped ?? json);
  };

  const one = async (pk: string, id: string, request: IncomingMessage, reply: ServerResponse) => {
    const { Item } = await documents.send(new GetCommand({ TableName, Key: { pk, id }, ConsistentRead: true }));
    if (Item === undefined) return say(reply, 404, { error: 'no such note' });
    if (refuses(Item, request)) return say(reply, 403, { error: 'not for you' });
    say(reply, 200, shown(Item), Item.version === undefined ? {} : { 'x-version': Item.version });
  };
  const list = async (pk: string, query: URLSearchParams, reply: ServerResponse) => {
    const limit = Number(query.get('limit') ?? 50);
    const shelf = query.get('shelf');
    if (!shelf || !Number.isInteger(limit) || limit < 1 || limit > 100)
      return say(reply, 400, { error: 'bad request' });
    const after = query.get('cursor');
    const { Items = [] } = await documents.send(
      new QueryCommand({
        ...{ TableName, Limit: limit + 1, ConsistentRead: true },
        KeyConditionExpression: 'pk = :pk AND begins_with(id, :shelf)',
        ExpressionAttributeValues: { ':pk': pk, ':shelf': shelf },
        ...(after && { ExclusiveStartKey: { pk, id: Buffer.from(after, 'base64url').toString() } }),
      }),
    );
    const page = Items.slice(0, limit);
    const next = Items.length > limit ? Buffer.from(page.at(-1)?.id).toString('base64url') : undefined;
    say(reply, 200, { notes: page.map(shown), ...(next && { next }) });
  };

  const server = createServer((request, reply) => {
    seen += 1;
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://legacy');
    const tenant = request.headers['x-tenant-id'];
    const work = async () => {
      if (typeof tenant !== 'string' || tenant === '') return say(reply, 400, { error: 'bad request' });
      if (pathname === '/notes') return await list(tenant, searchParams, reply);
      const id = /^\/notes\/([^/]+)$/.exec(pathname)?.[1];
      if (id === undefined) return say(reply, 404, { error: 'no such path' });
      await one(tenant, decodeURIComponent(id), request, reply);
    };
    work().catch((error: Error) => say(reply, 500, { error: error.message }));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => new Promise((done) => server.close(done).closeAllConnections()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen: () => seen };
}
