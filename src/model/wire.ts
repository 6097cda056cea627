import type { Item } from './call.ts';

/** One item as the store sent it: a stretch of its reply, DynamoDB JSON or a BSON document. */
export interface WireItem {
  readonly bytes: Buffer;
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** What a call gave, undecoded. One-item calls give none or one. `total` only where the call said `count: true`. */
export interface WireFetched {
  readonly wire: readonly WireItem[];
  readonly more: boolean;
  readonly total?: number;
  /** One item as the store's own client would have given it. Throws a StoreError where it cannot be decoded. */
  decode(item: WireItem): Item;
}
