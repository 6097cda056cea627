import { createHash } from 'node:crypto';
import { Binary, Decimal128, type Document, Long, ObjectId } from 'mongodb';
import { attachmentId, conversationId, messageId, userId } from './ids.ts';
import { PLANTED, type Planted } from './planted.ts';

/** What the two stores of the demo hold: items of DynamoDB's one table, documents of MongoDB by collection. */
export interface Seed {
  readonly items: readonly Document[];
  readonly collections: Readonly<Record<string, readonly Document[]>>;
}

export const TENANTS = Object.freeze(['acme', 'globex']);

const USERS = 120;
const CONVERSATIONS = 36;
const MESSAGES = 44;
const START = Date.parse('2026-01-05T08:00:00.123Z');
const DAY = 86_400_000;
const FIRST = ['Ana', 'Bilal', 'Chiara', 'Deniz', 'Emeka', 'Freya', 'Zoë', 'Hiro', 'Inês', 'Jarosław', 'Kai', '李娜'];
const LAST = [
  'Alvarez',
  'Brandt',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fofana',
  'Weber',
  'Haddad',
  'Ito',
  'Jensen',
  "O'Neil",
];
const LINES = [
  'Look at this one 📷',
  'Is that the harbour?',
  'Yes, just before the storm.',
  '写真をありがとう',
  'Wow — what a light!',
  'Sent you the “raw” file too',
  'Family of four: 👨‍👩‍👧‍👦',
  'See you at 8, same place?',
];

type Pair = { readonly item: Document; readonly document: Document };

/**
 * The sample data, the same every time: two tenants with users, conversations, messages and attachments, as each store
 * keeps them. `planted: false` leaves out the differences of `PLANTED`, so that both stores say the same.
 */
export function makeSeed({ planted = true }: { planted?: boolean } = {}): Seed {
  const pairs: Record<string, Pair[]> = { members: [], rooms: [], posts: [], files: [] };
  for (const [index, tenant] of TENANTS.entries()) {
    for (let number = 1; number <= USERS; number++) pairs.members?.push(user(tenant, index, number));
    for (let number = 1; number <= CONVERSATIONS; number++) {
      const messages = Array.from({ length: MESSAGES }, (_, at) => message(tenant, index, number, at));
      pairs.rooms?.push(conversation(tenant, index, number));
      pairs.posts?.push(...messages);
      pairs.files?.push(...messages.flatMap(({ item }) => attachments(tenant, item)));
    }
  }
  const collections = Object.fromEntries(
    Object.entries(pairs).map(([name, list]) => [name, list.map(({ document }) => document)]),
  );
  return Object.freeze({
    items: Object.values(pairs).flatMap((list) => list.map(({ item }) => item)),
    collections: planted ? PLANTED.reduce(plant, collections) : collections,
  });
}

/** The same numbers for the same place, without looking it: a hash of the words. */
function chance(...words: (string | number)[]): number {
  return createHash('sha256').update(words.join('/')).digest().readUInt32BE(0);
}

function pick<T>(list: readonly T[], ...words: (string | number)[]): T {
  return list[chance(...words) % list.length] as T;
}

