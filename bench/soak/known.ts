import { attachmentId, conversationId, messageId, userId } from '../../src/demo/ids.ts';
import { startLegacyReader } from '../../src/demo/legacy-reader.ts';
import { TENANTS } from '../../src/demo/seed.ts';

/** A question with its one right reply. */
export interface One {
  readonly kind: 'one';
  readonly tenant: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

/** A list with its items, each as it must be written, in order. */
export interface List {
  readonly kind: 'list';
  readonly tenant: string;
  /** Without limit and cursor. */
  readonly path: string;
  /** The property that holds the items. */
  readonly name: string;
  readonly items: readonly string[];
}

export type Known = One | List;

const CONVERSATIONS = 4;
const USERS = 20;

/**
 * What is true, from the data alone: the legacy service of the demo reads the same table by a way of its own, and writes its
 * JSON by hand. It knows nothing of the façade's renderer. Asked once, before anything is broken.
 */
export async function learn(endpoint: string): Promise<readonly Known[]> {
  const reader = await startLegacyReader({ endpoint });
  const ask = async (tenant: string, path: string) => {
    const reply = await fetch(reader.url + path, { headers: { 'x-tenant-id': tenant } });
    return { status: reply.status, body: await reply.text() };
  };
  try {
    const known: Known[] = [];
    for (const [index, tenant] of TENANTS.entries()) {
      for (const path of pathsOf(index)) known.push({ kind: 'one', tenant, path, ...(await ask(tenant, path)) });
      for (const [path, name] of listsOf()) {
        const items: string[] = [];
        for (let cursor: string | undefined = ''; cursor !== undefined; ) {
          const { body } = await ask(
            tenant,
            `${path}?limit=1${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
          );
          cursor = (JSON.parse(body) as { nextCursor?: string }).nextCursor;
          const end = cursor === undefined ? ']}' : `],"nextCursor":${JSON.stringify(cursor)}}`;
          const begin = `{"${name}":[`;
          if (!body.startsWith(begin) || !body.endsWith(end)) throw new Error(`the legacy service says ${body}`);
          const item = body.slice(begin.length, body.length - end.length);
          if (item !== '') items.push(item);
        }
        known.push({ kind: 'list', tenant, path, name, items });
      }
    }
    return known;
  } finally {
    await reader.stop();
  }
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at + 1);

const pathsOf = (tenant: number): readonly string[] => [
  ...range(USERS).map((number) => `/users/${userId(number)}`),
  ...range(CONVERSATIONS).map((number) => `/conversations/${conversationId(number)}`),
  ...range(CONVERSATIONS).flatMap((number) => [
    `/messages/${messageId(tenant, number, 0)}`,
    `/messages/${messageId(tenant, number, 3)}`,
    `/messages/${messageId(tenant, number, 3)}/attachments`,
    `/attachments/${attachmentId(tenant, number, 3, 0)}`,
  ]),
  // Another tenant's, and nobody's.
  ...[`/messages/${messageId(1 - tenant, 1, 0)}`, '/users/u-0', '/conversations/c-0', '/attachments/a-0'],
];

const listsOf = (): readonly (readonly [path: string, name: string])[] => [
  ['/conversations', 'conversations'],
  ...range(CONVERSATIONS).map((number) => [`/conversations/${conversationId(number)}/messages`, 'messages'] as const),
];

/** Whether a page is the right one, byte for byte; how it goes on is the façade's own. */
export function isPage(
  list: List,
  from: number,
  limit: number,
  body: string,
): { readonly right: boolean; readonly next?: string } {
  const until = Math.min(from + limit, list.items.length);
  const begin = `{"${list.name}":[${list.items.slice(from, until).join(',')}]`;
  if (!body.startsWith(begin)) return { right: false };
  const rest = body.slice(begin.length);
  if (until === list.items.length) return { right: rest === '}' };
  const [, next] = /^,"nextCursor":"([A-Za-z0-9_.~+/=-]+)"\}$/.exec(rest) ?? [];
  return next === undefined ? { right: false } : { right: true, next };
}
