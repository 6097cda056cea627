import { NoSuchItem } from '../errors.ts';

/**
 * Throws `NoSuchItem` where a string somewhere in `value` has a lone surrogate: encoding to UTF-8 would make it another
 * string, which another item may have.
 */
export function refuseLoneSurrogates(value: unknown): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new NoSuchItem('a string is not well-formed Unicode');
    return;
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const part of value instanceof Set ? value : Object.values(value)) refuseLoneSurrogates(part);
}
