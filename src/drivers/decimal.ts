/** One text for each decimal value, however it was written (`1.50`, `15e-1`); `undefined` if it is not a number. */
export function decimalKey(text: string): string | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = whole + fraction;
  if (digits === '') return undefined;

  const significant = digits.replace(/^0+/, '').replace(/0+$/, '');
  if (significant === '') return '0';
  const trailingZeros = digits.length - digits.replace(/0+$/, '').length;
  const scale = BigInt(exponent) - BigInt(fraction.length) + BigInt(trailingZeros);
  return `${sign === '-' ? '-' : ''}${significant}e${scale}`;
}

/** The double that JavaScript prints as this same decimal, or `undefined` where none does. */
export function exactDouble(text: string): number | undefined {
  const double = Number(text);
  return Number.isFinite(double) && decimalKey(String(double)) === decimalKey(text) ? double : undefined;
}
