import fc from 'fast-check';
import t from 'tap';
import { rowsOf, scrollFor, windowOf } from '../../console/virtual.js';

t.test('every row in view is built, and few others', async (t) => {
  const place = fc.record({
    count: fc.integer({ min: 0, max: 20_000 }),
    height: fc.integer({ min: 20, max: 140 }),
    top: fc.integer({ min: -5_000, max: 3_000_000 }),
    view: fc.integer({ min: 100, max: 2_000 }),
  });
  fc.assert(
    fc.property(place, ({ count, height, top, view }) => {
      const { from, to, total } = windowOf({ count, height, top, view });
      const first = Math.floor(Math.max(0, top) / height);
      const last = Math.min(count - 1, Math.floor((top + view - 1) / height));
      const seen = last < first || (from <= first && to > last);
      return seen && from >= 0 && to <= count && to - from <= view / height + 15 && total === count * height;
    }),
  );
  t.pass('for any list, height and place');
});

t.test('a row with the focus stays, in order', async (t) => {
  t.same(rowsOf({ from: 3, to: 5 }, undefined, 9), [3, 4]);
  t.same(rowsOf({ from: 3, to: 5 }, 4, 9), [3, 4]);
  t.same(rowsOf({ from: 3, to: 5 }, 0, 9), [0, 3, 4]);
  t.same(rowsOf({ from: 3, to: 5 }, 8, 9), [3, 4, 8]);
  t.same(rowsOf({ from: 3, to: 5 }, 9, 9), [3, 4], 'not one that is gone');
});

t.test('scrolls no further than it must', async (t) => {
  const place = { height: 10, top: 100, view: 100, margin: 20 };
  t.equal(scrollFor({ ...place, index: 15 }), undefined);
  t.equal(scrollFor({ ...place, index: 11 }), 90, 'below what is sticky');
  t.equal(scrollFor({ ...place, index: 30 }), 210);
});
