import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { Binary, Decimal128, Long, ObjectId, UUID } from 'mongodb';
import t from 'tap';
import { bytesOf, compileEncode, fromJsonText, naturalScalar, Undecodable } from '../../src/bindings/codecs.ts';
import { createShapes } from '../../src/contract/shape.ts';
import type { Codec } from '../../src/model/binding.ts';

const shapeOf = createShapes(() => undefined);
const [text, number, day, moment] = [
  { type: 'string' },
  { type: 'number' },
  { type: 'string', format: 'date' },
  { type: 'string', format: 'date-time' },
];

const date = new Date('2026-11-21T12:34:56.789Z');
const uuid = '0f0e0d0c-0b0a-4908-8706-050403020100';
const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
const at = (ms: number) => new Date(ms);

/** A schema, a codec, a stored value → its JSON, or what is said of it. */
const ROWS: readonly (readonly [object, Codec | undefined, unknown, string | RegExp])[] = [
  // By its own nature
  [text, undefined, 'Zoë "x"', '"Zoë \\"x\\""'],
  [text, undefined, null, 'null'],
  [text, undefined, true, 'true'],
  [text, undefined, 8.3, '8.3'],
  [text, undefined, 12n, '12'],
  [text, undefined, date, '"2026-11-21T12:34:56.789Z"'],
  [moment, undefined, date, '"2026-11-21T12:34:56.789Z"'],
  [day, undefined, date, '"2026-11-21"'],
  [text, undefined, new ObjectId('0123456789abcdef01234567'), '"0123456789abcdef01234567"'],
  [text, undefined, new UUID(uuid), `"${uuid}"`],
  [text, undefined, new Binary(Buffer.from('abc')), '"YWJj"'],
  [text, undefined, Buffer.from('abc'), '"YWJj"'],
  [text, undefined, new Map(), /^a Map cannot be written$/],
  [text, undefined, Object.create(null), /^a object cannot be written$/],
  [text, undefined, at(Number.NaN), /^a Date cannot be written$/],
  // Numbers
  [number, 'decimal(2)', 8, '8.00'],
  [number, 'decimal(2)', '8.5', '8.50'],
  [text, 'decimal(2)', 8, '"8.00"'],
  [number, 'decimal(12)', 8.5, '8.500000000000'],
  [number, 'decimal(0)', 8, '8'],
  [number, 'decimal(1)', 8.25, /^a number has more than 1 decimals$/],
  [number, 'decimal(1)', 'eight', /^a text is no number$/],
  [number, 'decimal(1)', true, /^a Boolean is no number$/],
  [number, 'decimal(1)', null, /^a object is no number$/],
  [number, 'decimal(1)', new Map(), /^a Map is no number$/],
  [text, 'decimal-string', Decimal128.fromString('1E+3'), '"1000"'],
  [text, 'decimal-string', 1e-7, '"0.0000001"'],
  [text, 'decimal-string', '1e10001', /^no number$/],
  [number, 'number', '12.50', '12.5'],
  [number, 'number', Long.fromString('9007199254740993'), '9007199254740993'],
  [number, 'number', NumberValue.from('9007199254740993'), '9007199254740993'],
  [text, 'number', 'x', /^a text is no number$/],
  // Texts
  [text, 'string', 12.5, '"12.5"'],
  [text, 'string', true, '"true"'],
  [text, 'string', 'x', '"x"'],
  [text, 'string', Buffer.from('Zoë'), '"Zoë"'],
  [text, 'string', null, /^a object is no text$/],
  [text, 'string', new Map(), /^a Map is no text$/],
  [text, 'hex', Buffer.from('abc'), '"616263"'],
  [text, 'hex', 'abc', /^no binary$/],
  // Dates
  [text, 'date', date, '"2026-11-21"'],
  [text, 'date', '2026-11-21', '"2026-11-21"'],
  [text, 'date', '2026-11-21T23:30:00-01:00', '"2026-11-22"'],
  [text, 'date', '2026-11-21t23:30:00.123456z', '"2026-11-21"'],
  [text, 'date', '2026-02-31', /^a String is no date$/],
  [text, 'date', '2026-13-01', /^a String is no date$/],
  [text, 'date', '2026-11-21T25:00:00Z', /^a String is no date$/],
  [text, 'date', '2026-11-21T12:34Z', /^a String is no date$/],
  [text, 'date', 'on 2026-11-21', /^a String is no date$/],
  [text, 'date', '2026-11-21 or so', /^a String is no date$/],
  [text, 'date', 17, /^a Number is no date$/],
  [text, 'date', null, /^a object is no date$/],
  [text, 'date', new Map(), /^a Map is no date$/],
  [text, 'iso8601-seconds', date, '"2026-11-21T12:34:56Z"'],
  [text, 'iso8601-millis', '2026-11-21T12:34:56Z', '"2026-11-21T12:34:56.000Z"'],
  [number, 'epoch-seconds', at(5_999), '5'],
  [number, 'epoch-millis', at(5_999), '5999'],
  [number, 'epoch-seconds', 17, '17'],
  [number, 'epoch-millis', 17, '17'],
  [number, 'epoch-seconds', '1970-01-01T00:00:05Z', '5'],
  [number, 'epoch-seconds', new Map(), /^a Map is no date$/],
  [moment, 'epoch-seconds', 5, '"1970-01-01T00:00:05.000Z"'],
  [moment, 'epoch-millis', 5, '"1970-01-01T00:00:00.005Z"'],
  [moment, 'epoch-millis', '5000', '"1970-01-01T00:00:05.000Z"'],
  [moment, 'epoch-millis', '-5000', '"1969-12-31T23:59:55.000Z"'],
  [moment, 'epoch-millis', '5000 ms', /^a String is no date$/],
  [moment, 'epoch-millis', 'at 5000', /^a String is no date$/],
  [moment, 'epoch-millis', date, '"2026-11-21T12:34:56.789Z"'],
  [moment, 'epoch-millis', new Map(), /^a Map is no date$/],
  [moment, 'epoch-millis', 1e30, /^no date$/],
  [day, 'epoch-seconds', 86_400, '"1970-01-02"'],
  // UUIDs
  [text, 'uuid', uuid.toUpperCase(), `"${uuid}"`],
  [text, 'uuid', new UUID(uuid), `"${uuid}"`],
  [text, 'uuid', bytes, `"${uuid}"`],
  [text, 'uuid', new Binary(bytes), `"${uuid}"`],
  [text, 'uuid', bytes.subarray(1), /^no UUID$/],
  [text, 'uuid', new Map(), /^no UUID$/],
  [text, 'uuid', `${uuid}0`, /^no UUID$/],
  [text, 'uuid', `0${uuid}`, /^no UUID$/],
  [text, 'uuid', uuid.replaceAll('-', ''), /^no UUID$/],
  [text, 'uuid', uuid.replace('f', 'g'), /^no UUID$/],
  [text, 'uuid', 17, /^no UUID$/],
];

