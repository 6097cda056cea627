import { Binary, BSON, Decimal128, Double, Int32, Long, MaxKey, ObjectId, Timestamp, UUID } from 'mongodb';
import t from 'tap';
import { Undecodable } from '../../../src/bindings/codecs.ts';
import { compileScalar, writeNatural, writeNull } from '../../../src/bindings/wire/bson-scalar.ts';
import { BAIL } from '../../../src/bindings/wire/bson-walk.ts';
import { JsonOut } from '../../../src/bindings/wire/json-out.ts';
import type { ScalarNode } from '../../../src/bindings/wire/program.ts';

/** Tells which moments were written without a text of them. */
class Watched extends JsonOut {
  moments = 0;

  override date(millis: number, dayOnly: boolean, seconds?: boolean): boolean {
    this.moments += 1;
    return super.date(millis, dayOnly, seconds);
  }
}

const out = new Watched();

/** A value as MongoDB sends it, in the middle of other bytes; `change` is given the value's alone. */
function sent(value: unknown, change: (bytes: Buffer) => void = () => {}) {
  const bytes = Buffer.concat([Buffer.from([9, 9, 9]), BSON.serialize({ v: value }), Buffer.from([9, 9])]);
  const [start, end] = [3 + 4 + 3, bytes.length - 3];
  change(bytes.subarray(start, end));
  return [bytes, bytes[3 + 4] as number, start, end] as const;
}

type Sent = ReturnType<typeof sent>;

/** `undefined` where the plain renderer is to do it. */
function written(write: (...value: Sent) => void, value: Sent): string | undefined {
  out.clear();
  try {
    write(...value);
    return out.take().toString();
  } catch (error) {
    if (error === BAIL || error instanceof Undecodable) return undefined;
    throw error;
  }
}

const scalar = (type: ScalarNode['type'], more: Partial<ScalarNode> = {}): ScalarNode => ({
  ...{ kind: 'scalar', type, format: undefined, codec: undefined, nullable: false },
  ...more,
});

const ID = '65f0c0ffee65f0c0ffee0001';
const GUID = '123e4567-e89b-12d3-a456-426614174000';
const MOMENT = new Date('2026-01-05T08:00:00.123Z');
const BYTES = new Binary(Buffer.from('abcd'));

/** Kinds of the contract's types that take a value. */
const TEXT = ['string', 'null', 'any'] as const;
const NUMBER = ['number', 'null', 'any'] as const;
const WHOLE = ['number', 'integer', 'null', 'any'] as const;

