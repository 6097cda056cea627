import { join } from 'node:path';
import type { Test } from 'tap';
import type { CursorContent } from '../../src/bindings/cursor.ts';
import { type Bindings, type BoundOperation, loadBindings } from '../../src/bindings/load.ts';
import type { ErrorRequest } from '../../src/model/binding.ts';
import type { StoreName } from '../../src/model/stage.ts';
import type { Question } from '../../src/request/answer.ts';
import { ask } from '../../src/request/ask.ts';
import { NO_CLAIMS } from '../../src/request/auth.ts';
import { question } from '../../src/request/handle.ts';
import { imports } from './facade.ts';

/** An API whose one item, list and read by POST say what they were asked, and do whatever the path says. */
const CONTRACT = `
openapi: 3.1.0
info: { title: Kinds, version: '1' }
paths:
  /kinds/{how}:
    get:
      operationId: getKind
      parameters:
        - { name: how, in: path, required: true, schema: { type: string } }
        - { name: n, in: query, schema: { type: integer } }
        - { name: tag, in: query, schema: { type: array, items: { type: string } } }
        - { name: X-Mark, in: header, schema: { type: string } }
      responses: { '200': { description: One, content: { application/json: { schema: { $ref: '#/components/schemas/Kind' } } } } }
  /kinds:
    get:
      operationId: listKinds
      parameters:
        - { name: limit, in: query, schema: { type: integer, default: 2 } }
        - { name: cursor, in: query, schema: { type: string } }
      responses:
        '200':
          description: Many
          content:
            application/json:
              schema:
                type: object
                properties:
                  kinds: { type: array, items: { $ref: '#/components/schemas/Kind' } }
                  next: { type: string }
  /search:
    post:
      operationId: searchKinds
      requestBody: { content: { application/json: { schema: { type: object, additionalProperties: true } } } }
      responses: { '200': { description: One, content: { application/json: { schema: { $ref: '#/components/schemas/Kind' } } } } }
components:
  schemas:
    Kind:
      type: object
      properties:
        id: { type: string }
        text: { type: string }
        size: { type: number }
        asked: { type: string }
`;

const BINDINGS = `
const never = new Promise(() => {});
const heap = [];
// What a binding does to the thread that it runs in.
const deeds = {
  'throws': () => { throw new TypeError('a binding that throws'); },
  'throws-later': () => { setTimeout(() => { throw new Error('thrown later'); }, 1); return never; },
  'exits': () => process.exit(3),
  'rejects-later': () => { Promise.reject(new Error('rejected, and nobody looks')); return never; },
  'eats-memory': () => { for (;;) heap.push(Array.from({ length: 100_000 }, (_, at) => ({ at }))); },
  'hangs': () => { for (;;); },
  'waits': () => never,
};
export default bind({
  contract: './contract.yaml',
  name: 'kinds',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'the test', within: '1s' },
  cors: { origins: ['https://a.example'], credentials: true },
  errors: { notFound: ({ request, message }) => ({ headers: { 'x-kind': 'none' }, body: { message, request } }) },
  shapes: { Kind: { '/asked': (item, { request }) => JSON.stringify(request) } },
  operations: {
    getKind: {
      dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: 'kinds', Key: { pk: tenant, id: path.how } } }),
      mongodb: ({ tenant, path }) => {
        if (deeds[path.how] !== undefined) return deeds[path.how]();
        if (path.how === 'refused') return { findOne: { collection: 'kinds', filter: { $nonsense: 1, pk: tenant } } };
        return { findOne: { collection: 'kinds', filter: { pk: tenant, id: path.how } } };
      },
      headers: (request, { item }) => (item?.mark === undefined ? {} : { 'x-mark': item.mark }),
      allow: (request, item) => (item?.secret === true ? 'forbidden' : true),
    },
    listKinds: {
      dynamodb: ({ tenant, page }) => ({
        Query: {
          TableName: 'kinds',
          KeyConditionExpression: 'pk = :pk',
          ExpressionAttributeValues: { ':pk': tenant },
          ExclusiveStartKey: page.after && { pk: tenant, id: page.after.id },
        },
      }),
      mongodb: ({ tenant, page }) => ({ find: { collection: 'kinds', filter: { pk: tenant }, sort: { id: 1 }, after: page.after } }),
      items: '/kinds',
      maxItems: 20,
      page: {
        limit: ({ query }) => query.limit,
        cursor: ({ query }) => query.cursor,
        position: ['id'],
        next: '/next',
      },
    },
    searchKinds: {
      kind: 'read',
      mongodb: ({ tenant, body, claims }) => ({
        findOne: { collection: 'kinds', filter: { pk: tenant, id: body?.id ?? claims.sub ?? 'plain' } },
      }),
    },
  },
});
`;

/** Written where the test is, and loaded. */
export async function withKinds(t: Test, edit: (text: string) => string = (text) => text) {
  const folder = t.testdir({ 'contract.yaml': CONTRACT, 'kinds.bindings.ts': edit(`${imports()}\n${BINDINGS}`) });
  const violations = new Map<string, number>();
  const bindings = await loadBindings(join(folder, 'kinds.bindings.ts'), {
    legacy: false,
    onViolation: (operation, origin) =>
      violations.set(`${operation} ${origin}`, (violations.get(`${operation} ${origin}`) ?? 0) + 1),
  });
  return { bindings, violations };
}

/** A request, and whom it is put to. */
export interface Case {
  readonly of: string;
  readonly store?: StoreName;
  readonly consistent?: boolean;
  readonly method?: string;
  readonly url: string;
  readonly tenant?: string;
  readonly headers?: ErrorRequest['headers'];
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly cursor?: CursorContent;
}

/** The question of a case, and what its errors may know, as the line makes them. */
export function questionOf(
  { operations }: Bindings,
  { url, method = 'GET', tenant = 'acme', headers: sent = {}, claims, body, cursor }: Case,
): { readonly question: Question; readonly error: () => ErrorRequest } {
  const id = method === 'POST' ? 'searchKinds' : /^\/kinds\//.test(url) ? 'getKind' : 'listKinds';
  const operation = operations.find((one) => one.id === id) as BoundOperation;
  const headers = Object.freeze({ ...sent, 'x-tenant-id': tenant });
  const asked = ask(operation, { url, headers, rawHeaders: [] });
  asked.body = body;
  const made = question(operation, asked, { tenant, cursor }, claims ?? NO_CLAIMS);
  const { path, query } = made.request;
  return {
    question: made,
    error: () => Object.freeze({ operation: id, method, url, tenant, headers, path, query }),
  };
}
