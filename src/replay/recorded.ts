import { validateHeaderName, validateHeaderValue } from 'node:http';

/** One request that was recorded, as far as its format knows it. */
export interface Recorded {
  /** Of the file, from 1 on; in a HAR the entry. */
  readonly line: number;
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  /** What was answered then. */
  readonly status?: number | undefined;
  readonly at?: Date | undefined;
}

/** A place in the file that is no request. */
export interface Complaint {
  readonly line: number;
  readonly message: string;
}

export type Entry = { readonly recorded: Recorded } | { readonly complaint: Complaint };

/** Why a line is no request; readers make a complaint of it. */
export class Unreadable extends Error {}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Throws Unreadable. */
export function methodOf(text: unknown): string {
  if (typeof text !== 'string' || !TOKEN.test(text)) throw new Unreadable('no method');
  return text.toUpperCase();
}

/**
 * Path and query of a request target: the origin of an absolute one and a fragment are dropped, what is not ASCII is
 * percent-encoded, all else stays as it is. Throws Unreadable.
 */
export function targetOf(text: unknown): string {
  if (typeof text !== 'string') throw new Unreadable('no path');
  const [path = ''] = text.replace(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/, '').split('#', 1);
  const target = path === '' || path.startsWith('?') ? `/${path}` : path;
  if (text === '' || !target.startsWith('/')) throw new Unreadable('the path does not begin with /');
  if (/[\0-\x20\x7f]/.test(target)) throw new Unreadable('the path holds a space or a control character');
  return target.replace(/[^\0-\x7f]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}

/** Headers of pairs, with lower-case names; HTTP/2's pseudo headers are dropped. Throws Unreadable. */
export function headersOf(pairs: readonly (readonly [string, unknown])[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const [given, value] of pairs) {
    const name = given.toLowerCase();
    if (name.startsWith(':') || value === undefined || value === null) continue;
    const texts = [value].flat();
    if (!texts.every((text) => typeof text === 'string')) throw new Unreadable(`the header ${given} is no text`);
    const joined = [...(headers[name] === undefined ? [] : [headers[name]]), ...texts].join(
      name === 'cookie' ? '; ' : ', ',
    );
    try {
      validateHeaderName(name);
      validateHeaderValue(name, joined);
    } catch {
      throw new Unreadable(`${JSON.stringify(given)} is no header that HTTP can carry`);
    }
    headers[name] = joined;
  }
  return { ...headers };
}

/** A status as a number of three digits; else `undefined`. */
export const statusOf = (value: unknown): number | undefined => {
  const status = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  return Number.isInteger(status) && status >= 100 && status <= 999 ? status : undefined;
};

/** A date of RFC 3339; else `undefined`. */
export function dateOf(text: unknown): Date | undefined {
  const date = typeof text === 'string' || typeof text === 'number' ? new Date(text) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}
