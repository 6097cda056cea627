import fc from 'fast-check';
import t from 'tap';
import { editDistance } from '../../src/model/distance.ts';

t.test('known distances', async (t) => {
  t.equal(editDistance('', ''), 0);
  t.equal(editDistance('live', ''), 4);
  t.equal(editDistance('lvie', 'live'), 2);
  t.equal(editDistance('kitten', 'sitting'), 3);
});

t.test('none from itself, the same both ways, one by one character', async () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      return editDistance(a, a) === 0 && editDistance(a, b) === editDistance(b, a) && editDistance(a, `${a}x`) === 1;
    }),
  );
});
