import { setTimeout as sleep } from 'node:timers/promises';
import type { Document } from 'mongodb';
import { Pool } from 'undici';
import { conversationId, userId } from './ids.ts';
import { PLANTED } from './planted.ts';
import { makeSeed, TENANTS } from './seed.ts';

export interface TrafficOptions {
  /** The façade. */
  readonly url: string;
  /** Reads a second; default 40. */
  readonly perSecond?: number;
  /** Default 3. */
  readonly writesPerSecond?: number;
  /** From 0 to below 1; default a generator that gives the same numbers in each run. */
  readonly random?: () => number;
}

/** What was sent; `failures` are replies of 500 and above, and requests that got none. */
export interface TrafficCounts {
  readonly reads: number;
  readonly writes: number;
  readonly failures: number;
}

interface Read {
  readonly tenant: string;
  readonly path: string;
  /** The page of a list that is read to its end; '' for the first. */
  readonly cursor?: string;
}

interface Write {
  readonly tenant: string;
  readonly method: 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly type?: string;
  readonly body?: string | Buffer;
  /** Takes the id in a successful reply; gives what to read to see the write. */
  readonly done: (id: string) => readonly string[];
}

/** A message of this traffic's own. */
interface Own {
  readonly tenant: string;
  readonly conversation: string;
  readonly id: string;
  files: number;
}

/** Requests under way at once; where the façade is slower than that, some are left out. */
const MOST = 64;
const DEADLINE = 5_000;
const GRACE = 1_000;

/**
 * Sends a steady trickle through the façade until `stop`: reads of all operations for both tenants, those that show a
 * planted difference among them every few seconds, and a few writes, which never touch what is planted. Never throws.
 */
export function startTraffic({ url, perSecond = 40, writesPerSecond = 3, random = seeded(1) }: TrafficOptions): {
  stop(): Promise<TrafficCounts>;
} {
  const pool = new Pool(url, { connections: MOST, headersTimeout: DEADLINE, bodyTimeout: DEADLINE });
  const counts = { reads: 0, writes: 0, failures: 0 };
  const reads = createReads(random);
  const writes = createWrites(random);
  let underWay = 0;
  let abandoned = false;

  const send = async (method: string, { tenant, path, type, body }: Omit<Write, 'method' | 'done'>) => {
    const headers = { 'x-tenant-id': tenant, ...(type !== undefined && { 'content-type': type }) };
    underWay++;
    try {
      const reply = await pool.request({ method, path, headers, body: body ?? null });
      const text = await reply.body.text();
      if (reply.statusCode >= 500) counts.failures++;
      return { ok: reply.statusCode < 300, text };
    } catch {
      if (!abandoned) counts.failures++;
      return { ok: false, text: '' };
    } finally {
      underWay--;
    }
  };
  const read = async () => {
    if (underWay >= MOST) return;
    const { tenant, path, cursor } = reads.next();
    counts.reads++;
    const separator = path.includes('?') ? '&' : '?';
    const page = cursor ? `${separator}cursor=${encodeURIComponent(cursor)}` : '';
    const { ok, text } = await send('GET', { tenant, path: path + page });
    const next = ok && cursor !== undefined ? field(text, 'nextCursor') : undefined;
    if (next !== undefined) reads.turn({ tenant, path, cursor: next });
  };
  const write = async () => {
    if (underWay >= MOST) return;
    const { method, done, ...rest } = writes.next();
    counts.writes++;
    const { ok, text } = await send(method, rest);
    if (ok) reads.wrote(done(field(text, 'id') ?? '').map((path) => ({ tenant: rest.tenant, path })));
  };

  const timers = [setInterval(read, 1000 / perSecond), setInterval(write, 1000 / writesPerSecond)];
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.race([pool.close(), sleep(GRACE, undefined, { ref: false })]);
      abandoned = true;
      await pool.destroy();
      return Object.freeze({ ...counts });
    },
  };
}

/** Reads, each time the next one: pages that follow, what shows a planted difference, what was just written, all else. */
function createReads(random: () => number) {
  const planted = deck(plantedReads(), random);
  const other = otherReads(random);
  const pages: Read[] = [];
  let written: readonly Read[] = [];
  return {
    next(): Read {
      const page = random() < 0.5 ? pages.shift() : undefined;
      if (page !== undefined) return page;
      const dice = random();
      if (dice < 0.25) return planted();
      return (dice < 0.6 && pick(written, random)) || other();
    },
    turn(page: Read) {
      if (pages.length < MOST) pages.push(page);
    },
    wrote(paths: readonly Read[]) {
      written = paths;
    },
  };
}

const isList = (path: string) => path === '/conversations' || /^\/conversations\/[^/]+\/messages$/.test(path);

/** A list is read to its end. */
const whole = (tenant: string, path: string): Read => ({ tenant, path, ...(isList(path) && { cursor: '' }) });

function plantedReads(): Read[] {
  return PLANTED.flatMap(({ tenant, path, also }) => [`${tenant} ${path}`, ...also]).map((line) => {
    const [tenant = '', path = ''] = line.split(' ');
    return whole(tenant, path);
  });
}

