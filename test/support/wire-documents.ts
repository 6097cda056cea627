import { Binary, type BSON, Decimal128, Double, Int32, Long, ObjectId, Timestamp, UUID } from 'mongodb';
import type { Codec, Source, Sources } from '../../src/model/binding.ts';

/**
 * Made-up contracts, bindings and documents for holding a renderer of the wire form against the plain one. All from one
 * seed: a case that fails is found again by its number.
 */
export interface WireCase {
  readonly schema: unknown;
  readonly components: Readonly<Record<string, unknown>>;
  readonly sources: Sources;
  readonly shapes: Readonly<Record<string, Sources>>;
  readonly items: string | undefined;
  readonly page: Readonly<Partial<Record<'next' | 'more' | 'total' | 'pages', string>>>;
  readonly absentAs: 'null' | undefined;
  readonly open: boolean;
  /** Documents for it; those of one case have shapes alike, as those of one collection have. */
  readonly documents: (count: number) => readonly BSON.Document[];
}

/** Numbers from 0 to 1 (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Schema = Record<string, unknown>;
type Make = () => unknown;

const NAMES = [
  'id',
  'name',
  'kind',
  'createdAt',
  'größe',
  'a.b',
  'price',
  'tags',
  'place',
  'lat',
  'constructor',
  '0',
  '',
];
const CODECS: readonly Codec[] = [
  ...(['date', 'iso8601-seconds', 'iso8601-millis', 'epoch-seconds', 'epoch-millis', 'decimal-string'] as const),
  ...(['number', 'string', 'uuid', 'hex', 'json', 'decimal(2)'] as const),
];
const TEXTS = [
  ...[
    '',
    'plain',
    'a"b',
    'back\\slash',
    'line\nbreak',
    '\u0000\u0001\u001f',
    '\u007f',
    'Jarosław O’Neil',
    '写真をありがとう',
  ],
  ...[
    '😀 emoji',
    '\u2028\u2029',
    '\ufffd',
    '\ufeffmark',
    '12',
    '-0',
    '1e5',
    '2026-02-30',
    '2026-01-31T10:20:30Z',
    '</script>',
  ],
  ...['x'.repeat(300), 'é'.repeat(70), '{"a":1e2}', '[1,', '8b5c1a62-8d1c-4a3e-9f00-1234567890ab'],
];
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  9,
  10,
  99,
  1e9,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  1e21,
  1e30,
  1.5,
  -8.3,
  1e-7,
  5e-324,
  0.1 + 0.2,
];
const LONGS = [
  '0',
  '-1',
  '48213557120',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
];
const DECIMALS = [
  '0',
  '-0',
  '1.50',
  '8.30',
  '1E+30',
  '1.5E+30',
  '1E-7',
  '12345678901234567890.1234567890',
  '100',
  '9.999999999999999999999999999999999E+6144',
  'NaN',
  'Infinity',
];
const DATES = [
  0, 1, -1, 999, 1_767_600_000_123, -62_167_219_200_000, 253_402_300_799_999, 253_402_300_800_000, -62_167_219_200_001,
  951_782_400_000,
];

export function wireCase(seed: number): WireCase {
  const random = randomOf(seed);
  const chance = (share: number): boolean => random() < share;
  const upTo = (count: number): number => Math.floor(random() * count);
  const oneOf = <T>(all: readonly T[]): T => all[upTo(all.length)] as T;
  const components: Record<string, Schema> = {};
  const shapes: Record<string, Sources> = {};

  const text: Make = () => (chance(0.5) ? `text ${upTo(1_000)}` : oneOf(TEXTS));
  const number: Make = () => {
    const kind = upTo(8);
    if (kind === 0) return Long.fromString(oneOf(LONGS));
    if (kind === 1) return Decimal128.fromString(oneOf(DECIMALS));
    if (kind === 2) return new Double(oneOf([...NUMBERS, Number.NaN, Number.POSITIVE_INFINITY, 4.375]));
    if (kind === 3) return new Int32(upTo(4_000_000) - 2_000_000);
    if (kind === 4) return (random() - 0.5) * 10 ** upTo(20);
    return chance(0.7) ? upTo(10_000) : oneOf(NUMBERS);
  };
  const date: Make = () => new Date(chance(0.6) ? 1_767_600_000_123 + upTo(1e9) : oneOf(DATES));
  const bytes = (): Buffer => Buffer.from(Array.from({ length: upTo(chance(0.1) ? 200 : 8) }, () => upTo(256)));
  const id: Make = () => new ObjectId(Array.from({ length: 24 }, () => '0123456789abcdef'[upTo(16)]).join(''));
  const binary: Make = () =>
    chance(0.3)
      ? new UUID(Buffer.from(Array.from({ length: 16 }, () => upTo(256))))
      : new Binary(bytes(), oneOf([0, 0, 0, 2, 3, 4, 5, 128]));
  const strange: Make = () =>
    oneOf<Make>([
      ...[() => null, () => undefined, () => new Timestamp({ t: 1, i: 2 }), () => /a/i, () => ({ $ref: 'x', $id: 1 })],
      ...[() => ({ constructor: 1 }), () => ({ $set: 1 }), () => [], () => ({}), () => [[1], [{}]]],
      ...[text, number, date, id, binary, () => chance(0.5), () => ({ b: 1, a: [1, { z: null }] })],
    ])();
  /** Mostly what the contract has. */
  const mostly = (make: Make): Make => (chance(0.8) ? make : () => (random() < 0.04 ? strange() : make()));

  const deep = (): unknown =>
    chance(0.5) ? { level: chance(0.6) ? deep() : text(), list: [number(), text()] } : [deepest()];
  const deepest = (): unknown => ({ z: number(), a: text(), é: date(), m: { y: binary(), x: null } });

  /** A schema, and what makes values for it. */
  const made = (depth: number): { readonly schema: Schema; readonly make: Make; readonly scalar: boolean } => {
    const nullable = chance(0.2) ? { nullable: true } : {};
    const scalar = (schema: Schema, make: Make) => {
      const fitting: Make = 'nullable' in nullable ? () => (random() < 0.2 ? null : make()) : make;
      return { schema: { ...schema, ...nullable }, make: mostly(fitting), scalar: true };
    };
    switch (depth > 3 ? upTo(6) : upTo(13)) {
      case 0:
        return scalar({ type: 'string' }, chance(0.7) ? text : oneOf([id, binary, date]));
      case 1:
        return scalar({ type: 'number' }, number);
      case 2:
        return scalar({ type: 'integer' }, chance(0.7) ? () => upTo(1e6) : number);
      case 3:
        return scalar({ type: 'boolean' }, () => chance(0.5));
      case 4:
        return scalar({ type: 'string', format: oneOf(['date-time', 'date']) }, date);
      case 5:
        return { schema: {}, make: chance(0.5) ? deep : strange, scalar: false };
      case 6: {
        const inner = made(depth + 1);
        const list: Make = () => Array.from({ length: upTo(4) }, inner.make);
        return { schema: { type: 'array', items: inner.schema, ...nullable }, make: mostly(list), scalar: false };
      }
      case 7: {
        const inner = made(depth + 1);
        const map: Make = () => Object.fromEntries(Array.from({ length: upTo(4) }, () => [oneOf(NAMES), inner.make()]));
        return {
          schema: { type: 'object', additionalProperties: inner.schema, ...nullable },
          make: mostly(map),
          scalar: false,
        };
      }
      case 8:
        return {
          schema: { type: 'object', ...nullable },
          make: mostly(() => ({ b: deep(), a: text() })),
          scalar: false,
        };
      case 9: {
        const [one, other] = [objectOf(depth + 1), objectOf(depth + 1)];
        const branches = [one.schema, other.schema, { type: 'string' }, { type: 'array', items: { type: 'integer' } }];
        const make: Make = () => oneOf<Make>([one.make, other.make, text, () => [1, 2]])();
        return { schema: { [oneOf(['oneOf', 'anyOf'])]: branches.slice(0, 1 + upTo(4)) }, make, scalar: false };
      }
      default: {
        const inner = objectOf(depth + 1);
        if (chance(0.6)) return { ...inner, schema: { ...inner.schema, ...nullable } };
        const name = `C${Object.keys(components).length}`;
        components[name] = inner.schema;
        if (chance(0.5)) shapes[name] = inner.rules as Sources;
        return { schema: { $ref: `#/components/schemas/${name}` }, make: inner.make, scalar: false };
      }
    }
  };

  /** An object, what makes documents for it, and sources relative to it that name attributes otherwise. */
  const objectOf = (depth: number) => {
    const names = [...new Set(Array.from({ length: 1 + upTo(6) }, () => oneOf(NAMES)))];
    const parts = names.map((name) => {
      const part = made(depth + 1);
      const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      const moved = chance(0.2);
      const path = moved ? oneOf([`_${name}`, `in.${name}`, 'shared', `in.list.${upTo(2)}`, 'tags.length']) : name;
      const coded = part.scalar && chance(0.1) ? { as: oneOf(CODECS) } : {};
      const absent = chance(0.2) ? { absent: oneOf([null, [], 0, 'none']) } : {};
      const source: Source | undefined =
        moved || 'as' in coded || 'absent' in absent ? ({ from: path, ...coded, ...absent } as Source) : undefined;
      const own = source === undefined ? {} : { [pointer]: chance(0.9) ? source : { dynamodb: 'x', mongodb: source } };
      return { name, part, path, rules: own as Record<string, Source> };
    });
    const schema: Schema = {
      type: 'object',
      properties: Object.fromEntries(parts.map(({ name, part }) => [name, part.schema])),
      ...(chance(0.3) ? { required: names.filter(() => chance(0.5)) } : {}),
      ...(chance(0.15) ? { additionalProperties: { type: 'string' } } : {}),
    };
    const make: Make = () => {
      const document: Record<string, unknown> = {};
      for (const { part, path } of parts) {
        if (random() < 0.06) continue;
        const [first = '', ...rest] = path.split('.');
        if (rest.length === 0 || path !== path.trim()) document[first] = part.make();
        else {
          const inner = (document[first] ?? {}) as Record<string, unknown>;
          document[first] = inner;
          if (typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !('_bsontype' in inner))
            inner[rest[0] as string] = rest[0] === 'list' ? [part.make(), part.make()] : part.make();
        }
      }
      if (random() < 0.1) document.extra = strange();
      if (random() < 0.3) return document;
      const entries = Object.entries(document);
      return Object.fromEntries(random() < 0.1 ? entries.reverse() : entries);
    };
    return {
      schema,
      make,
      rules: Object.assign({}, ...parts.map(({ rules }) => rules)) as Record<string, Source>,
      scalar: false,
    };
  };

  const item = objectOf(0);
  const items = oneOf([undefined, '', '/things', '/data/things'] as const);
  const below = (prefix: string) =>
    Object.fromEntries(Object.entries(item.rules).map(([pointer, source]) => [prefix + pointer, source]));
  const list = { type: 'array', items: item.schema };
  const page = { type: 'object', properties: { things: list, next: { type: 'string' }, total: { type: 'integer' } } };
  const paged = items === '/data/things' ? '/data' : '';
  const schema =
    items === undefined
      ? item.schema
      : items === ''
        ? list
        : items === '/things'
          ? page
          : { type: 'object', properties: { ok: { type: 'boolean', enum: [true] }, data: page }, required: ['ok'] };
  return {
    schema,
    components,
    sources: (items === undefined ? item.rules : below(`${items}/*`)) as Sources,
    shapes,
    items,
    page: items === undefined || items === '' ? {} : { next: `${paged}/next`, total: `${paged}/total` },
    absentAs: chance(0.2) ? 'null' : undefined,
    open: chance(0.1),
    documents: (count) => Array.from({ length: count }, () => item.make() as BSON.Document),
  };
}
