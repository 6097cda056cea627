import t from 'tap';
import { NoSuchItem } from '../../src/errors.ts';
import { refuseUnholdable } from '../../src/origins/values.ts';

t.test('what would be sent as another value is refused, wherever it is', async (t) => {
  for (const wrong of ['\udc00', { a: ['ok', '\ud800x'] }, new Set(['\ud800'])]) {
    t.throws(() => refuseUnholdable('dynamodb', wrong), NoSuchItem);
    t.throws(() => refuseUnholdable('mongodb', wrong), NoSuchItem);
  }
  t.throws(() => refuseUnholdable('mongodb', { n: { $gt: 2n ** 63n } }), NoSuchItem);
  t.doesNotThrow(() => refuseUnholdable('dynamodb', { n: 2n ** 70n }));
});

t.test('everything else passes', async (t) => {
  const fine = [
    '\u{1f600}',
    '\0',
    '',
    1,
    true,
    null,
    undefined,
    new Date(),
    Buffer.from([0xed]),
    /x/,
    [-(2n ** 63n)],
    { $a: 1 },
  ];
  for (const value of fine) t.doesNotThrow(() => refuseUnholdable('mongodb', value));
});
