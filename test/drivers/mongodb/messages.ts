import fc from 'fast-check';
import { Binary, BSON, Decimal128, Double, Int32, Long, ObjectId, UUID } from 'mongodb';
import t from 'tap';
import { BsonOut } from '../../../src/drivers/mongodb/bson-out.ts';
import type { FindRequest } from '../../../src/drivers/mongodb/find.ts';
import { findMessages, plainMessages } from '../../../src/drivers/mongodb/message.ts';
import type { Sort } from '../../../src/model/call.ts';

const RUNS = Number(process.env.MESSAGE_CASES ?? 3_000);
const SEED = Number(process.env.MESSAGE_SEED ?? 8);

class Own {
  readonly a = 1;
}

const usual = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.integer(),
  fc.double(),
  fc.constantFrom(-0, 0, 2 ** 31, -(2 ** 31), 2 ** 31 - 1, 2 ** 53, Number.NaN, 1e300, Number.NEGATIVE_INFINITY),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.date(),
  fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
);
const unusual = fc.constantFrom<unknown>(
  ...[Long.fromString('9223372036854775807'), new Int32(5), new Double(5), Decimal128.fromString('1.10'), new UUID()],
  ...[new Binary(Buffer.from('b')), Buffer.from('bytes'), /a+/i, 5n, () => 1, Symbol('s'), new Date(Number.NaN)],
  ...[new Own(), new Map([['a', 1]]), { toBSON: () => 'made' }, { $ref: 'a', $id: 1 }, { _bsontype: 'None' }],
  ...[
    { 'a\0b': 1 },
    Object.assign(Object.create(null), { a: 1 }),
    Object.create({ inherited: 1 }),
    '\ud800',
    new Array(1),
  ],
);
const name = fc.oneof(
  fc.constantFrom('tenantId', '$gt', '$in', '__proto__', 'é', '写真', 'a.b', '', '7'),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { weight: 6, arbitrary: usual },
    { weight: 1, arbitrary: unusual },
    fc.array(tie('value'), { maxLength: 12 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
}));
const filter = fc.dictionary(name, value, { maxKeys: 5 }) as fc.Arbitrary<Record<string, unknown>>;
const count = fc.oneof(fc.constantFrom(0, 1, 2, 50, 101, 2 ** 31 - 1, 2 ** 31, 2 ** 40), fc.nat());
const request: fc.Arbitrary<FindRequest> = fc.record(
  {
    collection: fc.constantFrom('members', 'a-rather-long-name-of-a-collection_1.part'),
    filter,
    sort: fc.constantFrom<Sort | undefined>(undefined, {}, { sk: -1 }, { a: 1, 'b.c': -1 }),
    projection: fc.oneof(fc.constantFrom(undefined, {}, { _id: 0 }), filter),
    skip: fc.option(count, { nil: undefined }),
    limit: fc.option(count, { nil: undefined }),
  },
  { requiredKeys: ['collection', 'filter'] },
);

const outcome = (make: () => Uint8Array): string => {
  try {
    return Buffer.from(make()).toString('hex');
  } catch (error) {
    return (error as Error).message;
  }
};

t.test(`${RUNS} requests: what is written is what the driver’s library writes`, async (t) => {
  const tails = [
    { $db: 'test' },
    { readConcern: { level: 'majority' }, $db: 'crossfade', $readPreference: { mode: 'primaryPreferred' } },
  ];
  for (const tail of tails) {
    const [own, plain] = [findMessages(tail), plainMessages(tail)];
    let refused = 0;
    fc.assert(
      fc.property(request, fc.nat(), fc.integer({ min: 1, max: 600_000 }), (one, id, milliseconds) => {
        const wanted = outcome(() => plain(one, id, milliseconds));
        const made = outcome(() => own(one, id, milliseconds));
        if (!/^[0-9a-f]*$/.test(wanted)) refused += 1;
        return made === wanted;
      }),
      { seed: SEED, numRuns: RUNS },
    );
    t.ok(refused < RUNS / 2, `${refused} cannot be written`);
  }
});

t.test('usual filters are written without the library, and no other', async (t) => {
  const out = new BsonOut();
  const written = (given: object): Buffer | undefined => {
    out.begin(0);
    return out.document(given) ? Buffer.from(out.bytes.subarray(0, out.at)) : undefined;
  };
  const usualFilters = [
    { tenantId: 'acme', userId: 'u-1' },
    { _id: new ObjectId(), at: { $gte: new Date(0), $lt: new Date(-1) }, $or: [{ a: null }, { b: [1, 2.5, true] }] },
    { a: undefined, b: 'ü'.repeat(5_000), c: Array.from({ length: 2_000 }, (_, n) => `id-${n}`) },
    {},
  ];
  for (const given of usualFilters)
    t.strictSame(written(given), Buffer.from(BSON.serialize(given, { ignoreUndefined: false })));
  const round: Record<string, unknown> = {};
  round.round = round;
  const deep = Array.from({ length: 30 }).reduce<object>((inner) => ({ inner }), {});
  for (const given of [{ a: 5n }, { a: /x/ }, { a: new Own() }, { 'a\0': 1 }, { a: Long.ONE }, round, deep])
    t.equal(written(given), undefined);
});
