import { isDeepStrictEqual } from 'node:util';
import { marshall } from '@aws-sdk/util-dynamodb';
import fc from 'fast-check';
import { BSON, Decimal128, Double, Int32, Long, ObjectId, UUID } from 'mongodb';
import t, { type Test } from 'tap';
import { decodeItem, viewItem } from '../../src/drivers/dynamodb/decode.ts';
import { framed } from '../../src/drivers/dynamodb/frame.ts';
import { decodeDocument, viewDocument } from '../../src/drivers/mongodb/decode.ts';
import type { Item } from '../../src/model/call.ts';
import type { WireItem } from '../../src/model/wire.ts';

const NAMES = [
  'a',
  'ab',
  'name',
  'constructor',
  'toString',
  'é',
  'Ã©',
  'two words',
  'a"b',
  'a\\b',
  '写真',
  '',
  '$id',
  '__proto__',
];
const name = fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 8 }));

/** Each attribute by its name, names that it has not, then all: what a view shows is what is decoded. */
function sameOf(t: Test, wire: WireItem, decode: (item: WireItem) => Item, view: (item: WireItem) => Item): void {
  const whole = decode(wire);
  const seen = view(wire);
  const names = [...NAMES, ...Object.keys(whole)].filter((one) => one !== '__proto__');
  // By Node's comparison: tap's asks a value for its constructor, and here that is data.
  const wrong = names.filter((one) => !isDeepStrictEqual(seen[one], whole[one]));
  t.strictSame(wrong, []);
  t.ok(isDeepStrictEqual({ ...view(wire) }, { ...whole }), 'all of it');
  t.strictSame(Object.keys(seen), Object.keys(whole));
}

const scalar = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { weight: 5, arbitrary: scalar },
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(name, tie('any'), { maxKeys: 3 }),
  ),
})).any;

/** As it goes over the wire: bytes in base64. */
const wired = (given: unknown): unknown =>
  JSON.parse(
    JSON.stringify(given, function (this: Record<string, unknown>, key: string, shown: unknown) {
      const held = this[key];
      return held instanceof Uint8Array ? Buffer.from(held).toString('base64') : shown;
    }),
  );

t.test('a view of an item of DynamoDB is what is decoded of it', (t) => {
  const item = fc.dictionary(name, fc.oneof(value, fc.uint8Array({ minLength: 1 }), fc.constant(new Set(['x', 'y']))), {
    maxKeys: 8,
  });
  fc.assert(
    fc.property(item, (given) => {
      const bytes = Buffer.from(
        JSON.stringify({
          Item: wired(marshall(given, { allowImpreciseNumbers: true, convertClassInstanceToMap: true })),
        }),
      );
      const [wire] = framed(bytes).items;
      sameOf(t, wire as WireItem, decodeItem, viewItem);
    }),
    { seed: 8, numRuns: 300 },
  );
  t.end();
});

t.test('names that are there twice, or written with escapes, and what is no item of DynamoDB’s', (t) => {
  for (const text of [
    '{"Item":{"a":{"S":"first"},"a":{"S":"last"}}}',
    '{"Item":{"\\u0061":{"S":"escaped"},"b":{"N":"1"}}}',
    '{"Item":{"a":{"S":"x"},"\\u0061":{"S":"escaped, last"}}}',
    '{ "Item" : { "a" : { "S" : "spaced" } } }',
    '{"Item":{}}',
  ]) {
    const [wire] = framed(Buffer.from(text)).items;
    sameOf(t, wire as WireItem, decodeItem, viewItem);
  }
  t.end();
});

const plainName = name.filter((one) => !one.includes('\0'));
const valueWithoutZeros = fc.letrec((tie) => ({
  any: fc.oneof(
    { weight: 5, arbitrary: scalar },
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(plainName, tie('any'), { maxKeys: 3 }),
  ),
})).any;

t.test('a view of a document of MongoDB is what is decoded of it', (t) => {
  const own = fc.constantFrom(
    new ObjectId(),
    Long.fromString('9223372036854775807'),
    new Int32(5),
    new Double(1.5),
    Decimal128.fromString('1.10'),
    new UUID(),
    new Date(0),
    Buffer.from('bytes'),
    /a+/i,
    undefined,
  );
  const document = fc.dictionary(plainName, fc.oneof(valueWithoutZeros, own), { maxKeys: 8 });
  fc.assert(
    fc.property(document, (given) => {
      const bytes = Buffer.from(BSON.serialize(given, { ignoreUndefined: false }));
      const around = Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]);
      sameOf(t, { bytes: around, start: 6, end: 6 + bytes.length }, decodeDocument, viewDocument);
    }),
    { seed: 8, numRuns: 300 },
  );
  t.end();
});

t.test('an attribute whose bytes were changed is what is decoded of it, or neither can be', (t) => {
  const held = fc.oneof(
    valueWithoutZeros,
    fc.constantFrom(new Date(0), new Date(8.64e15), 'é', '写真', { b: { c: 'd' } }),
  );
  let [given, refused] = [0, 0];
  const outcome = (look: () => Item): unknown => {
    try {
      return { a: look().a };
    } catch (error) {
      return (error as Error).name;
    }
  };
  fc.assert(
    fc.property(held, fc.nat(), fc.integer({ min: 0, max: 255 }), (value, at, byte) => {
      const bytes = Buffer.from(BSON.serialize({ a: value }, { ignoreUndefined: false }));
      // Behind the length and the name: as much as the attribute is.
      const from = 7;
      if (bytes.length > from + 1) bytes[from + (at % (bytes.length - from - 1))] = byte;
      const wire = { bytes, start: 0, end: bytes.length };
      const wanted = outcome(() => decodeDocument(wire));
      const seen = outcome(() => viewDocument(wire));
      if (!isDeepStrictEqual(seen, wanted)) t.fail(bytes.toString('hex'), { seen, wanted });
      if (typeof wanted === 'string') refused += 1;
      else given += 1;
    }),
    { seed: 8, numRuns: 5_000 },
  );
  t.ok(given > 1_000 && refused > 300, `${given} were decoded and ${refused} were not`);
  t.end();
});
