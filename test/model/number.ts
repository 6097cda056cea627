import fc from 'fast-check';
import t from 'tap';
import {
  canonicalNumber,
  decimalDistance,
  decimalKey,
  exactDouble,
  plainNumber,
  toScale,
} from '../../src/model/number.ts';

t.test('one decimal has one key, however it is written', async (t) => {
  for (const same of [
    ['0', '-0', '0.000', '0e7'],
    ['1.5', '1.50', '15e-1', '0.15E+1', '01.5'],
    ['-1200', '-1.2e3', '-12E2'],
  ]) {
    t.equal(new Set(same.map(decimalKey)).size, 1, same.join(' '));
  }
  for (const wrong of ['', '.', 'e1', '1e', 'NaN', 'Infinity', '1 ', '0x1'])
    t.equal(decimalKey(wrong), undefined, wrong);
  t.equal(decimalKey('0'), '0');
  t.equal(decimalKey('10'), '1e1');
  t.equal(decimalKey('-10'), '-1e1');
  t.equal(decimalKey('+.5'), '5e-1');
  t.equal(decimalKey('5.'), '5e0');
  for (const beyond of ['1e9007199254740992', '1e-9007199254740992']) t.equal(decimalKey(beyond), undefined, beyond);
});

t.test('a double is exact where JavaScript prints the same decimal', async (t) => {
  t.equal(exactDouble('8.30'), 8.3);
  t.equal(exactDouble('1e30'), 1e30);
  t.equal(exactDouble('9007199254740993'), undefined);
  t.equal(exactDouble('0.1000000000000000055'), undefined);
  t.equal(exactDouble('1e400'), undefined);
  t.equal(exactDouble('nine'), undefined);
  t.equal(exactDouble('-8.3'), -8.3);
  t.ok(Object.is(exactDouble('-0'), 0), 'no zero below zero');
  t.equal(exactDouble('1e9007199254740992'), undefined);
});

t.test('every double survives its own text, every long integer only if it is one', async () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => exactDouble(String(n)) === n || n === 0),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 37n), max: 10n ** 37n }), (n) => {
      const exact = exactDouble(String(n));
      return exact === undefined || decimalKey(String(exact)) === decimalKey(String(n));
    }),
  );
});

const nines = '9'.repeat(37);

/** As written → plain, and canonical. */
const TEXTS: readonly (readonly [string, string | undefined, string | undefined])[] = [
  ['0', '0', '0'],
  ['-0.00', '0', '0'],
  ['8.30', '8.3', '8.3'],
  ['-8.30', '-8.3', '-8.3'],
  ['1e2', '100', '100'],
  ['-1e2', '-100', '-100'],
  ['1e21', `1${'0'.repeat(21)}`, '1e+21'],
  ['1e-7', '0.0000001', '1e-7'],
  ['0.05', '0.05', '0.05'],
  ['0.5', '0.5', '0.5'],
  // What a double cannot hold
  ['9007199254740993', '9007199254740993', '9007199254740993'],
  [`-${nines}.50`, `-${nines}.5`, `-${nines}.5`],
  [`${nines}9`, `${nines}9`, `${nines}9`],
  [`${nines}90`, `${nines}90`, `9.${nines}e+38`],
  [`-${nines}9e2`, `-${nines}900`, `-9.${nines}e+39`],
  ['1e400', `1${'0'.repeat(400)}`, '1e+400'],
  ['-12e400', `-12${'0'.repeat(400)}`, '-1.2e+401'],
  ['0.00000123456789012345678', '0.00000123456789012345678', '0.00000123456789012345678'],
  ['0.000000123456789012345678', '0.000000123456789012345678', '1.23456789012345678e-7'],
  ['1e-400', `0.${'0'.repeat(399)}1`, '1e-400'],
  ['1e10000', `1${'0'.repeat(10_000)}`, '1e+10000'],
  ['1e10001', undefined, '1e+10001'],
  ['1e-10001', undefined, '1e-10001'],
  ['NaN', undefined, undefined],
];

for (const [text, plain, canonical] of TEXTS)
  t.test(`${text.slice(0, 50)} has one text`, async (t) => {
    t.equal(plainNumber(text), plain);
    t.equal(canonicalNumber(text), canonical);
  });

t.test('a scale loses no digit', async (t) => {
  t.equal(toScale('8.3', 2), '8.30');
  t.equal(toScale('8.30', 1), '8.3');
  t.equal(toScale('8', 1), '8.0');
  t.equal(toScale('8.0', 0), '8');
  t.equal(toScale('8.31', 2), '8.31');
  t.equal(toScale('8.31', 1), undefined);
  t.equal(toScale('8.3', 0), undefined);
  t.equal(toScale('eight', 2), undefined);
});

t.test('distances are exact', async (t) => {
  t.equal(decimalDistance('1.5', '1'), 0.5);
  t.equal(decimalDistance('1', '1.5'), 0.5);
  t.equal(decimalDistance('-1', '1'), 2);
  t.equal(decimalDistance('0', '0.0'), 0);
  t.equal(decimalDistance('0', '5'), 5);
  t.equal(decimalDistance('9007199254740993', '9007199254740992'), 1);
  t.equal(decimalDistance('1e1000', '1'), Number.POSITIVE_INFINITY);
  t.equal(decimalDistance('1e1001', '1'), undefined, 'too far to subtract');
  t.equal(decimalDistance('1', '1e1001'), undefined);
  t.equal(decimalDistance('1e-900', '1e-899'), 0, 'less than a double holds');
  t.equal(decimalDistance('1e900', '1e900'), 0);
  t.equal(decimalDistance('one', '1'), undefined);
  t.equal(decimalDistance('1', 'one'), undefined);
});
