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
  const shared = taken.filter(({ buffer, length }) => length === 30_000 && buffer.byteLength > 100_000);
  t.equal(shared.length, 25, 'pages share their memory');
  t.end();
});
