import { methodOf, type Recorded, statusOf, targetOf, Unreadable } from './recorded.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * One line of Apache's or nginx's combined (or common) log. It has no headers and no body: whose request it was must be
 * said beside it. What stands before the time (a virtual host, an IPv6 address, a user with spaces) and behind the status
 * is not looked at. Throws Unreadable.
 */
export function readCombined(bytes: Buffer, line: number): Recorded {
  const open = bytes.indexOf('[');
  const close = bytes.indexOf('] "', open);
  if (open === -1 || close === -1) throw new Unreadable('no time and request line, as the combined log has them');
  const { text, end } = quoted(bytes, close + 2);
  // An address without a request: a port scan, or a client that went away.
  const cut = text.indexOf(' ');
  if (cut < 1) throw new Unreadable('no request line');
  const last = / HTTP\/\d(?:\.\d)?$/.exec(text);
  const method = methodOf(text.slice(0, cut));
  const url = targetOf(text.slice(cut + 1, last?.index));
  const status = statusOf(/^ (\d{3})\b/.exec(bytes.toString('latin1', end, end + 8))?.[1]);
  return { line, method, url, headers: {}, status, at: timeOf(bytes.toString('latin1', open + 1, close)) };
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, b: 8, v: 11, f: 12 };

/** The text in quotes at `at`, unescaped as nginx (`\x22`) and Apache (`\"`, `\xc3`) escape. */
function quoted(bytes: Buffer, at: number): { readonly text: string; readonly end: number } {
  const plain: number[] = [];
  for (let i = at + 1; i < bytes.length; i += 1) {
    const byte = bytes[i] as number;
    if (byte === QUOTE) return { text: encoded(plain), end: i + 1 };
    if (byte !== BACKSLASH) {
      plain.push(byte);
      continue;
    }
    const letter = String.fromCharCode(bytes[i + 1] ?? 0);
    const hex = /^[0-9A-Fa-f]{2}$/.exec(bytes.toString('latin1', i + 2, i + 4))?.[0];
    if (letter === 'x' && hex !== undefined) {
      plain.push(Number.parseInt(hex, 16));
      i += 3;
    } else {
      plain.push(ESCAPES[letter] ?? letter.charCodeAt(0));
      i += 1;
    }
  }
  throw new Unreadable('the request line does not end');
}

/** Bytes beyond ASCII as a URL has them: they need be no UTF-8. */
const encoded = (bytes: readonly number[]): string =>
  bytes.map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase()}`)).join('');

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `10/Oct/2026:13:55:36 +0200`. */
function timeOf(text: string): Date | undefined {
  const found = /^(\d{2})\/(\w{3})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/.exec(text);
  if (found === null) return undefined;
  const [, day, month, year, time, hours, minutes] = found as unknown as readonly string[];
  const number = String(MONTHS.indexOf(month as string) + 1).padStart(2, '0');
  const date = new Date(`${year}-${number}-${day}T${time}${hours}:${minutes}`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
