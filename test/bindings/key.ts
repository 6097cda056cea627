import fc from 'fast-check';
import { Decimal128, Long, ObjectId } from 'mongodb';
import t from 'tap';
import { key } from '../../src/bindings/key.ts';
import { NoSuchItem } from '../../src/errors.ts';

t.test('renders scalars as they stand in the store', async (t) => {
  t.equal(key`TENANT#${'acme'}`, 'TENANT#acme');
  t.equal(key`TENANT`, 'TENANT');
  t.equal(key`${1}#${2n}#${true}`, '1#2#true');
  t.equal(key`N#${Long.fromString('9007199254740993')}`, 'N#9007199254740993');
  t.equal(key`N#${Decimal128.fromString('1.50')}`, key`N#${1.5}`);
  const id = new ObjectId();
  t.equal(key`O#${id}`, `O#${id.toHexString()}`);
});

t.test('a value that holds a separator, or is none, means "no such item"', async (t) => {
  const values = ['a#b', '#', '', undefined, null, {}, [], ['a'], Number.NaN, '\ud800', Symbol.iterator, () => 'a'];
  for (const value of values) t.throws(() => key`${value}#x`, NoSuchItem, typeof value);
  t.throws(() => key`${'1x2'}x${'3'}`, NoSuchItem, 'letters between two values separate too');
});

t.test('letters and digits of the text around are no separators', async (t) => {
  t.equal(key`TENANT#${'TENANT'}#USER#${'USER1'}`, 'TENANT#TENANT#USER#USER1');
});

t.test('two values with nothing between them are a mistake of the author', async (t) => {
  t.throws(() => key`${'a'}${'b'}`, TypeError);
});

t.test('no two inputs render one key', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'X', '#', '|', '\ud800', '\ufffd', '1'), maxLength: 4 });
  const render = (work: () => string) => {
    try {
      return work();
    } catch (error) {
      if (error instanceof NoSuchItem) return undefined;
      throw error;
    }
  };
  const templates = [
    (a: string, b: string) => key`${a}#${b}`,
    (a: string, b: string) => key`T#${a}#X#${b}`,
    (a: string, b: string) => key`${a}XX${b}`,
    (a: string, b: string) => key`X${a}||${b}X`,
  ];
  fc.assert(
    fc.property(text, text, text, text, (a, b, c, d) => {
      for (const template of templates) {
        const one = render(() => template(a, b));
        const other = render(() => template(c, d));
        if (one === undefined || other === undefined || Buffer.from(one).compare(Buffer.from(other)) !== 0) continue;
        if (a !== c || b !== d) throw new Error(`${JSON.stringify([a, b])} and ${JSON.stringify([c, d])} give ${one}`);
      }
    }),
    { numRuns: 2_000 },
  );
});
