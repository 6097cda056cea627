import { Binary, Long, ObjectId } from 'mongodb';
import type { Seed } from '../../src/demo/seed.ts';

/** What the readers are asked for: a user and a conversation of fifty messages, with attributes that no reply shows. */
const USER = 'u-1001';
const CONVERSATION = 'c-101';
const MESSAGES = 50;
const START = Date.parse('2026-01-05T08:00:00.123Z');

export const ROUTES = Object.freeze([
  { name: 'one item', path: `/users/${USER}` },
  // The whole conversation: no page token, which no two readers write alike.
  { name: 'page of 50', path: `/conversations/${CONVERSATION}/messages?limit=100` },
] as const);

const BIO =
  'Photographs harbours, ferries and what stands around in them; before that fifteen years of weddings. Ask me about the light in January.';

const PHONE = '+41 44 555 01 23';
const SEARCH = `jaroslaw oneil ${BIO.toLowerCase().replaceAll(/[^a-z ]/g, '')} zurich`;

const settings = { theme: 'dark', digest: 'weekly', mentions: true, uploads: 'wifi', quality: 92 };
const device = (number: number) => ({ id: `d-${number}`, model: 'Pixel 9', push: `fcm:${'c7'.repeat(16)}${number}` });

/** About 1.2 kB of DynamoDB JSON, 0.77 kB of BSON. */
function user() {
  const email = `${USER}@acme.example`;
  const [createdAt, seenAt] = [START - 86_400_000, START + 7 * 86_400_000];
  const hidden = { locale: 'de-CH', settings, devices: [device(1), device(2)], version: 7 };
  return {
    item: {
      ...{ pk: `acme#USER#${USER}`, sk: 'PROFILE', gsi1pk: `acme#EMAIL#${email}`, gsi1sk: 'PROFILE', user_id: USER },
      ...{ display_name: 'Jarosław O’Neil', email, avatar_key: `acme-${USER}.webp`, storage_bytes: 48_213_557_120 },
      ...{
        rating: 4.375,
        created_at: createdAt,
        last_seen_at: seenAt,
        bio: BIO,
        phone: PHONE,
        search: SEARCH,
        ...hidden,
      },
    },
    document: {
      ...{ _id: new ObjectId('650000000000000000000001'), tenantId: 'acme', userId: USER },
      profile: { displayName: 'Jarosław O’Neil', email, avatarKey: `acme-${USER}.webp`, bio: BIO },
      ...{ usage: { storageBytes: Long.fromNumber(48_213_557_120) }, rating: 4.375 },
      ...{
        createdAt: new Date(createdAt),
        lastSeenAt: new Date(seenAt),
        phone: PHONE,
        externalId: 'crm-00000048213557',
        ...hidden,
      },
    },
  };
}

/** About 0.5 kB each, in either store. */
function message(at: number) {
  const id = `66000000000000000000${(4_096 + at).toString(16)}`;
  const time = START + at * 61_001;
  const sk = `${time}#${id}`;
  const shared = { kind: at % 4 === 1 ? 'photo' : 'text', sk, location: { lat: 53.5 + at / 1000, lng: -9.9 + at / 8 } };
  const text = `Message ${at}: is that the harbour? Yes, just before the storm. 写真をありがとう, and see you at 8, same place?`;
  const [files, seenBy] = [
    [`a-${at}001`, `a-${at}002`],
    ['u-1001', 'u-1007', 'u-1042'],
  ];
  const editedAt = at % 5 === 2 ? time + 45_678 : undefined;
  return {
    item: {
      ...{ ...shared, pk: `acme#MESSAGES#${CONVERSATION}`, gsi1pk: `acme#MESSAGE#${id}`, gsi1sk: 'ABOUT' },
      ...{ message_id: id, conversation_id: CONVERSATION, sender_id: USER, text, created_at: time },
      ...{ attachment_ids: new Set(files), seen_by: new Set(seenBy), ...(editedAt && { edited_at: editedAt }) },
    },
    document: {
      ...{ _id: new ObjectId(id), ...shared, tenantId: 'acme', roomRef: CONVERSATION, author: { userId: USER } },
      ...{ content: { text, digest: new Binary(Buffer.alloc(20, at)) }, files, seenBy, sentAt: new Date(time) },
      ...(editedAt && { editedAt: new Date(editedAt) }),
    },
  };
}

/** The same in both stores, for the demo's own functions that fill them. */
export function benchSeed(): Seed {
  const [one, messages] = [user(), Array.from({ length: MESSAGES }, (_, at) => message(at))];
  return {
    items: [one.item, ...messages.map(({ item }) => item)],
    collections: { members: [one.document], posts: messages.map(({ document }) => document) },
  };
}
