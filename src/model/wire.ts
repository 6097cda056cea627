import type { Item } from './call.ts';

/** One item as the store sent it: a stretch of its reply, DynamoDB JSON or a BSON document. */
export interface WireItem {
  readonly bytes: Buffer;
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  /** Where its attributes are, where that was noted on the way. */
  readonly marks?: Marks | undefined;
}

/**
 * A stretch of a tape, four numbers for each attribute: where its name begins, where its value, where that ends, and twice
 * the name's place in `names`, one more for a string without escapes; -1 for a name that is not there.
 */
export interface Marks {
  readonly tape: Int32Array;
  readonly from: number;
  readonly to: number;
  /** Grows, and what is in it stays. */
  readonly names: readonly string[];
}

/** What a call gave, undecoded. One-item calls give none or one. `total` only where the call said `count: true`. */
export interface WireFetched {
  readonly wire: readonly WireItem[];
  readonly more: boolean;
  readonly total?: number;
  /** One item as the store's own client would have given it. Throws a StoreError where it cannot be decoded. */
  decode(item: WireItem): Item;
  /** The same, decoded as far as it is looked at. */
  view(item: WireItem): Item;
  /** Nobody looks at these items any more, nor at a view of them: their memory is written on again. */
  readonly giveBack?: ((items: readonly WireItem[]) => void) | undefined;
}
