import t from 'tap';
import { niceTop, strokesOf } from '../../console/strokes.js';

const place = (value: number) => value;

t.test('points become lines; a gap is a gap, and a point alone a dot', async (t) => {
  const strokes = (points: { at: number; y: number | undefined }[]) => strokesOf(points, place, place, 25);
  t.same(strokes([]), { path: '', dots: '' });
  t.same(strokes([{ at: 0, y: 5 }]), { path: '', dots: 'M0.0 5.0h0' }, 'a line of one point is not seen');
  t.same(
    strokes([
      { at: 0, y: 1 },
      { at: 10, y: 2 },
      { at: 40, y: 3 },
      { at: 50, y: undefined },
      { at: 60, y: 4 },
      { at: 85, y: 5 },
    ]),
    { path: 'M0.0 1.0L10.0 2.0M60.0 4.0L85.0 5.0', dots: 'M40.0 3.0h0' },
  );
});

t.test('the scale ends at a round figure', async (t) => {
  t.same([0, 0.3, 1, 3, 452, 501].map(niceTop), [1, 0.5, 1, 5, 500, 1000]);
});