const values: [what: string, value: unknown, written: string | undefined, types: readonly ScalarNode['type'][]][] = [
  ['a text', 'a "text" é😀\n', JSON.stringify('a "text" é😀\n'), TEXT],
  ['an empty text', '', '""', TEXT],
  ['an id', new ObjectId(ID), `"${ID}"`, TEXT],
  ['a UUID', new UUID(GUID), `"${GUID}"`, TEXT],
  ['bytes', BYTES, '"YWJjZA=="', TEXT],
  ['no bytes', new Binary(Buffer.alloc(0)), '""', TEXT],
  ['a moment', MOMENT, '"2026-01-05T08:00:00.123Z"', TEXT],
  ['a moment before 1970', new Date(-1), '"1969-12-31T23:59:59.999Z"', TEXT],
  ['the first moment', new Date('0000-01-01T00:00:00Z'), '"0000-01-01T00:00:00.000Z"', TEXT],
  ['a moment beyond years', new Date('+010000-01-01T00:00:00Z'), undefined, []],
  ['true', true, 'true', ['boolean', 'null', 'any']],
  ['false', false, 'false', ['boolean', 'null', 'any']],
  ['7', new Int32(7), '7', WHOLE],
  ['-7', new Int32(-7), '-7', WHOLE],
  ['the least of 32 bits', new Int32(-2_147_483_648), '-2147483648', WHOLE],
  ['a long', Long.fromString('4294967296'), '4294967296', WHOLE],
  ['a negative long', Long.fromString('-4294967297'), '-4294967297', WHOLE],
  ['a long beyond a double', Long.fromString('9007199254740993'), '9007199254740993', WHOLE],
  ['the least long', Long.MIN_VALUE, '-9223372036854775808', WHOLE],
  ['a double', new Double(8.3), '8.3', NUMBER],
  ['a whole double', new Double(100), '100', WHOLE],
  ['a large double', new Double(1e30), '1e+30', WHOLE],
  ['minus nothing', new Double(-0), '0', WHOLE],
  ['NaN', new Double(Number.NaN), undefined, []],
  ['infinity', new Double(Number.POSITIVE_INFINITY), undefined, []],
  ['a decimal', Decimal128.fromString('1.50'), '1.5', NUMBER],
  ['a whole decimal', Decimal128.fromString('100.0'), '100', WHOLE],
  ['a negative decimal', Decimal128.fromString('-0.25'), '-0.25', NUMBER],
  [
    'the longest decimal',
    Decimal128.fromString('9999999999999999999999999999999999'),
    '9999999999999999999999999999999999',
    WHOLE,
  ],
  ['a small decimal', Decimal128.fromString('1E-7'), '1e-7', NUMBER],
  ['a large decimal', Decimal128.fromString('1.5E30'), '1.5e+30', WHOLE],
  ['a decimal that is none', Decimal128.fromString('NaN'), undefined, []],
  ['a decimal without end', Decimal128.fromString('-Infinity'), undefined, []],
  ['a time stamp', new Timestamp({ t: 1, i: 1 }), undefined, []],
  ['a key of the store', new MaxKey(), undefined, []],
];
for (const [what, value, wanted, types] of values)
  t.test(`${what} is written as ${wanted}`, async (t) => {
    t.equal(
      written((...given) => writeNatural(out, ...given), sent(value)),
      wanted,
      'by its own nature',
    );
    for (const type of ['string', 'number', 'integer', 'boolean', 'null', 'any'] as const)
      t.equal(written(compileScalar(scalar(type), out), sent(value)), types.includes(type) ? wanted : undefined, type);
  });

t.test('nothing, where it may be', async (t) => {
  t.equal(
    written((...given) => writeNatural(out, ...given), sent(null)),
    'null',
  );
  t.equal(
    written(() => writeNull(out), sent(null)),
    'null',
  );
  for (const codec of [undefined, 'epoch-millis'] as const) {
    t.equal(written(compileScalar(scalar('string', { codec }), out), sent(null)), undefined);
    t.equal(written(compileScalar(scalar('string', { codec, nullable: true }), out), sent(null)), 'null');
    t.equal(written(compileScalar(scalar('null', { codec }), out), sent(null)), 'null');
  }
});

t.test('the day of a moment, where the contract has days', async (t) => {
  t.equal(written(compileScalar(scalar('string', { format: 'date' }), out), sent(MOMENT)), '"2026-01-05"');
});

const damaged: [what: string, value: unknown, change: (bytes: Buffer) => void][] = [
  ['a text without its end', 'text', (bytes) => bytes.writeUInt8(0x20, bytes.length - 1)],
  ['a text that is no UTF-8', 'text', (bytes) => bytes.writeUInt8(0xff, 4)],
  ['a truth that is neither', true, (bytes) => bytes.writeUInt8(2, 0)],
  ['bytes of the old kind', BYTES, (bytes) => bytes.writeUInt8(2, 4)],
  ['a UUID of four bytes', BYTES, (bytes) => bytes.writeUInt8(4, 4)],
  ['a decimal as nobody writes it', Decimal128.fromString('1'), (bytes) => bytes.writeUInt8(0x60, 15)],
  ['a decimal of too many digits', Decimal128.fromString('1'), (bytes) => bytes.fill(0xff, 0, 14).writeUInt8(0x41, 14)],
];
for (const [what, value, change] of damaged)
  t.test(`for the plain renderer: ${what}`, async (t) => {
    const given = sent(value, change);
    t.equal(
      written((...one) => writeNatural(out, ...one), given),
      undefined,
    );
    t.equal(written(compileScalar(scalar('any'), out), given), undefined);
    if (!what.startsWith('a UUID'))
      t.equal(written(compileScalar(scalar('any', { codec: 'string' }), out), given), undefined);
  });

