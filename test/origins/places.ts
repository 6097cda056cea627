import t from 'tap';
import { Places } from '../../src/origins/places.ts';

t.test('as many as there are places begin, the others in their order', async (t) => {
  const places = new Places(2);
  const begun: string[] = [];
  const leave = ['a', 'b', 'c', 'd', 'e'].map((name) => places.take(() => void begun.push(name)));
  t.same(begun, ['a', 'b']);
  leave[0]?.();
  t.same(begun, ['a', 'b'], 'who has begun is not in the line: leaving it frees nothing');
  leave[2]?.();
  places.give();
  t.same(begun, ['a', 'b', 'd'], 'who has left is passed over');
  places.give();
  places.give();
  places.give();
  t.same(begun, ['a', 'b', 'd', 'e']);
  places.take(() => void begun.push('f'));
  places.take(() => void begun.push('g'));
  places.take(() => void begun.push('h'));
  t.same(begun.slice(4), ['f', 'g'], 'no more places than at first');
});
