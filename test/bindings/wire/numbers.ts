import fc from 'fast-check';
import t from 'tap';
import { writeNumber } from '../../../src/bindings/wire/numbers.ts';
import { Out } from '../../../src/bindings/wire/out.ts';
import { PLAINLY } from '../../../src/model/attributes.ts';
import { canonicalNumber } from '../../../src/model/number.ts';

/** Tells what came as it stood. */
class Watched extends Out {
  copies = 0;

  override copy(from: Buffer, start: number, end: number): void {
    this.copies += 1;
    super.copy(from, start, end);
  }
}

const out = new Watched();

/** Among digits, which are no part of it; then what was written, and whether it was said to be whole. */
function written(text: string): readonly [string | undefined, boolean?] {
  const bytes = Buffer.from(`99${text}99`);
  out.clear();
  try {
    const whole = writeNumber(out, bytes, 2, bytes.length - 2);
    return [out.take().toString(), whole];
  } catch (error) {
    if (error === PLAINLY) return [undefined];
    throw error;
  }
}

const rows: [text: string, written: string | undefined, whole?: boolean][] = [
  ['0', '0', true],
  ['-0', '0', true],
  ['00', '0', true],
  ['7', '7', true],
  ['-7', '-7', true],
  ['9', '9', true],
  ['007', '7', true],
  ['10', '10', true],
  ['100', '100', true],
  ['123456789012345', '123456789012345', true],
  ['-123456789012345', '-123456789012345', true],
  ['9007199254740993', '9007199254740993', true],
  ['12345678901234567890', '12345678901234567890', true],
  ['1e30', '1e+30', true],
  ['1.5e30', '1.5e+30', true],
  ['15e-1', '1.5', false],
  ['1.5', '1.5', false],
  ['-1.5', '-1.5', false],
  ['0.5', '0.5', false],
  ['-0.5', '-0.5', false],
  ['1.05', '1.05', false],
  ['10.09', '10.09', false],
  ['01.5', '1.5', false],
  ['1.50', '1.5', false],
  ['1.0', '1', true],
  ['0.0', '0', true],
  ['-0.0', '0', true],
  ['.5', '0.5', false],
  ['5.', '5', true],
  ['0.00001', '0.00001', false],
  ['0.000001', '0.000001', false],
  ['0.0000001', '1e-7', false],
  ['0.00000012', '1.2e-7', false],
  ['1.0000001', '1.0000001', false],
  ['0.1234567890123', '0.1234567890123', false],
  ['0.1234567890123456789', '0.1234567890123456789', false],
  ['', undefined],
  ['-', undefined],
  ['.', undefined],
  ['--1', undefined],
  ['1.2.3', undefined],
  ['1x', undefined],
  ['1.x', undefined],
  ['1.5x5', undefined],
  ['x', undefined],
  ['1/2', undefined],
  ['1:2', undefined],
  ['NaN', undefined],
];
for (const [text, wanted, whole] of rows)
  t.test(`${JSON.stringify(text)} is written as ${wanted}`, async (t) => {
    t.strictSame(written(text), wanted === undefined ? [undefined] : [wanted, whole]);
    t.equal(canonicalNumber(text), wanted, 'as everywhere else');
  });

/** Few digits, no exponent, and already as we write it: then no text is made of it. */
const isCopied = (text: string, made: string | undefined): boolean =>
  made === text && !text.includes('e') && text.replace('-', '').length <= 15;

function copied(text: string): boolean {
  const before = out.copies;
  written(text);
  return out.copies > before;
}

t.test('what is already as we write it is copied, and nothing else', async (t) => {
  for (const [text, wanted] of rows) t.equal(copied(text), isCopied(text, wanted), text);
  for (const text of ['0', '10', '-10', '0.5', '1.09', '0.000001', '1234567890123.5', '123456789012345'])
    t.ok(copied(text), text);
});

t.test('whatever digits, sign, point and exponent stand there', async () => {
  const text = fc.stringMatching(/^-?\d{0,17}(\.\d{0,17})?(e[+-]?\d{1,2})?$/);
  fc.assert(
    fc.property(text, (given) => {
      const [made, whole] = written(given);
      if (made !== canonicalNumber(given) || copied(given) !== isCopied(given, made)) return false;
      return made === undefined || whole === (/e\+/.test(made) || /^-?\d+$/.test(made));
    }),
    { seed: 8, numRuns: Number(process.env.CASES ?? 20_000) },
  );
});
