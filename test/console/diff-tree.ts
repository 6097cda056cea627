import fc from 'fast-check';
import t from 'tap';
import { alignTrees, openAtFirst, rowsOf } from '../../console/diff-tree.js';
import { treeOf } from '../../console/json-tree.js';

type Place = ReturnType<typeof alignTrees>;
const align = (left: unknown, right: unknown, differences: { leftPointer?: string; rightPointer?: string }[] = []) =>
  alignTrees(treeOf(JSON.stringify(left)), treeOf(JSON.stringify(right)), differences);
const couples = (place: Place) => place.children.map(({ leftKey, rightKey }) => [leftKey, rightKey]);

t.test('reads what JSON.parse reads, and keeps every digit', async (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const tree = treeOf(text);
      return tree !== undefined && same(tree, JSON.parse(text));
    }),
  );
  t.equal(treeOf('[1.10, 12345678901234567890]')?.children[1]?.node.text, '12345678901234567890');
  const broken = ['', '{', '[1,]', '{"a"}', '{"a":1,}', 'nul', '1 2', '"\\x"', '"a\nb"', '01', '['.repeat(50_000)];
  for (const text of broken) t.equal(treeOf(text), undefined, `${text.slice(0, 8)} is none`);
});

t.test('objects by key, what only one side has where it stands there', async (t) => {
  const root = align({ a: 1, b: 2, d: 4 }, { z: 0, d: 4, a: 1, c: 3 });
  t.same(couples(root), [
    [undefined, 'z'],
    ['a', 'a'],
    [undefined, 'c'],
    ['b', undefined],
    ['d', 'd'],
  ]);
});

t.test('lists by content, identity and what the pointers say', async (t) => {
  const item = (id: number, text = 'x') => ({ id, text });
  const missing = align([item(1), item(2), item(3)], [item(1), item(3)], [{ leftPointer: '/1' }]);
  t.same(couples(missing), [
    ['0', '0'],
    ['1', undefined],
    ['2', '1'],
  ]);
  t.equal(missing.children[1]?.mark, 0);

  const changed = align([item(1), item(2), item(3, 'a')], [item(2), item(3, 'b')]);
  t.same(
    couples(changed),
    [
      ['0', undefined],
      ['1', '0'],
      ['2', '1'],
    ],
    'the same identity, other content',
  );

  const pointed = align(['a', 'b', 'c'], ['b', 'X'], [{ leftPointer: '/2', rightPointer: '/1' }]);
  t.same(couples(pointed), [
    ['0', undefined],
    ['1', '0'],
    ['2', '1'],
  ]);
  t.same(couples(align(['a'], ['b'])), [['0', '0']], 'by position where nothing else is known');
});

t.test('marks the places of the differences, and counts them upwards', async (t) => {
  const differences = [{ leftPointer: '/a/b~1c', rightPointer: '/a/b~1c' }, { rightPointer: '/new' }];
  const root = align({ a: { 'b/c': 1 }, e: [1, 2] }, { a: { 'b/c': 2 }, e: [1, 2], new: { x: 1 } }, differences);
  t.equal(root.marked, 2);
  const [a, e, added] = root.children;
  t.same([a?.mark, a?.marked, a?.children[0]?.mark], [undefined, 1, 0]);
  t.equal(e?.marked, 0);
  t.equal(added?.mark, 1);
  const rows = rowsOf(root, () => true);
  t.equal(rows.find(({ place }) => place.key === 'x')?.inside, 1, 'what is in it differs with it');
});

t.test('no item is lost or shown twice, whatever the lists and pointers', async (t) => {
  const list = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 });
  const pointer = fc.record({ left: fc.integer({ min: 0, max: 13 }), right: fc.integer({ min: 0, max: 13 }) });
  fc.assert(
    fc.property(list, list, fc.array(pointer, { maxLength: 5 }), (left, right, pointers) => {
      const differences = pointers.map((one) => ({ leftPointer: `/${one.left}`, rightPointer: `/${one.right}` }));
      const places = align(left, right, differences).children;
      const keys = (side: 'leftKey' | 'rightKey') =>
        places.flatMap((place) => (place[side] === undefined ? [] : [place[side]]));
      const inOrder = (items: unknown[]) => JSON.stringify(items.map((_, index) => String(index)));
      return JSON.stringify(keys('leftKey')) === inOrder(left) && JSON.stringify(keys('rightKey')) === inOrder(right);
    }),
  );
  t.pass('in the order of either side');
});

t.test('of a large answer what differs stands open', async (t) => {
  const list = Array.from({ length: 5_000 }, (_, id) => ({ id, inner: { text: 'x', more: [1, 2, 3] } }));
  const other = structuredClone(list);
  (other[4_000] as { inner: { text: string } }).inner.text = 'y';
  const pointer = '/4000/inner/text';
  const start = performance.now();
  const root = align(list, other, [{ leftPointer: pointer, rightPointer: pointer }]);
  const rows = rowsOf(root, openAtFirst(root));
  t.ok(performance.now() - start < 2_000, 'at once');
  t.equal(rows.length, 1 + 5_000 + 2 + 2, 'the items, and what leads to the difference');
  t.equal(rows.filter(({ place }) => place.mark !== undefined).length, 1);
});

function same(tree: NonNullable<ReturnType<typeof treeOf>>, value: unknown): boolean {
  if (tree.type === 'leaf') return JSON.stringify(JSON.parse(tree.text)) === JSON.stringify(value);
  if (tree.type === 'array')
    return (
      Array.isArray(value) &&
      value.length === tree.children.length &&
      tree.children.every(({ node }, i) => same(node, value[i]))
    );
  const last = new Map(tree.children.map(({ key, node }) => [key, node]));
  return Object.entries(value as object).every(([key, inner]) => same(last.get(key) as never, inner));
}
