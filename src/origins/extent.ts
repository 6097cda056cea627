import { StoreError } from '../errors.ts';
import type { Want } from '../model/call.ts';
import type { StoreName } from '../model/stage.ts';

/** How much of a list a call reads, decided before any I/O. */
export interface Extent {
  readonly skip: number;
  /** Items to read behind `skip`: one more than are given back where that one tells something. */
  readonly take: number;
  /** Cuts what was read to what is given back; throws `tooMany` where there was no page and more than `maxItems`. */
  cut<T>(read: readonly T[]): { readonly items: readonly T[]; readonly more: boolean };
}

/**
 * A page's limit and the author's own both hold, the smaller wins. Only a page asks for one item more, to know `more`;
 * without a page the author's limit is simply the end. Throws `refused` for what is not a count.
 */
export function extentOf(store: StoreName, author: { skip?: number; limit?: number }, want: Want): Extent {
  const skip = author.skip ?? 0;
  const limit = Math.min(want.limit ?? Infinity, author.limit ?? Infinity);
  if (!isCount(skip)) throw new StoreError(store, 'refused', `skip is ${skip}, and must be a whole number from 0`);
  if (limit !== Infinity && !isCount(limit)) {
    throw new StoreError(store, 'refused', `limit is ${limit}, and must be a whole number from 0`);
  }

  const paged = want.limit !== undefined;
  const bounded = paged || limit <= want.maxItems;
  const size = bounded ? limit : want.maxItems;
  return {
    skip,
    take: paged || !bounded ? size + 1 : size,
    cut(read) {
      const more = read.length > size;
      if (more && !bounded) {
        throw new StoreError(
          store,
          'tooMany',
          `there are more than ${want.maxItems} items, and the operation has no page`,
        );
      }
      return { items: more ? read.slice(0, size) : read, more };
    },
  };
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;
