import t from 'tap';
import { unsafePattern } from '../../src/contract/pattern.ts';

t.test('a pattern that can backtrack without bound is named, others are not', async (t) => {
  t.match(unsafePattern('^(a+)+$'), /can take exponential time/);
  for (const safe of ['^[a-z]+$', '^/v1/products', "^[\\p{L}]+([ '-][\\p{L}]+){0,2}$"])
    t.equal(unsafePattern(safe), undefined, safe);
});