/** Each operation as often as the others, and of each operation every id once before one comes again. */
function otherReads(random: () => number): () => Read {
  const { items } = makeSeed({ planted: false });
  const of = (kind: string, path: (item: Document) => string | undefined) =>
    items.flatMap((item) => {
      const [tenant = '', itsKind] = String(item.pk).split('#');
      const found = itsKind === kind ? path(item) : undefined;
      return found === undefined ? [] : [whole(tenant, found)];
    });
  const planted = new Set(plantedReads().map(({ tenant, path }) => `${tenant} ${path}`));
  const lists = of('CONVERSATION', (item) => `/conversations/${item.conversation_id}/messages`);
  const byKind = lists
    .filter(({ tenant, path }) => !planted.has(`${tenant} ${path}`)) // a difference is read where it is listed only
    .flatMap((list) => KINDS.map((kind) => ({ ...list, path: `${list.path}?kind=${kind}` })));
  const operations = [
    of('USER', (item) => `/users/${item.user_id}`),
    TENANTS.map((tenant) => whole(tenant, '/conversations')),
    of('CONVERSATION', (item) => `/conversations/${item.conversation_id}`),
    lists,
    byKind,
    of('MESSAGES', (item) => `/messages/${item.message_id}`),
    of('MESSAGES', (item) => (item.kind === 'photo' ? `/messages/${item.message_id}/attachments` : undefined)),
    of('ATTACHMENT', (item) => `/attachments/${item.attachment_id}`),
    TENANTS.flatMap((tenant) => UNKNOWN.map((path) => whole(tenant, path))),
  ].map((reads) => deck(reads, random));
  const operation = deck(operations, random);
  return () => operation()();
}

const KINDS = Object.freeze(['text', 'photo', 'system']);
const UNKNOWN = Object.freeze([
  '/users/nobody',
  '/conversations/none',
  '/conversations/none/messages',
  `/messages/${'f'.repeat(24)}`,
  `/messages/${'f'.repeat(24)}/attachments`,
  '/attachments/none',
]);

/** The first users and conversations whose turn it is to be written; what is planted has smaller numbers. */
const FIRST = Object.freeze({ user: userId(50), conversation: conversationId(20) });
const NAMES = Object.freeze(['Zoë Brandt', 'Hiro Ito', 'Inês Costa', "Deirdre O'Neil", '李娜']);
const TEXTS = Object.freeze([
  'Now with the right light 📷',
  'Which lens was that?',
  '写真をありがとう',
  'See you at 8',
]);
/** One black pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
);
/** Own messages without files, and with files, and files of one message: no run grows beyond them. */
const LIMIT = Object.freeze({ plain: 60, illustrated: 40, files: 8 });

/** Writes, each time the next one. Only messages of its own are deleted or given files. */
function createWrites(random: () => number) {
  const { items } = makeSeed({ planted: false });
  const users = items.filter((item) => item.user_id >= FIRST.user);
  const conversations = items.filter((item) => item.sk === 'ABOUT' && item.conversation_id >= FIRST.conversation);
  const own: Own[] = [];

  const put = (): Write => {
    const { pk, user_id: id, email } = pick(users, random) as Document;
    const path = `/users/${id}`;
    const displayName = `${pick(NAMES, random)} ${Math.floor(random() * 100)}`;
    const body = JSON.stringify({ displayName, email });
    return { tenant: pk.split('#')[0], method: 'PUT', path, ...JSON_TYPE, body, done: () => [path] };
  };

  const post = (): Write => {
    const { pk, conversation_id: conversation, member_ids } = pick(conversations, random) as Document;
    const tenant: string = pk.split('#')[0];
    const body = JSON.stringify({ senderId: pick([...member_ids], random), text: pick(TEXTS, random) });
    const done = (id: string) => {
      own.push({ tenant, conversation, id, files: 0 });
      return [...seenIn(conversation, id), `/conversations/${conversation}`, '/conversations'];
    };
    return { tenant, method: 'POST', path: `/conversations/${conversation}/messages`, ...JSON_TYPE, body, done };
  };

  const upload = (message: Own): Write => {
    const { tenant, conversation, id } = message;
    message.files++;
    const path = `/messages/${id}/attachments`;
    const query = `?fileName=${encodeURIComponent(`Läufe ${message.files}.png`)}`;
    const body = Buffer.concat([PNG, Buffer.from(String(random()))]); // no two with one checksum
    const done = (file: string) => [path, `/attachments/${file}`, ...seenIn(conversation, id)];
    return { tenant, method: 'POST', path: path + query, type: 'image/png', body, done };
  };

  const remove = (message: Own): Write => {
    const { tenant, conversation, id } = own.splice(own.indexOf(message), 1)[0] as Own;
    return { tenant, method: 'DELETE', path: `/messages/${id}`, done: () => seenIn(conversation, id) };
  };

  return {
    next(): Write {
      // One with files is never deleted: legacy would leave its files behind, and the two stores tell of them differently.
      const plain = own.filter(({ files }) => files === 0);
      const illustrated = own.filter(({ files }) => files > 0);
      const open = illustrated.length < LIMIT.illustrated ? own : illustrated;
      const dice = plain.length < LIMIT.plain ? random() : 0;
      const target = pick(dice < 0.2 ? plain : open.filter(({ files }) => files < LIMIT.files), random);
      if (dice < 0.2 && target) return remove(target);
      if (dice < 0.4 && target) return upload(target);
      return dice < 0.7 ? post() : put();
    },
  };
}

const JSON_TYPE = Object.freeze({ type: 'application/json' });

const seenIn = (conversation: string, message: string) => [
  `/messages/${message}`,
  `/conversations/${conversation}/messages`,
];

/** A string of a JSON object, `undefined` where there is none. */
function field(text: string, name: string): string | undefined {
  try {
    const value = JSON.parse(text)[name];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

const pick = <T>(list: readonly T[], random: () => number): T | undefined => list[Math.floor(random() * list.length)];

/** Deals every card once before one comes again, shuffled anew each time. */
function deck<T>(cards: readonly T[], random: () => number): () => T {
  const left: T[] = [];
  return () => {
    if (left.length === 0) left.push(...cards);
    return left.splice(Math.floor(random() * left.length), 1)[0] as T;
  };
}

/** Mulberry32: numbers from 0 to below 1, the same ones for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
