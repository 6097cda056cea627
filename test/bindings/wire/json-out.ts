import fc from 'fast-check';
import t from 'tap';
import { JsonOut } from '../../../src/bindings/wire/json-out.ts';
import { pieceOf } from '../../../src/bindings/wire/out.ts';

const DAY = 86_400_000;
const CASES = Number(process.env.CASES ?? 20_000);
const RUNS = { seed: 8, numRuns: CASES };

/** And what is written with an escape. */
const ASCII = [...Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n)), '\n', '"', '\\'];

const out = new JsonOut();
const made = (write: () => unknown): string => {
  const said = write();
  return said === false ? 'none' : out.take().toString();
};

t.test('days of the years 0 to 9999, all of the first 450 years, and none beyond', async (t) => {
  const wrong: number[] = [];
  const step = CASES < 20_000 ? 7 : 1;
  for (let day = -719_528; day <= 2_932_896; day += day < -719_528 + 450 * 366 || day > 2_932_000 ? step : 29) {
    const wanted = `"${new Date(day * DAY).toISOString().slice(0, 10)}"`;
    if (made(() => out.date(day * DAY, true)) !== wanted) wrong.push(day);
  }
  t.strictSame(wrong, []);
  for (const day of [-719_529, 2_932_897, Number.NaN]) t.equal(out.date(day * DAY, true), false);
});

t.test('moments', async () => {
  const moment = fc.integer({ min: -719_528 * DAY, max: 2_932_897 * DAY - 1 });
  fc.assert(
    fc.property(moment, (millis) => made(() => out.date(millis, false)) === `"${new Date(millis).toISOString()}"`),
    RUNS,
  );
});

t.test('whole numbers', async (t) => {
  const edges = [0, -0, 1, 9, 10, 999_999_999, 1e9, 2 ** 31 - 1, 2 ** 31, 1e15, Number.MAX_SAFE_INTEGER];
  for (const value of edges.flatMap((one) => [one, -one, one + 1, one - 1]).filter(Number.isSafeInteger))
    t.equal(
      made(() => out.integer(value)),
      String(value),
    );
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => made(() => out.integer(value)) === String(value)),
    RUNS,
  );
});

t.test('fractions, those of few digits by themselves and all others', async (t) => {
  const edges = [0.1, 0.5, 1e-6, 1e-7, 1.5e-7, 0.3 + 0.1 + 0.2, 999_999_999.999999, 1e9 + 0.5, 5e-324, 1.7e308, 2.675];
  for (const value of edges.flatMap((one) => [one, -one]))
    t.equal(
      made(() => out.fraction(value)),
      String(value),
    );
  const short = fc
    .tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.nat({ max: 7 }))
    .map(([digits, places]) => digits / 10 ** places);
  const near = short.map((value) => value * (1 + Number.EPSILON));
  const any = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.oneof(short, near, any), (value) => {
      if (Number.isInteger(value)) return true;
      return made(() => out.fraction(value)) === String(value);
    }),
    { ...RUNS, numRuns: 1.5 * CASES },
  );
});

t.test('strings of any bytes, wherever they stand', async () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }).map((one) => Buffer.from(one)),
    fc.string({ unit: fc.constantFrom(...ASCII), maxLength: 40 }).map((one) => Buffer.from(one)),
    fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(text, fc.nat({ max: 9 }), fc.nat({ max: 3 }), (bytes, before, behind) => {
      const around = Buffer.concat([Buffer.alloc(before, 0x22), bytes, Buffer.alloc(behind, 0xc3)]);
      let wanted = 'none';
      try {
        wanted = JSON.stringify(decoder.decode(bytes));
      } catch {
        // No UTF-8.
      }
      return made(() => out.string(around, before, before + bytes.length)) === wanted;
    }),
    { ...RUNS, numRuns: 0.4 * CASES },
  );
});

t.test('pieces one behind the other, beyond what there was room for', async (t) => {
  const texts = Array.from({ length: 40 }, (_, length) => 'é'.repeat(length >> 1) + 'x'.repeat(length));
  for (let round = 0; round < 100; round += 1) for (const text of texts) out.piece(pieceOf(Buffer.from(text)));
  t.equal(out.take().toString(), texts.join('').repeat(100));
});
