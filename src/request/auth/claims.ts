import type { Claims, HeaderClaims } from '../../model/auth.ts';

export const NO_CLAIMS: Claims = Object.freeze({});

/** Headers → claims, those alone that are there. `names` are in any case, `headers` in lower case. */
export function claimsOf(
  names: HeaderClaims | undefined,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Claims {
  if (names === undefined) return NO_CLAIMS;
  const found = Object.entries(names).flatMap(([header, claim]) => {
    const value = headers[header.toLowerCase()];
    return typeof value === 'string' && value !== '' ? [[claim, value] as const] : [];
  });
  return found.length === 0 ? NO_CLAIMS : Object.freeze(Object.fromEntries(found));
}

/** The same value, which nobody can change any more. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
