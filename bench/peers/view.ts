/** What the sample API shows of a user and of a message, written by hand: in the order of its contract. */
import type { Document } from 'mongodb';

const iso = (millis: number | undefined) => (millis === undefined ? undefined : new Date(millis).toISOString());
const avatarUrl = (key: string | undefined) => key && `https://cdn.photos.example/avatars/${key}`;

export const userFromDynamoDb = (item: Document) => ({
  id: item.user_id,
  displayName: item.display_name,
  email: item.email,
  avatarUrl: avatarUrl(item.avatar_key),
  storageBytes: item.storage_bytes,
  rating: item.rating,
  createdAt: iso(item.created_at),
  lastSeenAt: item.last_seen_at === null ? null : iso(item.last_seen_at),
});

export const messageFromDynamoDb = (item: Document) => ({
  id: item.message_id,
  conversationId: item.conversation_id,
  senderId: item.sender_id,
  kind: item.kind,
  text: item.text,
  location: item.location && { latitude: item.location.lat, longitude: item.location.lng },
  attachmentIds: item.attachment_ids ? [...item.attachment_ids] : [],
  seenBy: item.seen_by ? [...item.seen_by] : [],
  createdAt: iso(item.created_at),
  editedAt: iso(item.edited_at),
});

export const userFromMongoDb = (document: Document) => ({
  id: document.userId,
  displayName: document.profile.displayName,
  email: document.profile.email,
  avatarUrl: avatarUrl(document.profile.avatarKey),
  storageBytes: document.usage.storageBytes,
  rating: document.rating,
  createdAt: document.createdAt,
  lastSeenAt: document.lastSeenAt,
});

export const messageFromMongoDb = (document: Document) => ({
  id: document._id,
  conversationId: document.roomRef,
  senderId: document.author.userId,
  kind: document.kind,
  text: document.content?.text,
  location: document.location && { latitude: document.location.lat, longitude: document.location.lng },
  attachmentIds: document.files,
  seenBy: document.seenBy,
  createdAt: document.sentAt,
  editedAt: document.editedAt,
});

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });
const tenant = {
  headers: { type: 'object', required: ['x-tenant-id'], properties: { 'x-tenant-id': text(64) } },
};

export const USER_SCHEMA = { ...tenant, params: { type: 'object', properties: { userId: text(64) } } };

export const MESSAGES_SCHEMA = {
  ...tenant,
  params: { type: 'object', properties: { conversationId: text(64) } },
  querystring: {
    type: 'object',
    properties: {
      kind: { type: 'string', enum: ['text', 'photo', 'system'] },
      limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
      cursor: { type: 'string', maxLength: 2048 },
    },
  },
};

export interface UserRoute {
  Headers: { 'x-tenant-id': string };
  Params: { userId: string };
}

export interface MessagesRoute {
  Headers: { 'x-tenant-id': string };
  Params: { conversationId: string };
  Querystring: { kind?: string; limit: number; cursor?: string };
}

export const NOT_FOUND = { error: { code: 'NOT_FOUND', message: 'There is no such thing' } };

export const cursorOf = (sk: string) => Buffer.from(sk).toString('base64url');
export const skOf = (cursor: string) => Buffer.from(cursor, 'base64url').toString();
