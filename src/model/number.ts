/**
 * Numbers of both stores have one text: as JavaScript prints it where its shortest form is this decimal, else all its
 * digits without trailing zeros. Nothing goes through a double that a double cannot hold.
 */

interface Decimal {
  readonly sign: '' | '-';
  /** Without leading and trailing zeros; '' for zero. */
  readonly digits: string;
  /** Power of ten of the digit after the last: 8.3 is 83 and -1. */
  readonly exponent: number;
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function parse(text: string): Decimal | undefined {
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const all = (whole + fraction).replace(/^0+/, '');
  // By hand: a pattern for trailing zeros is quadratic in zeros that do not trail.
  let end = all.length;
  while (end > 0 && all[end - 1] === '0') end -= 1;
  const digits = all.slice(0, end);
  if (digits === '') return { sign: '', digits, exponent: 0 };
  const power = Number(exponent) - fraction.length + (all.length - digits.length);
  if (!Number.isSafeInteger(power)) return undefined;
  return { sign: sign === '-' ? '-' : '', digits, exponent: power };
}

/**
 * One text for each decimal value, however it was written (`1.50`, `15e-1`); `undefined` for what is no number, or one
 * whose exponent is beyond all use.
 */
export function decimalKey(text: string): string | undefined {
  const decimal = parse(text);
  if (decimal === undefined) return undefined;
  return decimal.digits === '' ? '0' : `${decimal.sign}${decimal.digits}e${decimal.exponent}`;
}

const same = (a: Decimal, b: Decimal): boolean =>
  a.sign === b.sign && a.digits === b.digits && a.exponent === b.exponent;

/** The double that prints as this very decimal, or `undefined` where none does. */
export function exactDouble(text: string): number | undefined {
  const decimal = parse(text);
  if (decimal === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  const printed = parse(String(value));
  return printed !== undefined && same(decimal, printed) ? (Object.is(value, -0) ? 0 : value) : undefined;
}

/** The canonical text of a number, or `undefined` for what is none (NaN, Infinity, words). */
export function canonicalNumber(text: string): string | undefined {
  const double = exactDouble(text);
  if (double !== undefined) return String(double);
  const decimal = parse(text);
  return decimal === undefined ? undefined : printed(decimal);
}

/** The number in plain notation, with exactly `scale` decimals; `undefined` where that would lose a digit. */
export function toScale(text: string, scale: number): string | undefined {
  const plain = plainNumber(text);
  if (plain === undefined) return undefined;
  const [whole = '', fraction = ''] = plain.split('.');
  if (fraction.length > scale) return undefined;
  return scale === 0 ? whole : `${whole}.${fraction.padEnd(scale, '0')}`;
}

/** Beyond what any store holds (Decimal128 reaches 6,144): such a number is not written out. */
const LONGEST_PLAIN = 10_000;

/** The number in plain notation, never with an exponent; `undefined` for what is none, or is beyond all use. */
export function plainNumber(text: string): string | undefined {
  const decimal = parse(text);
  if (decimal === undefined) return undefined;
  const { sign, digits, exponent } = decimal;
  if (digits === '') return '0';
  if (Math.abs(exponent) > LONGEST_PLAIN) return undefined;
  if (exponent >= 0) return sign + digits + '0'.repeat(exponent);
  const point = digits.length + exponent;
  return point > 0
    ? `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
    : `${sign}0.${'0'.repeat(-point)}${digits}`;
}

/** DynamoDB holds 38 digits; a number of so many is written plain. */
const LONGEST = 38;

/** All digits: plain from 1e-6 to what DynamoDB can hold digit by digit, else with an exponent, as JavaScript writes one. */
function printed({ sign, digits, exponent }: Decimal): string {
  const magnitude = digits.length + exponent;
  if (magnitude > -6 && magnitude <= LONGEST) return plainNumber(`${sign}${digits}e${exponent}`) as string;
  const rest = digits.length > 1 ? `.${digits.slice(1)}` : '';
  return `${sign}${digits[0]}${rest}e${magnitude > 0 ? '+' : '-'}${Math.abs(magnitude - 1)}`;
}

/** |a − b|, its digits not lost on the way; `undefined` where one is no number, or is beyond what anyone would subtract. */
export function decimalDistance(a: string, b: string): number | undefined {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return undefined;
  const least = Math.min(left.exponent, right.exponent);
  if (Math.max(left.exponent, right.exponent) - least > 1000) return undefined;
  const whole = ({ sign, digits, exponent }: Decimal) =>
    BigInt(`${sign}${digits || '0'}${'0'.repeat(exponent - least)}`);
  const distance = whole(left) - whole(right);
  return Number(`${distance < 0n ? -distance : distance}e${least}`);
}
