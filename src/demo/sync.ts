import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { Binary, type Document, Long, MongoClient, ObjectId } from 'mongodb';
import { demoDynamoDb } from './stores.ts';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}

/** That an item was written or deleted; not what it is now. */
export interface Write {
  readonly tableName: string;
  readonly key: Key;
}

export type OnWrite = (write: Write) => void;

/** Where MongoDB keeps an item. */
export interface Place {
  readonly collection: string;
  readonly filter: Document;
}

export interface SyncOptions {
  readonly endpoint: string;
  /** With the database's name. */
  readonly mongodbUri: string;
  /** Milliseconds from a write to its copy, asked anew for each; default 80 to 150. */
  readonly delay?: () => number;
}

export interface Sync {
  /** Tells of a write that DynamoDB has accepted. Returns at once and never throws. */
  readonly onWrite: OnWrite;
  /** Resolves when MongoDB holds all that was told. */
  settled(): Promise<void>;
  /** Copies what is still to be copied, once and without delay, and lets go of both stores. */
  stop(): Promise<void>;
}

const RETRY_AFTER = 500;

/**
 * Carries writes from DynamoDB to MongoDB some 100 ms later, as a sink connector would. A key is copied by one at a
 * time, each time as it is then, so that no older state comes after a newer one. What fails is tried again until `stop`;
 * in the meantime only its key is kept.
 */
export function startSync({ endpoint, mongodbUri, delay = () => 80 + Math.random() * 70 }: SyncOptions): Sync {
  const dynamodb = demoDynamoDb(endpoint);
  const documents = DynamoDBDocumentClient.from(dynamodb, {
    unmarshallOptions: { wrapNumbers: (text) => (/^-?\d{16,}$/.test(text) ? BigInt(text) : Number(text)) },
  });
  const mongodb = new MongoClient(mongodbUri, { writeConcern: { w: 'majority' }, serverSelectionTimeoutMS: 1000 });
  const stopping = new AbortController();
  const { signal } = stopping;
  const changed = new Set<string>();
  const underWay = new Map<string, Promise<void>>();

  const wait = (milliseconds: number) => sleep(milliseconds, undefined, { signal }).catch(() => undefined);

  const copy = async ({ tableName, key }: Write) => {
    const { Item } = await documents.send(new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }));
    const { collection, filter } = placeOf(key);
    const target = mongodb.db().collection(collection);
    if (Item === undefined) await target.deleteOne(filter);
    else await target.replaceOne(filter, documentOf(Item).document, { upsert: true });
  };

  const keepInStep = async (id: string, write: Write) => {
    await wait(delay());
    while (changed.delete(id)) {
      const copied = await copy(write).then(
        () => true,
        () => false,
      );
      if (!copied) changed.add(id);
      if (signal.aborted) break;
      if (changed.has(id)) await wait(copied ? delay() : RETRY_AFTER);
    }
    underWay.delete(id); // in the same step as the last look at `changed`, or a write in between would be lost
  };

  return Object.freeze<Sync>({
    onWrite(write) {
      if (signal.aborted) return;
      const id = JSON.stringify([write.tableName, write.key.pk, write.key.sk]);
      changed.add(id);
      if (!underWay.has(id)) underWay.set(id, keepInStep(id, write));
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay.values());
      await mongodb.close();
      dynamodb.destroy();
    },
  });
}

const WRITES = Object.freeze(['PutItemCommand', 'UpdateItemCommand', 'DeleteItemCommand']);

/** Has every Put, Update and Delete that this client (or a document client made from it) does told once it is done. */
export function announceWrites(client: DynamoDBClient, onWrite: OnWrite): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const result = await next(args);
      if (WRITES.includes(context.commandName as string)) {
        const { TableName, Key, Item } = args.input as { TableName: string; Key?: Key; Item?: Key };
        const { pk, sk } = (Key ?? Item) as Key;
        onWrite({ tableName: TableName, key: { pk, sk } });
      }
      return result;
    },
    { step: 'initialize', name: 'announceWrites' }, // where a document client's input still holds plain values
  );
}

/** Where MongoDB keeps the item of this key. Throws for a key that the table does not have. */
export function placeOf({ pk, sk }: Key): Place {
  const [tenantId, kind, id] = pk.split('#');
  switch (kind) {
    case 'USER':
      return { collection: 'members', filter: { tenantId, userId: id } };
    case 'CONVERSATION':
      return { collection: 'rooms', filter: { tenantId, ref: id } };
    case 'MESSAGES':
      return { collection: 'posts', filter: { _id: new ObjectId(sk.split('#')[1]) } };
    case 'ATTACHMENT':
      return { collection: 'files', filter: { _id: id } };
    default:
      throw new Error(`No collection holds items like ${pk}.`);
  }
}

/**
 * The document that says what an item of DynamoDB says, and where it is kept. Integers beyond 2^53 come as bigints, sets
 * as Sets. Members and rooms have an `_id` of MongoDB's own, which is not in it.
 */
export function documentOf(item: Document): Place & { readonly document: Document } {
  const place = placeOf({ pk: item.pk, sk: item.sk });
  const tenantId = item.pk.split('#')[0];
  return { ...place, document: { ...place.filter, tenantId, ...CONTENT[place.collection]?.(item) } };
}

const CONTENT: Readonly<Record<string, (item: Document) => Document>> = Object.freeze({
  members: (item: Document) => ({
    profile: {
      displayName: item.display_name,
      email: item.email,
      ...(item.avatar_key !== undefined && { avatarKey: item.avatar_key }),
    },
    usage: { storageBytes: Long.fromBigInt(BigInt(item.storage_bytes)) },
    ...(item.rating !== undefined && { rating: item.rating }),
    createdAt: new Date(item.created_at),
    ...(item.last_seen_at !== undefined && { lastSeenAt: date(item.last_seen_at) }),
  }),

  rooms: (item: Document) => ({
    name: item.title,
    members: sorted(item.member_ids),
    stats: { messages: item.message_count },
    openedAt: new Date(item.created_at),
    lastAt: new Date(item.last_message_at),
  }),

  posts: (item: Document) => ({
    sk: item.sk,
    roomRef: item.conversation_id,
    author: { userId: item.sender_id },
    kind: item.kind,
    ...(item.text !== undefined && { content: { text: item.text } }),
    ...(item.location !== undefined && { location: item.location }),
    files: sorted(item.attachment_ids),
    seenBy: sorted(item.seen_by),
    sentAt: new Date(item.created_at),
    ...(item.edited_at !== undefined && { editedAt: date(item.edited_at) }),
  }),

  files: (item: Document) => ({
    postId: new ObjectId(item.message_id as string),
    name: item.file_name,
    media: { type: item.content_type, bytes: item.size_bytes, sha256: new Binary(item.sha256) },
    ...(item.taken_on !== undefined && { takenOn: new Date(`${item.taken_on}T00:00:00.000Z`) }),
    createdAt: new Date(item.created_at),
  }),
});

const date = (millis: number | null) => (millis === null ? null : new Date(millis));

/** A set has no order and is never empty: one that holds nothing is absent. */
const sorted = (set: Set<string> = new Set()) => [...set].sort();
