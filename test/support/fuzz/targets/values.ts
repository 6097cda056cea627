import { type AttributeValue, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { BSON } from 'mongodb';
import { HOSTILE } from '../../hostile.ts';
import { withTwoTenants } from '../notes.ts';
import { type Json, must, type Target } from '../target.ts';

/** Attributes of a stored note, as the store's own JSON has them: DynamoDB JSON, or canonical Extended JSON. */
type Input = { readonly store: 'dynamodb' | 'mongodb'; readonly item: { readonly free: Json } };

type Fields = Readonly<Record<string, Json>>;

const PROPERTIES = ['text', 'size', 'note', 'tags', 'labels', 'at'] as const;
const DECLARED = new Set<string>(['id', ...PROPERTIES]);

const NUMBERS = [
  ...[
    '0',
    '-0',
    '1',
    '-1.50',
    '8.30',
    '1e30',
    '1E-130',
    '9.9999999999999999999999999999999999999E+125',
    '12345678901234567890123456789012345678',
  ],
  ...['0.1', '9007199254740993', '-9223372036854775808', '1e400', 'NaN', 'Infinity', '', '0x10', '00012'],
];
const MARKS = ['Long', 'ObjectId', 'Decimal128', 'Binary', 'Double', 'Code', 'NumberValue'];
const TEXTS = [
  ...MARKS,
  ...Object.values(HOSTILE),
  '',
  '\u0000',
  '"\\\b\f\n',
  '\u2028\u2029',
  'x'.repeat(20_000),
  '2026-01-05T08:00:00Z',
  '1e5',
];
const NAMES = [
  'x',
  '_bsontype',
  'sub_type',
  'value',
  '__proto__',
  'constructor',
  'toJSON',
  '$ref',
  'a.b',
  '',
  '0',
  '"',
  'ü',
  'length',
];

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'binary', maxLength: 20 }));
const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.double({ noNaN: true }).map(String), fc.bigInt().map(String));
const bytes = fc.uint8Array({ maxLength: 12 }).map((one) => Buffer.from(one).toString('base64'));

const attribute = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text.map((S) => ({ S })),
    number.map((N) => ({ N })),
    fc.boolean().map((BOOL) => ({ BOOL })),
    fc.constant({ NULL: true }),
    bytes.map((B) => ({ B })),
    fc.uniqueArray(text, { maxLength: 3 }).map((SS) => ({ SS })),
    fc.uniqueArray(number, { maxLength: 3 }).map((NS) => ({ NS })),
    fc.uniqueArray(bytes, { maxLength: 3 }).map((BS) => ({ BS })),
    fc.array(tie('value'), { maxLength: 4 }).map((L) => ({ L })),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 3 }).map((M) => ({ M })),
  ) as fc.Arbitrary<Json>,
})).value;

const HEX = '0123456789abcdef';
const document = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.constantFrom<Json>(true, false, null),
    fc.integer().map((one) => ({ $numberInt: String(one) })),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((one) => ({ $numberLong: String(one) })),
    fc
      .oneof(fc.double().map(String), fc.constantFrom('-0.0', 'NaN', 'Infinity', '1e400'))
      .map((one) => ({ $numberDouble: one })),
    fc
      .constantFrom(...NUMBERS, '1E+6144', '-0E-6176', '1.000', '9.999999999999999999999999999999999E+6144')
      .map((one) => ({ $numberDecimal: one })),
    fc
      .constantFrom(
        '0',
        '1767600000123',
        '-62135596800001',
        '253402300800000',
        '8640000000000001',
        '9223372036854775807',
      )
      .map((one) => ({ $date: { $numberLong: one } })),
    fc.string({ unit: fc.constantFrom(...HEX), minLength: 24, maxLength: 24 }).map(($oid) => ({ $oid })),
    fc
      .tuple(bytes, fc.constantFrom('00', '02', '03', '04', '05', '06', '80'))
      .map(([base64, subType]) => ({ $binary: { base64, subType } })),
    fc.constantFrom<Json>(
      { $timestamp: { t: 1, i: 1 } },
      { $minKey: 1 },
      { $maxKey: 1 },
      { $code: 'x' },
      { $symbol: 'x' },
      { $regularExpression: { pattern: 'x', options: '' } },
      { $undefined: true },
      { $ref: 'a', $id: 1 },
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 3 }),
  ) as fc.Arbitrary<Json>,
})).value;

const fieldsOf = (value: fc.Arbitrary<Json>) =>
  fc.dictionary(fc.constantFrom(...PROPERTIES, 'other', '__proto__'), value, { maxKeys: 6 }) as fc.Arbitrary<Json>;

