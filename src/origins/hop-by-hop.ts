/** Of one connection, never passed on (RFC 9110 §7.6.1). What stands in them is made anew for the next connection. */
export const HOP_BY_HOP: readonly string[] = Object.freeze([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Nominated by Connection and yet needed to delimit or to route: never taken away. */
const END_TO_END = new Set(['content-length', 'host', 'set-cookie']);

/** What nearly every Connection header says, which nominates nothing but itself. */
const PLAIN = new Set(['keep-alive', 'close']);

/** The headers that a Connection header nominates, in lower case; `undefined` where there are none to take away. */
export function nominatedBy(connection: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined) return undefined;
  const text = String(connection).toLowerCase();
  if (PLAIN.has(text)) return undefined;
  const names = text.split(',').map((token) => token.trim());
  return new Set(names.filter((name) => !END_TO_END.has(name)));
}

/**
 * Lengths of names as a set of bits, modulo 32: a header whose length is not among them is none of them, and need not be
 * looked at. Most are none.
 */
export const lengthsOf = (names: Iterable<string>): number => {
  let bits = 0;
  for (const name of names) bits |= 1 << (name.length & 31);
  return bits;
};

/** Whether one of the names may have so many characters. */
export const mayBe = (bits: number, length: number): boolean => ((bits >> (length & 31)) & 1) === 1;
