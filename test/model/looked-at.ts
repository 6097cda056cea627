import t from 'tap';
import { lookedAt } from '../../src/model/looked-at.ts';

interface Shown {
  a?: unknown;
  b?: { deep: unknown };
  none?: unknown;
  [name: string]: unknown;
}

const FREE = { enumerable: true, writable: true, configurable: true } as const;

function viewed() {
  const asked: string[] = [];
  const item: Record<string, unknown> = { b: { deep: [1] }, a: 'x', none: null, constructor: 'data' };
  Object.defineProperty(item, '__proto__', { value: 'a name like another', ...FREE });
  const view = lookedAt(
    (name) => {
      asked.push(name);
      return Object.hasOwn(item, name) ? item[name] : undefined;
    },
    () => {
      asked.push('everything');
      return item;
    },
  );
  return { view: view as Shown, item, asked };
}

t.test('what is looked at by name is decoded, once, and nothing else', (t) => {
  const { view, asked } = viewed();
  t.equal(view.a, 'x');
  t.equal(view.b, view.b);
  t.strictSame(view.b?.deep, [1]);
  t.equal(view.none, null);
  t.equal(view.absent, undefined);
  t.equal(view.constructor, 'data');
  t.equal(view.hasOwnProperty, Object.prototype.hasOwnProperty);
  t.strictSame(
    asked.filter((name) => name === 'b'),
    ['b'],
  );
  t.notOk(asked.includes('everything'));
  t.end();
});

t.test('whoever wants more gets the whole item, in its order', (t) => {
  const ways: Record<string, (view: Shown) => unknown> = {
    keys: (view) => Object.keys(view),
    entries: (view) => Object.entries(view),
    spread: (view) => ({ ...view }),
    json: (view) => JSON.stringify(view),
    in: (view) => ['a' in view, 'toString' in view, 'absent' in view],
    own: (view) => [Object.hasOwn(view, 'a'), Object.hasOwn(view, 'toString')],
    'for in': (view) => {
      const names = [];
      for (const name in view) names.push(name);
      return names;
    },
    descriptor: (view) => Object.getOwnPropertyDescriptor(view, 'a'),
    rest: ({ a, ...rest }) => [a, rest],
    assigned: (view) => Object.getOwnPropertyNames(Object.assign(Object.create(null), view)),
    changed: (view) => {
      view.a = 'y';
      delete view.none;
      return [view.a, Object.keys(view)];
    },
    frozen: (view) => Object.isFrozen(Object.freeze(view)),
  };
  for (const [name, way] of Object.entries(ways)) {
    const { view, item, asked } = viewed();
    const plain = Object.defineProperties({}, Object.getOwnPropertyDescriptors(item)) as Shown;
    t.strictSame(way(view), way(plain), name);
    t.equal(asked.filter((one) => one === 'everything').length, 1, `${name}: decoded once`);
  }
  t.end();
});

t.test('what was handed out before stays the same object', (t) => {
  const { view } = viewed();
  const before = view.b;
  t.equal(Object.values(view)[0], before);
  t.equal(view.b, before);
  t.end();
});
