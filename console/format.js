/** Figures and data as words. Pure: the tests of it need no page. */

const whole = new Intl.NumberFormat('en');
const one = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** No-break, so that a figure and its unit stay together. */
const NBSP = '\u00a0';

/** @param {number} n */
export const count = (n) => whole.format(n);

/**
 * A share of 0 to 1. Never `0 %` of something nor `100 %` of less than all.
 * @param {number} share
 */
export function percent(share) {
  const hundredths = share * 100;
  if (!Number.isFinite(share)) return '–';
  if (share > 0 && hundredths < 0.1) return `<0.1${NBSP}%`;
  if (share < 1 && hundredths > 99.9) return `>99.9${NBSP}%`;
  const digits = hundredths < 10 || hundredths > 99 ? one.format(hundredths) : whole.format(Math.round(hundredths));
  return `${digits}${NBSP}%`;
}

/** A share in whole percent, where there is little room. @param {number} share */
export function roughly(share) {
  if (share > 0 && share < 0.01) return `<1${NBSP}%`;
  if (share < 1 && share > 0.99) return `>99${NBSP}%`;
  return `${Math.round(share * 100)}${NBSP}%`;
}

/** @param {number} perSecond */
export function rate(perSecond) {
  if (perSecond === 0) return `0/s`;
  if (perSecond < 0.1) return `<0.1/s`;
  return `${perSecond < 10 ? one.format(perSecond) : whole.format(Math.round(perSecond))}/s`;
}

/** How many times as much, with two digits. @param {number} factor */
export const times = (factor) =>
  `${new Intl.NumberFormat('en', { maximumSignificantDigits: 2 }).format(factor)}${NBSP}×`;

/** @param {number | undefined} milliseconds */
export function duration(milliseconds) {
  if (milliseconds === undefined || !Number.isFinite(milliseconds)) return '–';
  if (milliseconds < 10) return `${one.format(milliseconds)}${NBSP}ms`;
  if (milliseconds < 1000) return `${whole.format(Math.round(milliseconds))}${NBSP}ms`;
  return `${one.format(milliseconds / 1000)}${NBSP}s`;
}

/** @param {number} milliseconds */
export function age(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds}${NBSP}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${NBSP}min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}${NBSP}h`;
  return `${Math.floor(seconds / 86_400)}${NBSP}days`;
}

/** @param {number} n */
export function bytes(n) {
  if (n < 1024) return `${n}${NBSP}B`;
  if (n < 1024 ** 2) return `${one.format(n / 1024)}${NBSP}KiB`;
  if (n < 1024 ** 3) return `${one.format(n / 1024 ** 2)}${NBSP}MiB`;
  return `${one.format(n / 1024 ** 3)}${NBSP}GiB`;
}

const two = (/** @type {number} */ n) => String(n).padStart(2, '0');

/** Local time of day. @param {number | string} at */
export function clock(at) {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Local day and time, the day left out where it is today. @param {number | string} at @param {number} [now] */
export function stamp(at, now = Date.now()) {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return date.toDateString() === new Date(now).toDateString() ? clock(at) : `${day} ${clock(at)}`;
}

/**
 * Text in pieces: what may be shown as it is, and what may not (control characters, and what turns the direction of
 * text or has no width), as `\u{…}`. The same characters as `printable` escapes.
 * @param {string} text
 * @returns {{ text: string, odd: boolean, real?: string }[]} `real`: the odd characters themselves
 */
export function pieces(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(/[\p{C}\u2028\u2029]+/gu)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), odd: false });
    found.push({ text: [...match[0]].map(escaped).join(''), odd: true, real: match[0] });
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push({ text: text.slice(from), odd: false });
  return found;
}

/** @param {string} character */
function escaped(character) {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u{${/** @type {number} */ (character.codePointAt(0)).toString(16)}}`;
}

/** For attributes and titles, where there are no pieces. @param {string} text */
export const visible = (text) =>
  pieces(text)
    .map((piece) => piece.text)
    .join('');

/**
 * At most `most` UTF-16 units, and how many there are beyond; a pair of surrogates stays whole.
 * @param {string} text @param {number} most
 */
export function cut(text, most) {
  if (text.length <= most) return { text, left: 0 };
  const last = text.charCodeAt(most - 1);
  const end = last >= 0xd800 && last <= 0xdbff ? most - 1 : most;
  return { text: text.slice(0, end), left: text.length - end };
}

/** `1 finding`, `2 findings`. @param {number} n @param {string} word @param {string} [many] */
export const counted = (n, word, many = `${word}s`) => `${count(n)} ${n === 1 ? word : many}`;