for (const [schema, codec, value, expected] of ROWS)
  t.test(`${JSON.stringify(schema)} ${codec} ${String(naturalScalar(value) ?? typeof value)}`, async (t) => {
    const encode = compileEncode(shapeOf(schema), codec);
    if (typeof expected === 'string') t.equal(encode(value), expected);
    else t.throws(() => encode(value), { name: 'Undecodable', message: expected });
  });

t.test('JSON in a text: numbers are whole, errors name the place', async (t) => {
  const read = fromJsonText('{"a":[1,12345678901234567890,"x"]}', '/j') as { a: unknown[] };
  t.same([read.a[0], read.a[2]], [1, 'x']);
  t.equal(naturalScalar(read.a[1]), '12345678901234567890');
  t.same(fromJsonText(Buffer.from('[1]'), '/j'), [1]);
  t.throws(() => fromJsonText('{', '/j'), { name: 'Undecodable', message: /^\/j: / });
  t.throws(() => fromJsonText('{', ''), { message: /^\/: / });
  t.ok(new Undecodable('x') instanceof Error);
});

t.test('bytes of either store, and of nothing else', async (t) => {
  const part = new Uint8Array(Buffer.from('xabcx').buffer, Buffer.from('xabcx').byteOffset, 0);
  t.equal(bytesOf(part)?.length, 0);
  const whole = Uint8Array.from([1, 2, 3, 4]);
  t.same(bytesOf(whole.subarray(1, 3)), Buffer.from([2, 3]));
  const binary = new Binary(Buffer.alloc(16));
  binary.position = 2;
  t.equal(bytesOf(binary)?.length, 2, 'what is filled');
  for (const none of [undefined, null, 'abc', 17, {}, new ObjectId()]) t.equal(bytesOf(none), undefined);
  t.equal(bytesOf({ _bsontype: 'Binary', buffer: Buffer.from('x'), position: 1 }), undefined, 'data of that name');
});
