import { Decimal128, Double, ObjectId } from 'mongodb';
import { attachmentId, messageId } from './ids.ts';

/** How MongoDB's copy is spoilt: one document taken out, put in, or changed in one attribute. */
export type Change =
  | { readonly remove: true }
  | { readonly insert: true }
  | { readonly set: string; readonly to: unknown }
  | { readonly unset: string }
  | { readonly swap: string; readonly with: unknown }
  | { readonly reverse: string };

export interface Planted {
  readonly kind: string;
  readonly operation: string;
  readonly tenant: string;
  /** The request that shows it. */
  readonly path: string;
  /** Other requests whose replies it changes too: `tenant path`. */
  readonly also: readonly string[];
  /** The document in MongoDB: its collection, its tenant as written by the seed, and what it is found by. */
  readonly where: { readonly collection: string; readonly by: string; readonly is: unknown; readonly tenant: string };
  readonly change: Change;
  /** What a client sees once MongoDB answers. */
  readonly client: string;
}

const acme = (path: string) => `acme ${path}`;
const list = (conversation: number) => `/conversations/c-${100 + conversation}/messages`;
const member = (userId: string) => ({ collection: 'members', by: 'userId', is: userId, tenant: 'acme' });
const post = (id: string) => ({ collection: 'posts', by: '_id', is: new ObjectId(id), tenant: 'acme' });
const file = (id: string, tenant: string) => ({ collection: 'files', by: '_id', is: id, tenant });

const missing = messageId(0, 3, 40);
const extra = messageId(0, 4, 999);
const dated = messageId(0, 5, 40);
const set = messageId(0, 6, 40);
const typed = { id: attachmentId(0, 7, 41, 0), message: messageId(0, 7, 41) };
const tie = { one: messageId(0, 8, 38), other: messageId(0, 8, 39) };
const foreign = { id: attachmentId(1, 9, 41, 0), message: messageId(1, 9, 41) };

/**
 * The twelve differences between the demo's two stores. DynamoDB holds the truth; the seed applies each change to what
 * it writes to MongoDB. All else renders the same bytes from both.
 */
export const PLANTED: readonly Planted[] = Object.freeze(
  (
    [
      {
        kind: 'missing',
        operation: 'getMessage',
        tenant: 'acme',
        path: `/messages/${missing}`,
        also: [acme(list(3))],
        where: post(missing),
        change: { remove: true },
        client: '404 instead of the message, and the list of c-103 is one shorter',
      },
      {
        kind: 'extra',
        operation: 'listMessages',
        tenant: 'acme',
        path: list(4),
        also: [acme(`/messages/${extra}`)],
        where: post(extra),
        change: { insert: true },
        client: 'a message at the top that was taken back long ago',
      },
      {
        kind: 'changed string',
        operation: 'getUser',
        tenant: 'acme',
        path: '/users/u-1007',
        also: [],
        where: member('u-1007'),
        change: { set: 'profile.displayName', to: 'ZOË WEBER' },
        client: 'another displayName: capitals',
      },
      {
        kind: 'number beyond 2^53 rounded',
        operation: 'getUser',
        tenant: 'acme',
        path: '/users/u-1011',
        also: [],
        where: member('u-1011'),
        change: { set: 'usage.storageBytes', to: new Double(9007199254741012) },
        client: 'storageBytes 9007199254741012 instead of 9007199254741011',
      },
      {
        kind: 'decimal scale',
        operation: 'getUser',
        tenant: 'acme',
        path: '/users/u-1013',
        also: [],
        where: member('u-1013'),
        change: { set: 'rating', to: Decimal128.fromString('4.38') },
        client: 'rating 4.38 instead of 4.375',
      },
      {
        kind: 'date cut to seconds',
        operation: 'getMessage',
        tenant: 'acme',
        path: `/messages/${dated}`,
        also: [acme(list(5))],
        where: post(dated),
        change: { set: 'sentAt', to: 'seconds' },
        client: 'createdAt ends in .000Z',
      },
      {
        kind: 'null against absent',
        operation: 'getUser',
        tenant: 'acme',
        path: '/users/u-1017',
        also: [],
        where: member('u-1017'),
        change: { unset: 'lastSeenAt' },
        client: 'no lastSeenAt instead of null',
      },
      {
        kind: 'set order',
        operation: 'getMessage',
        tenant: 'acme',
        path: `/messages/${set}`,
        also: [acme(list(6))],
        where: post(set),
        change: { reverse: 'seenBy' },
        client: 'seenBy the other way round',
      },
      {
        kind: 'type changed',
        operation: 'getAttachment',
        tenant: 'acme',
        path: `/attachments/${typed.id}`,
        also: [acme(`/messages/${typed.message}/attachments`)],
        where: file(typed.id, 'acme'),
        change: { set: 'media.bytes', to: '482113' },
        client: 'sizeBytes is a string',
      },
      {
        kind: 'wrong order on a tie',
        operation: 'listMessages',
        tenant: 'acme',
        path: list(8),
        also: [],
        where: post(tie.one),
        change: { swap: 'sk', with: new ObjectId(tie.other) },
        client: 'two messages of the same millisecond change places',
      },
      {
        kind: 'document of another tenant',
        operation: 'getAttachment',
        tenant: 'acme',
        path: `/attachments/${foreign.id}`,
        also: [`globex /attachments/${foreign.id}`, `globex /messages/${foreign.message}/attachments`],
        where: file(foreign.id, 'globex'),
        change: { set: 'tenantId', to: 'acme' },
        client: "globex's attachment instead of 404",
      },
      {
        kind: 'undecodable value',
        operation: 'getUser',
        tenant: 'acme',
        path: '/users/u-1019',
        also: [],
        where: member('u-1019'),
        change: { set: 'rating', to: new Double(Number.NaN) },
        client: 'an error instead of the user: JSON has no NaN',
      },
    ] satisfies Planted[]
  ).map((row) => Object.freeze(row)),
);