export const values: Target<Input> = {
  name: 'values',
  about: 'items in both stores, read through the façade',
  inputs: fc.oneof(
    fieldsOf(attribute).map((free): Input => ({ store: 'dynamodb', item: { free } })),
    fieldsOf(document).map((free): Input => ({ store: 'mongodb', item: { free } })),
  ),
  examples: [
    {
      store: 'dynamodb',
      item: {
        free: { text: { S: 'x' }, size: { N: '8.30' }, tags: { SS: ['b', 'a'] }, labels: { M: { a: { S: 'b' } } } },
      },
    },
    {
      store: 'mongodb',
      item: {
        free: {
          text: 'x',
          size: { $numberDecimal: '8.30' },
          tags: ['b', 'a'],
          labels: { a: 'b' },
          at: { $date: { $numberLong: '1' } },
        },
      },
    },
  ],
  words: [
    ...TEXTS.filter(({ length }) => length < 99),
    ...NUMBERS,
    ...NAMES,
    '$numberDouble',
    '$date',
    'S',
    'N',
    'B',
    'M',
    'L',
    'NULL',
  ],
  async open(t) {
    const notes = await withTwoTenants(t);
    const dynamodb = new DynamoDBClient({
      ...{ endpoint: notes.env.AWS_ENDPOINT_URL_DYNAMODB as string, region: 'eu-west-1', maxAttempts: 1 },
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    t.teardown(() => dynamodb.destroy());
    await notes.facade.stages(
      'sampling: 10\noperations: { getNote: { stage: shadow, tenants: { mongodb: live } }, listNotes: { stage: shadow, tenants: { mongodb: live } } }\n',
    );
    const store = {
      dynamodb: async (fields: Fields): Promise<Judge | undefined> => {
        // dynalite ends with its process on what is no attribute at all.
        if (!Object.values(fields).every(isAttribute)) return undefined;
        const Item = { ...(binary(fields) as Record<string, AttributeValue>), pk: { S: 'dynamodb' }, id: { S: 'one' } };
        const refused = await dynamodb
          .send(new PutItemCommand({ TableName: notes.table, Item }))
          .catch((error) => error);
        return refused instanceof Error ? undefined : { mayFail: false, text: textIn(fields.text, 'S') };
      },
      mongodb: async (fields: Fields): Promise<Judge | undefined> => {
        const made = attempt(() => BSON.EJSON.deserialize(fields as never, { relaxed: false }));
        if (typeof made !== 'object' || made === null || Array.isArray(made)) return undefined;
        const kept = { ...made, pk: 'mongodb', id: 'one' };
        const { text } = made as Fields;
        const refused = await notes.db
          .collection('notes')
          .replaceOne({ pk: 'mongodb', id: 'one' }, kept, { upsert: true })
          .catch((error) => error);
        if (refused instanceof Error) return undefined;
        const found = await notes.db
          .collection('notes')
          .findOne(
            { pk: 'mongodb' },
            { promoteValues: false, projection: Object.fromEntries(PROPERTIES.map((one) => [one, 1])) },
          );
        // Not every map can be written as extended JSON: one that has an attribute `_bsontype` cannot.
        const stored = attempt(() => BSON.EJSON.stringify(found, { relaxed: false }));
        return {
          mayFail: stored === undefined || UNDECODABLE.test(stored) || hasBadDate(stored),
          // BSON is UTF-8: half a surrogate pair is stored as U+FFFD.
          text: typeof text === 'string' ? text.toWellFormed() : undefined,
        };
      },
    };
    return async ({ store: name, item: { free } }) => {
      if (!Object.hasOwn(store, name) || typeof free !== 'object' || free === null || Array.isArray(free))
        return 'no item';
      const judge = await store[name](free as Fields);
      if (judge === undefined) return `${name} does not take it`;
      const headers = { 'x-tenant-id': name };
      const one = await notes.facade.get('/notes/one', headers);
      const list = await notes.facade.get('/notes?shelf=o', headers);
      must(one.status === list.status, 'an item fails alone or in a list only', [one.text, list.text]);
      if (one.status === 500 && judge.mayFail) return `${name} cannot be decoded`;
      must(one.status === 200, `a ${one.status} for a stored value`, one.text);
      for (const { text, json } of [one, list]) must(json !== undefined, 'a body that is no JSON', text);
      must(JSON.stringify(list.json.notes) === JSON.stringify([one.json]), 'an item differs in a list', [
        one.text,
        list.text,
      ]);
      must(one.json.id === 'one', 'another item', one.text);
      const undeclared = Object.keys(one.json).find((property) => !DECLARED.has(property));
      must(undeclared === undefined, 'a property that the contract has not', undeclared);
      must(judge.text === undefined || one.json.text === judge.text, 'another text', [judge.text, one.json.text]);
      return `${name} ${Object.keys(one.json).join()}`;
    };
  },
};

interface Judge {
  /** No JSON says what is stored. */
  readonly mayFail: boolean;
  readonly text: string | undefined;
}

const UNDECODABLE =
  /"\$(numberDouble|numberDecimal)":"(-?Infinity|NaN)"|"\$(timestamp|regularExpression|code|minKey|maxKey|dbPointer|symbol|undefined|ref)"/;
const DATE = /"\$date":\{"\$numberLong":"(-?\d+)"\}/g;
const hasBadDate = (text: string): boolean => [...text.matchAll(DATE)].some(([, ms]) => Math.abs(Number(ms)) > 8.64e15);

const textIn = (value: Json | undefined, kind: string): string | undefined => {
  const inner = typeof value === 'object' && value !== null ? (value as Fields)[kind] : undefined;
  return typeof inner === 'string' ? inner : undefined;
};

/** Whether it has the form of DynamoDB JSON; what it says may be wrong. */
function isAttribute(value: Json): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const [[kind, inner] = ['', null], ...others] = Object.entries(value);
  if (others.length > 0) return false;
  if (kind === 'S' || kind === 'N' || kind === 'B') return typeof inner === 'string';
  if (kind === 'BOOL' || kind === 'NULL') return typeof inner === 'boolean';
  if (kind === 'M')
    return (
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) && Object.values(inner).every(isAttribute)
    );
  if (!Array.isArray(inner)) return false;
  return kind === 'L'
    ? inner.every(isAttribute)
    : /^[SNB]S$/.test(kind) && inner.every((one) => typeof one === 'string');
}

/** DynamoDB JSON with its bytes as the SDK takes them. */
function binary(value: Json): unknown {
  if (Array.isArray(value)) return value.map(binary);
  if (typeof value !== 'object' || value === null) return value;
  const decode = (text: unknown) => (typeof text === 'string' ? Buffer.from(text, 'base64') : text);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      if (name === 'B') return [name, decode(inner)];
      if (name === 'BS' && Array.isArray(inner)) return [name, inner.map(decode)];
      return [name, binary(inner)];
    }),
  );
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