t.test('other kinds of bytes are bytes', async (t) => {
  const other = sent(new Binary(Buffer.from('abcd'), 0x80));
  t.equal(
    written((...given) => writeNatural(out, ...given), other),
    '"YWJjZA=="',
  );
});

const coded: [what: string, node: ScalarNode, value: unknown, written: string | undefined][] = [
  ['a day', scalar('string', { codec: 'date' }), MOMENT, '"2026-01-05"'],
  ['to the second', scalar('string', { codec: 'iso8601-seconds' }), MOMENT, '"2026-01-05T08:00:00Z"'],
  ['to the millisecond', scalar('string', { codec: 'iso8601-millis' }), MOMENT, '"2026-01-05T08:00:00.123Z"'],
  ['of any kind', scalar('any', { codec: 'date' }), MOMENT, '"2026-01-05"'],
  ['where a number is wanted', scalar('integer', { codec: 'date' }), MOMENT, undefined],
  ['a moment as a number', scalar('integer', { codec: 'epoch-millis' }), MOMENT, '1767600000123'],
  ['a moment as a number of seconds', scalar('integer', { codec: 'epoch-seconds' }), MOMENT, '1767600000'],
  [
    'a number as a moment',
    scalar('string', { codec: 'epoch-millis', format: 'date-time' }),
    Long.fromString('1767600000123'),
    '"2026-01-05T08:00:00.123Z"',
  ],
  ['a text as a number', scalar('number', { codec: 'number' }), '7.50', '7.5'],
  ['a fraction where none is wanted', scalar('integer', { codec: 'number' }), '7.5', undefined],
  ['a whole number where one is wanted', scalar('integer', { codec: 'number' }), '7.0', '7'],
  ['a number as text', scalar('string', { codec: 'string' }), new Int32(7), '"7"'],
  ['a double as text', scalar('string', { codec: 'string' }), new Double(1.5), '"1.5"'],
  ['a long as text', scalar('string', { codec: 'string' }), Long.fromString('9007199254740993'), '"9007199254740993"'],
  ['a decimal as text', scalar('string', { codec: 'decimal(2)' }), Decimal128.fromString('1.5'), '"1.50"'],
  ['a text where a number is wanted', scalar('number', { codec: 'string' }), new Int32(7), undefined],
  ['an id as text', scalar('string', { codec: 'string' }), new ObjectId(ID), `"${ID}"`],
  ['bytes as hex', scalar('string', { codec: 'hex' }), BYTES, '"61626364"'],
  ['true as text', scalar('string', { codec: 'string' }), true, '"true"'],
  ['false as text', scalar('string', { codec: 'string' }), false, '"false"'],
  ['true as text where a truth is wanted', scalar('boolean', { codec: 'string' }), true, undefined],
  ['false as text where a truth is wanted', scalar('boolean', { codec: 'string' }), false, undefined],
  ['a truth where a number is wanted', scalar('number', { codec: 'string' }), true, undefined],
  ['a number where a truth is wanted', scalar('boolean', { codec: 'number' }), new Int32(7), undefined],
  ['anything where nothing is wanted', scalar('null', { codec: 'number' }), new Int32(7), '7'],
  ['a UUID by a codec', scalar('string', { codec: 'hex' }), new UUID(GUID), undefined],
  ['no scalar', scalar('any', { codec: 'string' }), new MaxKey(), undefined],
];
for (const [what, node, value, wanted] of coded)
  t.test(`by a codec: ${what}`, async (t) => {
    const before = out.moments;
    t.equal(written(compileScalar(node, out), sent(value)), wanted);
    t.equal(
      out.moments > before,
      value === MOMENT && wanted?.startsWith('"') === true,
      'moments without a text of them',
    );
  });
