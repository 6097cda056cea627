import fc from 'fast-check';
import t from 'tap';
import { createRing, readFrom, writeTo } from '../../src/thread/ring.ts';

t.test('what is put is there until it is read, and no longer than there is room', async (t) => {
  const steps = fc.array(
    fc.oneof(
      fc.nat(70).map((put) => ({ put })),
      fc.nat(4).map((read) => ({ read })),
    ),
    {
      maxLength: 200,
      size: 'max',
    },
  );
  let [refused, taken] = [0, 0];
  fc.assert(
    fc.property(steps, (all) => {
      const ring = createRing(100);
      const [writer, reader] = [writeTo(ring), readFrom(ring)];
      const unread: { from: number; body: Buffer; written: number }[] = [];
      let n = 0;
      for (const step of all) {
        if ('put' in step) {
          n += 1;
          const body = Buffer.alloc(step.put, n);
          const from = writer.put(body);
          if (from === undefined) refused += 1;
          else {
            taken += 1;
            unread.push({ from, body, written: writer.written() });
          }
        } else {
          const read = unread.splice(0, step.read);
          const last = read.at(-1);
          if (last !== undefined) reader.done(last.written);
        }
        for (const { from, body } of unread) if (!reader.look(from, body.length).equals(body)) return false;
      }
      return true;
    }),
    { numRuns: 2_000, seed: 20261122 },
  );
  t.ok(refused > 1_000 && taken > 1_000, `${taken} taken, ${refused} refused`);
});

t.test('the count of what is written begins anew after 2³² bytes', async (t) => {
  const ring = createRing(2 ** 20);
  const [writer, reader] = [writeTo(ring), readFrom(ring)];
  const body = Buffer.alloc(2 ** 20 - 1, 7);
  for (let n = 0; n < 4_200; n += 1) {
    const from = writer.put(body);
    if (from === undefined) return t.fail(`no room at ${n}`);
    if (writer.put(body) !== undefined) return t.fail(`there is room at ${n}`);
    reader.done(writer.written());
  }
  t.ok(writer.written() < 4_200 * body.length, 'it has begun anew');
});
