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
