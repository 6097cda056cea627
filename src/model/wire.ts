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

/** A stretch of a tape, three numbers for each attribute: where its name begins, where its value, and where that ends. */
export interface Marks {
  readonly tape: Int32Array;
  readonly from: number;
  readonly to: number;
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
}
