import t from 'tap';
import { Out, pieceOf } from '../../../src/bindings/wire/out.ts';

t.test('what is copied is the same bytes, of any length and at any place', (t) => {
  const out = new Out();
  const source = Buffer.from('写真 ünï 0123456789 '.repeat(60));
  const want: Buffer[] = [];
  for (let size = 0; size < 500; size += 1) {
    const start = size % 37;
    out.copy(source, start, start + size);
    out.piece(pieceOf(source.subarray(start, start + (size % 30))));
    want.push(source.subarray(start, start + size), source.subarray(start, start + (size % 30)));
  }
  t.ok(out.take().equals(Buffer.concat(want)));
  t.end();
});

t.test('what was taken is never written upon, of whatever size', (t) => {
  const out = new Out();
  const sizes = Array.from({ length: 80 }, (_, at) => [0, 10, 4_096, 4_097, 20_000, 60_000, 70_000, 300_000][at % 8]);
  const taken = sizes.map((size, at) => {
    for (let i = 0; i < (size as number); i += 1) out.byte(at);
    return out.take();
  });
  t.same(
    taken.map(({ length }) => length),
    sizes,
  );
  t.ok(taken.every((bytes, at) => bytes.every((byte) => byte === at)));
  t.end();
});

t.test('only what was taken last is written upon again, once it is given back', (t) => {
  const out = new Out();
  const body = (value: number, size: number) => {
    for (let i = 0; i < size; i += 1) out.byte(value);
    return out.take();
  };
  const first = body(1, 20_000);
  const second = body(2, 20_000);
  out.giveBack(first);
  const third = body(3, 20_000);
  t.ok(first.every((byte) => byte === 1) && second.every((byte) => byte === 2), 'the first was not the last');
  out.giveBack(third);
  out.giveBack(third);
  const fourth = body(4, 10_000);
  out.giveBack(third);
  const fifth = body(5, 30_000);
  t.equal(fourth.byteOffset, third.byteOffset);
  t.equal(fourth.buffer, third.buffer);
  const all = [first, second, fourth, fifth];
  t.same(
    all.map((bytes) => [bytes.length, new Set(bytes).size, bytes[0]]),
    [
      [20_000, 1, 1],
      [20_000, 1, 2],
      [10_000, 1, 4],
      [30_000, 1, 5],
    ],
  );
  t.end();
});

t.test('what is being written stays while another is given back', (t) => {
  const out = new Out();
  for (let i = 0; i < 9_000; i += 1) out.byte(1);
  const first = out.take();
  out.text('begun');
  out.giveBack(first);
  t.equal(out.take().toString(), 'begun');
  t.ok(first.every((byte) => byte === 1));
  t.end();
});

t.test('a large body leaves no large buffer behind', (t) => {
  const out = new Out();
  const body = (size: number) => {
    for (let i = 0; i < size; i += 1) out.byte(1);
    return out.take();
  };
  const large = body(1_000_000);
  out.giveBack(large);
  const next = body(5_000);
  t.ok(next.buffer.byteLength < 100_000);
  t.end();
});

const PIECE = pieceOf(Buffer.from('x'));
const ROOMS: readonly (readonly [what: string, write: (out: Out) => unknown, written: string])[] = [
  ['a byte', (out) => out.byte(0x78), 'x'],
  ['a piece', (out) => out.piece(PIECE), 'x'],
  ['two pieces', (out) => [out.piece(PIECE), out.piece(pieceOf(Buffer.from('12345678')))], 'x12345678'],
  ['a whole', (out) => out.whole(Buffer.from('whole')), 'whole'],
  ['a copy', (out) => out.copy(Buffer.from('1234567890'), 2, 9), '3456789'],
  ['a copy of eight bytes', (out) => out.copy(Buffer.from('1234567890'), 1, 9), '23456789'],
  ['a copy of more', (out) => out.copy(Buffer.from('123456789012345678901'), 1, 20), '2345678901234567890'],
  ['a text', (out) => out.text('text'), 'text'],
  ['a text beyond ASCII', (out) => out.text('写真'), '写真'],
  ['a text of no ASCII, and short', (out) => out.text('é'), 'é'],
  ['what is first beyond ASCII', (out) => out.text('a\u0080'), 'a\u0080'],
  ['a text that ends beyond ASCII', (out) => out.text('the last one is é'), 'the last one is é'],
  ['no text', (out) => out.text(''), ''],
  ['a long text', (out) => out.text('a text of more than twenty-four'), 'a text of more than twenty-four'],
  ['a text of twenty-four', (out) => out.text('123456789012345678901234'), '123456789012345678901234'],
  ['a day', (out) => out.date(0, true), '"1970-01-01"'],
  ['a second', (out) => out.date(59_999, false, true), '"1970-01-01T00:00:59Z"'],
  ['a moment', (out) => out.date(86_399_999, false), '"1970-01-01T23:59:59.999Z"'],
];
for (const [what, write, wanted] of ROOMS)
  t.test(`there is always room for ${what}`, async (t) => {
    for (let room = 0; room <= 3 * wanted.length + 30; room += 1) {
      const out = new Out(room);
      write(out);
      t.equal(out.take().toString(), wanted, `in room for ${room}`);
    }
  });

t.test('what fits makes no new room', async (t) => {
  const room = (size: number, write: (out: Out) => unknown) => {
    const out = new Out(size);
    const { bytes } = out;
    write(out);
    return out.bytes === bytes;
  };
  const five = Buffer.from('12345');
  t.strictSame(
    [5, 4].map((size) => room(size, (out) => out.whole(five))),
    [true, false],
  );
  t.strictSame(
    [5, 4].map((size) => room(size, (out) => out.copy(five, 0, 5))),
    [true, false],
  );
  t.strictSame(
    [12, 11].map((size) => room(size, (out) => out.piece(pieceOf(five)))),
    [true, false],
  );
  t.strictSame(
    [15, 14].map((size) => room(size, (out) => out.text('12345'))),
    [true, false],
  );
  t.strictSame(
    [26, 25].map((size) => room(size, (out) => out.date(0, false))),
    [true, false],
  );
  t.strictSame(
    [1, 0].map((size) => room(size, (out) => out.byte(1))),
    [true, false],
  );
});

t.test('a view is made once for what is read from', async (t) => {
  const out = new Out();
  const [one, two] = [Buffer.from('one'), Buffer.from('two')];
  const view = out.viewFrom(one);
  t.equal(out.viewFrom(one), view);
  t.equal(out.viewFrom(two).getUint8(0), 0x74);
  t.not(out.viewFrom(one), view);
});

t.test('a short body is a copy, a longer one what was written itself', async (t) => {
  const taken = (size: number, room: number) => {
    const out = new Out(room);
    const { bytes } = out;
    out.copy(Buffer.alloc(size, 1), 0, size);
    const body = out.take();
    return { itself: body.buffer === bytes.buffer, left: out.bytes.length, body, bytes, out };
  };
  const of = (size: number, room: number) => {
    const { itself, left } = taken(size, room);
    return [itself, left];
  };
  t.strictSame(of(4_096, 65_536), [false, 65_536]);
  t.strictSame(of(4_097, 65_536), [true, 61_439]);
  t.strictSame(of(10, 262_144), [false, 262_144], 'the largest room that is kept');
  t.strictSame(of(10, 262_145), [false, 0]);
  t.strictSame(of(5_000, 262_144), [true, 257_144]);
  t.strictSame(of(5_000, 262_145), [true, 0]);
  const { out, body, bytes } = taken(5_000, 262_144);
  out.giveBack(body);
  t.equal(out.bytes, bytes);
});
