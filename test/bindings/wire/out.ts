import t from 'tap';
import { pieceOf } from '../../../src/bindings/wire/json-out.ts';
import { Out } from '../../../src/bindings/wire/out.ts';

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
