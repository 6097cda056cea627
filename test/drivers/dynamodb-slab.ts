import t from 'tap';
import { Slab } from '../../src/drivers/dynamodb/slab.ts';

t.test('no body lies upon another, of whatever size', (t) => {
  const slab = new Slab();
  const sizes = Array.from({ length: 200 }, (_, at) => [0, 1, 4_095, 4_096, 30_000, 65_536, 65_537, 200_000][at % 8]);
  const taken = sizes.map((size, at) => slab.take(size as number).fill(at));
  t.same(
    taken.map(({ length }) => length),
    sizes,
  );
  t.ok(taken.every((bytes, at) => bytes.every((byte) => byte === at)));
  t.end();
});

t.test('what is given back is used again, once, and only by one', (t) => {
  const slab = new Slab();
  const first = slab.take(30_000);
  slab.giveBack(first);
  slab.giveBack(first);
  const second = slab.take(20_000);
  const third = slab.take(20_000);
  t.equal(second.buffer, first.buffer);
  t.not(third.buffer, first.buffer, 'it was given back twice');
  slab.giveBack(first);
  t.not(slab.take(20_000).buffer, first.buffer, 'it is lent to another');
  slab.giveBack(second.subarray(0));
  t.not(slab.take(20_000).buffer, first.buffer, 'a view of it is not it');
  t.end();
});

t.test('what is lent is nobody else’s, whatever is given back in between', (t) => {
  const slab = new Slab();
  const lent: { readonly bytes: Buffer; readonly value: number }[] = [];
  let state = 11;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let n = 0; n < 4_000; n += 1) {
    const [one] = random(2) === 0 ? lent.splice(random(lent.length + 1), 1) : [];
    if (one !== undefined) {
      if (!one.bytes.every((byte) => byte === one.value)) t.fail(`${one.bytes.length} bytes were written upon`);
      if (random(4) > 0) slab.giveBack(one.bytes);
    }
    const size = [4_095, 4_096, 4_097, 8_192, 31_000, 32_768, 32_769, 600_000][random(8)] as number;
    const value = random(256);
    if (lent.length < 30) lent.push({ bytes: slab.take(size).fill(value), value });
  }
  t.ok(lent.every(({ bytes, value }) => bytes.every((byte) => byte === value)));
  t.end();
});

t.test('no more is kept than half a megabyte of each size', (t) => {
  const slab = new Slab();
  const taken = Array.from({ length: 100 }, () => slab.take(16_000));
  for (const bytes of taken) slab.giveBack(bytes);
  const before = new Set(taken.map(({ buffer }) => buffer));
  const again = Array.from({ length: 100 }, () => slab.take(16_000)).filter(({ buffer }) => before.has(buffer));
  t.equal(again.length, 32);
  t.end();
});
