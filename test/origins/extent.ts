import fc from 'fast-check';
import t from 'tap';
import { extentOf } from '../../src/origins/extent.ts';
import { want } from '../support/want.ts';

t.test('a page never loses or invents an item, and says truly whether there is more', async (t) => {
  const count = fc.nat({ max: 20 });
  const run = fc.property(count, count, fc.option(count, { nil: undefined }), (length, limit, own) => {
    const list = Array.from({ length }, (_, n) => n);
    const extent = extentOf('mongodb', own === undefined ? {} : { limit: own }, want({ limit }));
    const { items, more } = extent.cut(list.slice(0, extent.take));
    const size = Math.min(limit, own ?? limit);
    t.strictSame([items, more], [list.slice(0, size), length > size]);
  });
  fc.assert(run);
});

t.test('what is not a count is refused', async (t) => {
  for (const wrong of [-1, 1.5, Number.NaN]) {
    t.throws(() => extentOf('dynamodb', { skip: wrong }, want()), { name: 'StoreError', failure: 'refused' });
    t.throws(() => extentOf('dynamodb', { limit: wrong }, want()), { name: 'StoreError', failure: 'refused' });
  }
});
