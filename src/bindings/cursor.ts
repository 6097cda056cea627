import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';
import { ConfigError, RequestError } from '../errors.ts';
import type { Position } from '../model/call.ts';
import { exactDouble } from '../model/number.ts';
import type { StoreName } from '../model/stage.ts';
import { plainOf } from './scalar.ts';

/**
 * Strings, booleans and null as they are; the rest tagged: n a number's digits (t: a decimal with a fraction, which no
 * double equals in MongoDB), d a date, o an ObjectId, u a UUID.
 */
export type PlainValue =
  | string
  | boolean
  | null
  | { readonly n: string; readonly t?: 'decimal' }
  | { readonly d: string }
  | { readonly o: string }
  | { readonly u: string };

/** A position that JSON carries without loss. */
export type PlainPosition = Readonly<Record<string, PlainValue>>;

/** What a cursor says: it belongs to an operation, a tenant and all other parameters (their hash). */
export interface CursorContent {
  readonly operation: string;
  readonly tenant: string;
  readonly parameters: string;
  readonly position: PlainPosition;
  /** The store that issued it, where no other can go on from it. */
  readonly store?: StoreName;
}

export type Opened = { readonly ours: false } | { readonly ours: true; readonly content: CursorContent };

export interface Cursors {
  /** How each of ours begins; safe in a URL. */
  readonly prefix: string;
  readonly seal: (content: CursorContent) => string;
  /** Throws RequestError(invalidCursor) for what begins like ours and does not verify. Who it belongs to, the caller compares. */
  readonly open: (text: string) => Opened;
}

/** Makes the store's own value of what plain JavaScript has none for. */
export type Wrap = (kind: 'number' | 'objectId' | 'uuid', text: string, store: StoreName) => unknown;

const PREFIX = 'xf1_';
const ID = 4;
const NONCE = 12;
const TAG = 16;
const CIPHER = 'aes-256-gcm';

interface SealingKey {
  readonly id: Buffer;
  readonly key: Buffer;
}

/** Cursors under these secrets: the first seals, all open. Throws a ConfigError where there is none. */
export function createCursors(secrets: readonly string[]): Cursors {
  const keys = secrets.map(keyOf);
  const [first] = keys;
  if (first === undefined) throw new ConfigError([{ where: 'CURSOR_SECRETS', message: 'needs at least one secret' }]);
  return Object.freeze({
    prefix: PREFIX,
    seal: (content: CursorContent) => seal(first, content),
    open: (text: string): Opened => {
      if (!text.startsWith(PREFIX)) return NOT_OURS;
      const content = open(keys, text);
      if (content === undefined) throw new RequestError('invalidCursor', 'the cursor is not valid');
      return Object.freeze({ ours: true, content });
    },
  });
}

const NOT_OURS: Opened = Object.freeze({ ours: false });

function keyOf(secret: string): SealingKey {
  const derive = (info: string, length: number) => Buffer.from(hkdfSync('sha256', secret, '', info, length));
  return Object.freeze({ id: derive('crossfade cursor id', ID), key: derive('crossfade cursor', 32) });
}

function seal({ id, key }: SealingKey, content: CursorContent): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.concat([Buffer.from(PREFIX), id]));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]);
  return PREFIX + Buffer.concat([id, nonce, sealed, cipher.getAuthTag()]).toString('base64url');
}

function open(keys: readonly SealingKey[], text: string): CursorContent | undefined {
  const encoded = text.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64url');
  // Node's decoder passes over what is not base64: only the one text that `seal` wrote counts.
  if (bytes.length < ID + NONCE + TAG || bytes.toString('base64url') !== encoded) return undefined;
  const id = bytes.subarray(0, ID);
  for (const candidate of keys) {
    if (!candidate.id.equals(id)) continue;
    const content = decrypt(candidate, bytes);
    if (content !== undefined) return content;
  }
  return undefined;
}

function decrypt({ id, key }: SealingKey, bytes: Buffer): CursorContent | undefined {
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(ID, ID + NONCE), { authTagLength: TAG })
      .setAAD(Buffer.concat([Buffer.from(PREFIX), id]))
      .setAuthTag(bytes.subarray(-TAG));
    const plain = Buffer.concat([decipher.update(bytes.subarray(ID + NONCE, -TAG)), decipher.final()]);
    return Object.freeze(JSON.parse(plain.toString('utf8')));
  } catch {
    return undefined;
  }
}

/** Values as a store's client gives them → the same plain values from either store. Throws TypeError for what is no scalar. */
export function plainPosition(values: Readonly<Record<string, unknown>>): PlainPosition {
  const entries = Object.entries(values).map(([name, value]): [string, PlainValue] => [name, plainValue(name, value)]);
  return Object.freeze(Object.fromEntries(entries));
}

function plainValue(name: string, value: unknown): PlainValue {
  const plain = plainOf(value);
  switch (plain?.kind) {
    case 'null':
      return null;
    case 'boolean':
      return plain.value;
    case 'string':
      return plain.text;
    case 'number':
      return plain.decimal && !WHOLE.test(plain.text) ? { n: plain.text, t: 'decimal' } : { n: plain.text };
    case 'date':
      return { d: plain.text };
    case 'objectId':
      return { o: plain.text };
    case 'uuid':
      return { u: plain.text };
    default:
      throw new TypeError(`position "${name}" is no scalar that a cursor can carry`);
  }
}

/**
 * A plain position → values as the store's own client takes them. Numbers come back as a number where a double holds
 * them, else as a bigint, else by `wrap`, which also makes ObjectIds and UUIDs for MongoDB; DynamoDB has those as text.
 */
export function revive(position: PlainPosition, store: StoreName, wrap: Wrap = asText): Position {
  const entries = Object.entries(position).map(([name, value]) => [name, reviveValue(value, store, wrap)]);
  return Object.freeze(Object.fromEntries(entries));
}

const asText: Wrap = (_kind, text) => text;

function reviveValue(value: PlainValue, store: StoreName, wrap: Wrap): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('n' in value) return reviveNumber(value, store, wrap);
  if ('d' in value) return new Date(value.d);
  const [kind, text] = 'o' in value ? (['objectId', value.o] as const) : (['uuid', value.u] as const);
  return store === 'mongodb' ? wrap(kind, text, store) : text;
}

const WHOLE = /^-?\d+$/;
/** Digits that any 64-bit integer can have. */
const LONG = 18;

function reviveNumber({ n, t }: { n: string; t?: 'decimal' }, store: StoreName, wrap: Wrap): unknown {
  if (t === 'decimal' && store === 'mongodb') return wrap('number', n, store);
  const double = exactDouble(n);
  if (double !== undefined) return double;
  return WHOLE.test(n) && (store === 'dynamodb' || n.length <= LONG) ? BigInt(n) : wrap('number', n, store);
}

/** A hash of parameters that does not depend on the order of names; absent and `undefined` are the same. */
export function hashParameters(values: unknown): string {
  return hash('sha256', canonical(values), 'base64url').slice(0, 22);
}

/** Each value by its type and length, so that no two texts run together. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const plain = plainOf(value);
  if (plain === undefined && typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${sorted.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
  }
  return plain === undefined ? typeof value : JSON.stringify(plain);
}
