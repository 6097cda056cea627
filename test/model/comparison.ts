import t from 'tap';
import type { Observation } from '../../src/model/answer.ts';
import { type Difference, fingerprintOf, pairName, pairOf } from '../../src/model/comparison.ts';
import type { OriginName } from '../../src/model/stage.ts';

t.test('a pair stands in the order of the migration, whoever is control', async (t) => {
  for (const [one, other, pair] of [
    ['legacy', 'dynamodb', 'legacy-dynamodb'],
    ['legacy', 'mongodb', 'legacy-mongodb'],
    ['dynamodb', 'mongodb', 'dynamodb-mongodb'],
  ] as const) {
    const seen = (origin: OriginName): Observation => ({ origin, ok: false, duration: 1, error: new Error('x') });
    for (const [a, b] of [
      [one, other],
      [other, one],
    ] as const) {
      t.equal(pairName(a, b), pair);
      const { pair: name, left, right } = pairOf(seen(a), seen(b));
      t.same([name, left.origin, right.origin], [pair, one, other]);
    }
  }
});

t.test('a finding is told by its operation, pair, kind, place and types, and by no value', async (t) => {
  const difference: Difference = {
    ...{ kind: 'value', path: '/x', at: '/x', leftType: 'number', rightType: 'number' },
    ...{ left: Buffer.from('1'), right: Buffer.from('2') },
  };
  const print = fingerprintOf('getUser', 'dynamodb-mongodb', difference);
  t.match(print, /^[0-9a-f]{12}$/);
  const values = { at: '/y', left: Buffer.from('3'), right: undefined };
  t.equal(fingerprintOf('getUser', 'dynamodb-mongodb', { ...difference, ...values }), print);
  const others = [
    fingerprintOf('getPhoto', 'dynamodb-mongodb', difference),
    fingerprintOf('getUser', 'legacy-mongodb', difference),
    ...[{ kind: 'type' }, { path: '/y' }, { leftType: 'null' }, { rightType: 'null' }].map((other) =>
      fingerprintOf('getUser', 'dynamodb-mongodb', { ...difference, ...(other as Partial<Difference>) }),
    ),
  ];
  t.equal(new Set([print, ...others]).size, 7);
});
