import t from 'tap';
import { age, bytes, count, cut, duration, percent, pieces, rate, roughly, visible } from '../../console/format.js';
import { printableLine } from '../../src/model/printable.ts';

const spaced = (text: string) => text.replaceAll('\u00a0', ' ');

t.test('a share is never rounded to nothing or to all', async (t) => {
  const rows: [share: number, exact: string, rough: string][] = [
    [0, '0 %', '0 %'],
    [0.000_01, '<0.1 %', '<1 %'],
    [0.02, '2 %', '2 %'],
    [0.0215, '2.2 %', '2 %'],
    [0.25, '25 %', '25 %'],
    [0.995, '99.5 %', '>99 %'],
    [0.999_99, '>99.9 %', '>99 %'],
    [1, '100 %', '100 %'],
  ];
  for (const [share, exact, rough] of rows) t.same([spaced(percent(share)), spaced(roughly(share))], [exact, rough]);
  t.equal(percent(Number.NaN), '–');
});

t.test('figures carry their unit', async (t) => {
  t.same([0, 0.02, 3.14, 12_345].map(rate), ['0/s', '<0.1/s', '3.1/s', '12,345/s']);
  t.same([0.26, 12.4, 999, 1_234].map(duration).map(spaced), ['0.3 ms', '12 ms', '999 ms', '1.2 s']);
  t.equal(duration(undefined), '–');
  t.same([-5, 59_000, 60_000, 7_200_000, 200_000_000].map(age).map(spaced), ['0 s', '59 s', '1 min', '2 h', '2 days']);
  t.same([12, 2048, 3 * 1024 ** 2].map(bytes).map(spaced), ['12 B', '2 KiB', '3 MiB']);
  t.equal(count(1_234_567), '1,234,567');
});

t.test('what cannot be seen, or turns text around, is shown; all else stays', async (t) => {
  t.same(pieces('a\u202eb'), [
    { text: 'a', odd: false },
    { text: '\\u{202e}', odd: true, real: '\u202e' },
    { text: 'b', odd: false },
  ]);
  t.same(pieces(''), []);
  const hostile = [
    '\u001b[31mred',
    '\u2066x\u2069',
    'a\u200bb',
    'line\nend',
    '\u0000',
    '\u2028',
    '<b>&amp;',
    '漢字 עברית 😀',
  ];
  for (const text of hostile) t.equal(visible(text), printableLine(text), 'as the command line shows it');
});

t.test('a cut says how much is left, and leaves no half of a character', async (t) => {
  t.same(cut('abc', 3), { text: 'abc', left: 0 });
  t.same(cut('abcd', 3), { text: 'abc', left: 1 });
  t.same(cut('ab😀d', 3), { text: 'ab', left: 3 });
});
