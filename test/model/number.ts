import fc from 'fast-check';
import t from 'tap';
import { decimalKey, exactDouble } from '../../src/model/number.ts';

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
});

t.test('a double is exact where JavaScript prints the same decimal', async (t) => {
  t.equal(exactDouble('8.30'), 8.3);
  t.equal(exactDouble('1e30'), 1e30);
  t.equal(exactDouble('9007199254740993'), undefined);
  t.equal(exactDouble('0.1000000000000000055'), undefined);
  t.equal(exactDouble('1e400'), undefined);
  t.equal(exactDouble('nine'), undefined);
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
