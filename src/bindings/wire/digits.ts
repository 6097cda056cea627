/** Digits of numbers and days, written where they go: what is given has room for them. Each gives where they end. */

const ZERO = 0x30;
const MINUS = 0x2d;

export function countOf(value: number): number {
  let count = 1;
  for (let power = 10; value >= power; power *= 10) count += 1;
  return count;
}

/** The last `count` digits of a whole number below 2^31. */
export function digitsOf(bytes: Buffer, at: number, value: number, count: number): number {
  let rest = value | 0;
  for (let i = at + count - 1; i >= at; i -= 1) {
    const next = (rest / 10) | 0;
    bytes[i] = ZERO + rest - next * 10;
    rest = next;
  }
  return at + count;
}

export function two(bytes: Buffer, at: number, value: number): number {
  const tens = (value / 10) | 0;
  bytes[at] = ZERO + tens;
  bytes[at + 1] = ZERO + value - tens * 10;
  return at + 2;
}

const CYCLE = 146_097;
/** From 1 March of the year 0, where each four hundred years begin, to 1970. */
const TO_1970 = 719_468;

/** A day since 1970 as year, month and day: years are counted from March on, so that a leap day is a year's last. */
export function writeDay(bytes: Buffer, day: number): void {
  const since = day + TO_1970;
  const cycle = Math.floor(since / CYCLE);
  const inCycle = since - cycle * CYCLE;
  const leaps = ((inCycle / 1_460) | 0) - ((inCycle / 36_524) | 0) + ((inCycle / 146_096) | 0);
  const ofCycle = ((inCycle - leaps) / 365) | 0;
  const inYear = inCycle - (365 * ofCycle + (ofCycle >> 2) - ((ofCycle / 100) | 0));
  const fromMarch = ((5 * inYear + 2) / 153) | 0;
  const date = inYear - (((153 * fromMarch + 2) / 5) | 0) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = ofCycle + cycle * 400 + (month <= 2 ? 1 : 0);
  const century = (year / 100) | 0;
  two(bytes, 0, century);
  two(bytes, 2, year - century * 100);
  bytes[4] = MINUS;
  two(bytes, 5, month);
  bytes[7] = MINUS;
  two(bytes, 8, date);
}