function user(tenant: string, index: number, number: number): Pair {
  const id = userId(number);
  const displayName =
    tenant === 'acme' && number === 7 ? 'Zoë Weber' : `${pick(FIRST, tenant, id, 1)} ${pick(LAST, tenant, id, 2)}`;
  const email = `${id}@${tenant}.example`;
  const avatar = number % 3 === 0 ? undefined : `${tenant}-${id}.webp`;
  const storage = number % 5 === 1 ? 9007199254740991n + BigInt(number * 2 - 2) : BigInt(chance(tenant, id, 3)) * 1000n;
  const rating = number === 13 ? 4.375 : (chance(tenant, id, 4) % 5000) / 1000;
  const createdAt = START - number * DAY - index * 3_600_000;
  const seen: { at?: number | null } =
    number % 7 === 3 ? { at: null } : number % 7 === 5 ? {} : { at: START + (chance(tenant, id, 5) % (30 * DAY)) };
  return {
    item: {
      pk: `${tenant}#USER#${id}`,
      sk: 'PROFILE',
      user_id: id,
      display_name: displayName,
      email,
      ...(avatar && { avatar_key: avatar }),
      storage_bytes: storage,
      rating,
      created_at: createdAt,
      ...(seen.at !== undefined && { last_seen_at: seen.at }),
    },
    document: {
      _id: new ObjectId(`65${messageId(index, number, 0).slice(2)}`),
      tenantId: tenant,
      userId: id,
      profile: { displayName, email, ...(avatar && { avatarKey: avatar }) },
      usage: { storageBytes: Long.fromBigInt(storage) },
      rating: number % 2 === 0 ? rating : Decimal128.fromString(String(rating)),
      createdAt: new Date(createdAt),
      ...(seen.at !== undefined && { lastSeenAt: seen.at === null ? null : new Date(seen.at) }),
    },
  };
}

/** Two neighbours in ten are sent in the same millisecond: their order hangs on the id. */
function sentAt(index: number, number: number, at: number): number {
  const tied = at % 10 === 9 ? at - 1 : at;
  return START + number * 1_700_000 + index * 333 + tied * 61_001 + (chance(index, number, tied) % 900);
}

function members(tenant: string, number: number): string[] {
  const wanted = 2 + (chance(tenant, number) % 5);
  const found = new Set([userId(1 + (number % USERS))]);
  for (let at = 0; found.size < wanted; at++) found.add(userId(1 + (chance(tenant, number, at) % USERS)));
  return [...found].sort();
}

function conversation(tenant: string, index: number, number: number): Pair {
  const id = conversationId(number);
  const title = `${pick(['Holidays', 'Site photos', 'Wedding', 'Cats', 'Läufe', 'Architecture'], tenant, id)} ${number}`;
  const people = members(tenant, number);
  const createdAt = sentAt(index, number, 0);
  const even = number % 6 === 0 ? number - 1 : number; // neighbours with the same last moment
  const lastAt = sentAt(index, even, MESSAGES - 1);
  return {
    item: {
      pk: `${tenant}#CONVERSATION#${id}`,
      sk: 'ABOUT',
      gsi1pk: `${tenant}#CONVERSATIONS`,
      gsi1sk: `${lastAt}#${id}`,
      conversation_id: id,
      title,
      member_ids: new Set(people),
      message_count: MESSAGES,
      created_at: createdAt,
      last_message_at: lastAt,
    },
    document: {
      _id: new ObjectId(`64${messageId(index, number, 0).slice(2)}`),
      tenantId: tenant,
      ref: id,
      name: title,
      members: people,
      stats: { messages: MESSAGES },
      openedAt: new Date(createdAt),
      lastAt: new Date(lastAt),
    },
  };
}

function message(tenant: string, index: number, number: number, at: number): Pair {
  const id = messageId(index, number, at);
  const people = members(tenant, number);
  const kind = at % 4 === 1 ? 'photo' : at % 17 === 0 ? 'system' : 'text';
  const text = kind === 'text' ? pick(LINES, id) : kind === 'photo' ? null : undefined;
  const time = sentAt(index, number, at);
  const sender = pick(people, id, 1);
  const seenBy = at === 40 ? people : people.filter((_, place) => (place + at) % 3 !== 0);
  const files = Array.from({ length: kind === 'photo' ? 1 + (at % 3) : 0 }, (_, k) =>
    attachmentId(index, number, at, k),
  );
  const location = at % 8 === 1 ? { lat: 53.5 + (chance(id, 2) % 9999) / 1e6, lng: -9.9 + at / 8 } : undefined;
  const editedAt = at % 11 === 2 ? time + 45_678 : undefined;
  const sk = `${time}#${id}`;
  const shared = { ...(location && { location }), kind, sk };
  return {
    item: {
      ...shared,
      pk: `${tenant}#MESSAGES#${conversationId(number)}`,
      gsi1pk: `${tenant}#MESSAGE#${id}`,
      gsi1sk: 'ABOUT',
      message_id: id,
      conversation_id: conversationId(number),
      sender_id: sender,
      ...(text !== undefined && { text }),
      ...(files.length > 0 && { attachment_ids: new Set(files) }),
      ...(seenBy.length > 0 && { seen_by: new Set(seenBy) }),
      created_at: time,
      ...(editedAt && { edited_at: editedAt }),
    },
    document: {
      _id: new ObjectId(id),
      ...shared,
      tenantId: tenant,
      roomRef: conversationId(number),
      author: { userId: sender },
      ...(text !== undefined && { content: { text } }),
      files,
      seenBy,
      sentAt: new Date(time),
      ...(editedAt && { editedAt: new Date(editedAt) }),
    },
  };
}

