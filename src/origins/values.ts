import { NoSuchItem } from '../errors.ts';
import type { StoreName } from '../model/stage.ts';

/**
 * Throws `NoSuchItem` where a client of the store would silently send another value, which another item may have: a
 * lone surrogate becomes U+FFFD in UTF-8, and a bigint beyond 64 bits loses its upper ones in BSON.
 */
export function refuseUnholdable(store: StoreName, value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed()) throw new NoSuchItem('a string is not well-formed Unicode');
  if (typeof value === 'bigint' && store === 'mongodb' && BigInt.asIntN(64, value) !== value) {
    throw new NoSuchItem(`${value} does not fit into 64 bits`);
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const part of value instanceof Set ? value : Object.values(value)) refuseUnholdable(store, part);
}
