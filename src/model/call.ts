/**
 * Store calls as data, written as each store's own client takes them. A binding returns one; only `origins/` carries
 * one out.
 */

import type { Deadline } from './deadline.ts';

/** A plain record of a store: as lib-dynamodb or the MongoDB driver gives it. */
export type Item = Readonly<Record<string, unknown>>;

type Names = Readonly<Record<string, string>>;

export interface GetItemInput {
  readonly TableName: string;
  readonly Key: Item;
  readonly ConsistentRead?: boolean;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Names;
}

/** Keys of one table; deduplicated, items come back in the order of the keys, unprocessed keys are asked again. */
export interface BatchGetItemInput {
  readonly TableName: string;
  readonly Keys: readonly Item[];
  readonly ConsistentRead?: boolean;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Names;
}

interface Listing {
  readonly TableName: string;
  readonly IndexName?: string;
  readonly FilterExpression?: string;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: Names;
  readonly ExpressionAttributeValues?: Item;
  readonly ConsistentRead?: boolean;
  readonly ExclusiveStartKey?: Item | undefined;
  readonly Limit?: number;
  /** Ours: items to pass over before the first (page numbers). */
  readonly skip?: number;
  /** Ours: also count all that match, whatever `skip` and the page; costs a second walk. */
  readonly count?: boolean;
}

export interface QueryInput extends Listing {
  readonly KeyConditionExpression: string;
  readonly ScanIndexForward?: boolean;
}

export interface ScanInput extends Listing {}

export type DynamoDbCall =
  | { readonly GetItem: GetItemInput }
  | { readonly BatchGetItem: BatchGetItemInput }
  | { readonly Query: QueryInput }
  | { readonly Scan: ScanInput };

export type Sort = Readonly<Record<string, 1 | -1>>;

export interface FindOneInput {
  readonly collection: string;
  readonly filter: Item;
  readonly projection?: Item;
  readonly sort?: Sort;
}

export interface FindInput extends FindOneInput {
  readonly skip?: number;
  readonly limit?: number;
  /** Position of the last item of the page before; becomes the keyset condition that belongs to `sort`. */
  readonly after?: Position | undefined;
  readonly count?: boolean;
}

/** Reading stages only: no $out, no $merge. `skip`, `limit` and `count` as for `find`, put behind the pipeline. */
export interface AggregateInput {
  readonly collection: string;
  readonly pipeline: readonly Item[];
  readonly skip?: number;
  readonly limit?: number;
  readonly count?: boolean;
}

export type MongoDbCall =
  | { readonly findOne: FindOneInput }
  | { readonly find: FindInput }
  | { readonly aggregate: AggregateInput };

export type Call = DynamoDbCall | MongoDbCall;

/**
 * Where a page ended: attribute names to plain values (strings, numbers, booleans, null; a number that a double cannot
 * hold arrives as the store's own wrapper: NumberValue for DynamoDB, Long or Decimal128 for MongoDB).
 */
export type Position = Readonly<Record<string, unknown>>;

/** How much of a list is wanted, and for how long to wait. */
export interface Want {
  /** Items of a full page; the origin reads one more to say `more`. `undefined`: all, up to `maxItems`. */
  readonly limit?: number | undefined;
  /** More than this without a page is a `tooMany` StoreError, never a silent cut. */
  readonly maxItems: number;
  readonly deadline: Deadline;
  /** Read what is written, not what has arrived: where the store can, whatever the call says. */
  readonly consistent?: boolean | undefined;
}

/** What a call gave. One-item calls give none or one. `total` only where the call said `count: true`. */
export interface Fetched {
  readonly items: readonly Item[];
  readonly more: boolean;
  readonly total?: number;
}
