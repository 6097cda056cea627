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

/** Bytes of a text as hex, and whether they are UTF-8. */
const UTF8: readonly (readonly [hex: string, good: boolean])[] = [
  ...(['00', '1f', '20', '22', '5c', '7f'] as const).map((hex) => [hex, true] as const),
  ...(['80', 'bf', 'c080', 'c180', 'c1bf', 'f5808080', 'f8', 'ff'] as const).map((hex) => [hex, false] as const),
  ...[['c280', true] as const, ['c2bf', true] as const, ['dfbf', true] as const, ['df80', true] as const],
  ...[['c27f', false] as const, ['c2c0', false] as const, ['df41', false] as const],
  ...[['e0a080', true] as const, ['e0bfbf', true] as const, ['e09fbf', false] as const, ['e08080', false] as const],
  ...[['e18080', true] as const, ['ecbfbf', true] as const, ['ee8080', true] as const, ['efbfbf', true] as const],
  ...[['ed9fbf', true] as const, ['eda080', false] as const, ['edbfbf', false] as const],
  ...[['e17f80', false] as const, ['e1c080', false] as const, ['e1807f', false] as const, ['e180c0', false] as const],
  ...[['f0908080', true] as const, ['f0bfbfbf', true] as const, ['f08fbfbf', false] as const],
  ...[['f1808080', true] as const, ['f3bfbfbf', true] as const, ['f48fbfbf', true] as const],
  ...[['f4908080', false] as const, ['f180807f', false] as const, ['f18080c0', false] as const],
  ...[['f17f8080', false] as const, ['f1c08080', false] as const, ['f1807f80', false] as const],
  ...[['f180c080', false] as const, ['f18041bf', false] as const],
];
for (const [hex, good] of UTF8)
  t.test(`${hex} is ${good ? '' : 'not '}UTF-8`, async (t) => {
    const bytes = Buffer.from(hex, 'hex');
    const wanted = (text: string) => (good ? JSON.stringify(text) : 'none');
    for (const [before, behind] of [
      ['', ''],
      ['a', ''],
      ['', 'b'],
      ['abc', 'd'],
      ['abcd', 'efgh'],
      ['é', 'é'],
    ] as const) {
      const all = Buffer.concat([Buffer.from(before), bytes, Buffer.from(behind)]);
      // What is beyond its end is none of it.
      const around = Buffer.concat([Buffer.from('"'), all, Buffer.from([0x80, 0x80, 0x80])]);
      t.equal(
        made(() => out.string(around, 1, 1 + all.length)),
        wanted(`${before}${bytes}${behind}`),
      );
      if (good && bytes.length > 1 && behind === '')
        for (let less = 1; less < bytes.length; less += 1)
          t.equal(
            made(() => out.string(around, 1, 1 + all.length - less)),
            'none',
            `without its last ${less}`,
          );
    }
  });

t.test('each byte of ASCII, as JSON.stringify writes it', async (t) => {
  for (let code = 0; code < 0x80; code += 1) {
    const text = String.fromCharCode(code);
    for (const one of [text, `abcd${text}`, `${text}abcd`, `ab${text}c`]) {
      const bytes = Buffer.from(one);
      t.equal(
        made(() => out.string(bytes, 0, bytes.length)),
        JSON.stringify(one),
      );
    }
  }
});

t.test('bytes as base64 and as hex, of any length, and nothing of what is around them', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 400 }, (_, at) => (at * 167 + 255) % 256));
  for (let size = 0; size < 130; size += 1)
    for (const start of [0, 1, 200]) {
      const one = bytes.subarray(start, start + size);
      t.equal(
        made(() => out.base64(bytes, start, start + size)),
        `"${one.toString('base64')}"`,
      );
      t.equal(
        made(() => out.hex(bytes, start, start + size)),
        one.toString('hex'),
      );
    }
});

const CONTROL = Buffer.from('\u0001'.repeat(9));
const BYTES = Buffer.from(
  'any bytes that there are, as many as make more than a hundred, so that Node writes them by itself: 12345',
);
const ROOMS: readonly (readonly [what: string, write: (out: JsonOut) => unknown, written: string])[] = [
  ['a text of escapes', (out) => out.string(CONTROL, 0, 9), JSON.stringify(String(CONTROL))],
  ['no text', (out) => out.string(CONTROL, 0, 0), '""'],
  ['a number', (out) => out.integer(-1_234_567_890_123), '-1234567890123'],
  ['a small number', (out) => out.integer(7), '7'],
  ['a fraction', (out) => out.fraction(-123_456_789.25), '-123456789.25'],
  ['a long fraction', (out) => out.fraction(-1.2345678901234567e-100), '-1.2345678901234567e-100'],
  ['a moment', (out) => out.date(0, false), '"1970-01-01T00:00:00.000Z"'],
  ['hex', (out) => out.hex(BYTES, 3, 20), BYTES.toString('hex', 3, 20)],
  ['bytes', (out) => out.base64(BYTES, 3, 20), `"${BYTES.toString('base64', 3, 20)}"`],
  ['many bytes', (out) => out.base64(BYTES, 0, BYTES.length), `"${BYTES.toString('base64')}"`],
  ['bytes that need no filling', (out) => out.base64(BYTES, 0, 9), `"${BYTES.toString('base64', 0, 9)}"`],
];
for (const [what, write, wanted] of ROOMS)
  t.test(`there is always room for ${what}`, async (t) => {
    for (let room = 0; room <= 2 * wanted.length + 30; room += 1) {
      const out = new JsonOut(room);
      write(out);
      if (out.take().toString() !== wanted) t.fail(`in room for ${room}`);
      const behind = new JsonOut(room + 5);
      behind.text('1234,');
      write(behind);
      if (behind.take().toString() !== `1234,${wanted}`) t.fail(`in room for ${room} behind others`);
    }
    t.ok(wanted.length > 0);
  });

t.test('room is made for what is written, wherever it was read from', async (t) => {
  const far = Buffer.alloc(1_000_000, 0x61);
  const out = new JsonOut(100);
  out.string(far, 999_990, 1_000_000);
  out.hex(far, 999_990, 1_000_000);
  out.base64(far, 999_990, 1_000_000);
  t.equal(out.bytes.length, 100);
});

t.test('a fraction of few digits is written without a text of it', async (t) => {
  class Watched extends JsonOut {
    texts = 0;

    override text(text: string): void {
      this.texts += 1;
      super.text(text);
    }
  }
  const out = new Watched();
  const texts = (value: number) => {
    const before = out.texts;
    out.fraction(value);
    t.equal(out.take().toString(), String(value));
    return out.texts - before;
  };
  t.strictSame([0.5, -0.25, 8.3, 999_999_999.5, 123_456_789.123456, 0.000001].map(texts), [0, 0, 0, 0, 0, 0]);
  t.strictSame([1e9 + 0.5, -1e9 - 0.5, 0.0000001, 0.1234567, 1 / 3].map(texts), [1, 1, 1, 1, 1]);
});