function attachments(tenant: string, item: Document): Pair[] {
  const ids: string[] = [...(item.attachment_ids ?? [])];
  return ids.map((id, at) => {
    const sha256 = createHash('sha256').update(id).digest();
    const size = id === 'a-100700410' ? 482_113 : 40_000 + (chance(id) % 9_000_000);
    const type = at % 2 === 0 ? 'image/jpeg' : 'image/png';
    const name = `IMG_${id.slice(-5)}${at % 2 === 0 ? '.jpg' : '.png'}`;
    const day = new Date(item.created_at - DAY).toISOString().slice(0, 10);
    return {
      item: {
        pk: `${tenant}#ATTACHMENT#${id}`,
        sk: 'ABOUT',
        attachment_id: id,
        message_id: item.message_id,
        file_name: name,
        content_type: type,
        size_bytes: size,
        sha256,
        taken_on: day,
        created_at: item.created_at,
      },
      document: {
        _id: id,
        tenantId: tenant,
        postId: new ObjectId(item.message_id as string),
        name,
        media: { type, bytes: size, sha256: new Binary(sha256) },
        takenOn: new Date(`${day}T00:00:00.000Z`),
        createdAt: new Date(item.created_at),
      },
    };
  });
}

/** MongoDB's documents with one planted difference applied. Throws where the row's document is not there. */
function plant(collections: Record<string, Document[]>, { where, change, kind }: Planted): Record<string, Document[]> {
  const list = collections[where.collection] ?? [];
  const id = String(where.is);
  if ('insert' in change) {
    const model = list.find((one) => one.tenantId === where.tenant && one.roomRef === 'c-104') as Document;
    const sentAt = new Date(START + 30 * DAY);
    const added = { ...model, _id: new ObjectId(id), sentAt, sk: `${sentAt.getTime()}#${id}`, files: [] };
    return { ...collections, [where.collection]: [...list, added] };
  }
  const found = list.findIndex((one) => one.tenantId === where.tenant && String(one[where.by]) === id);
  const document = list[found];
  if (document === undefined) throw new Error(`There is no document for the planted difference "${kind}".`);
  if ('remove' in change) return { ...collections, [where.collection]: list.toSpliced(found, 1) };
  if ('swap' in change) {
    const other = list.findIndex((one) => String(one._id) === String(change.with));
    const swapped = list
      .with(found, { ...document, [change.swap]: list[other]?.[change.swap] })
      .with(other, { ...list[other], [change.swap]: document[change.swap] });
    return { ...collections, [where.collection]: swapped };
  }
  return { ...collections, [where.collection]: list.with(found, changed(document, change)) };
}

function changed(
  document: Document,
  change: Exclude<Planted['change'], { remove: true } | { insert: true } | { swap: string }>,
) {
  if ('unset' in change) {
    const { [change.unset]: _, ...rest } = document;
    return rest;
  }
  if ('reverse' in change) return { ...document, [change.reverse]: [...document[change.reverse]].reverse() };
  const [head, tail] = change.set.split('.') as [string, string | undefined];
  if (tail !== undefined) return { ...document, [head]: { ...document[head], [tail]: change.to } };
  if (change.to !== 'seconds') return { ...document, [head]: change.to };
  return { ...document, [head]: new Date(Math.floor(document[head].getTime() / 1000) * 1000) };
}
