import type { Cause } from '../errors.ts';
import type { AuthSpec, CorsSpec } from './auth.ts';
import type { Call, DynamoDbCall, Item, MongoDbCall, Position } from './call.ts';
import type { GateSpec } from './gate.ts';
import type { StoreName } from './stage.ts';

/** A parsed parameter, body or claim. Deliberately loose: the contract, not TypeScript, says what it is. */
// biome-ignore lint/suspicious/noExplicitAny: bindings are written against the contract's types, which are not known here
export type Value = any;

/** What a binding sees of a page. */
export interface Page {
  /** Items of a full page. `undefined` where the operation has no `page`. */
  readonly limit: number | undefined;
  /** Where the page before ended; `undefined` on the first page. */
  readonly after: Position | undefined;
}

/** The request as a binding sees it: frozen, decoded, typed and with the contract's defaults. */
export interface Request {
  readonly operation: string;
  readonly tenant: string;
  readonly claims: Readonly<Record<string, Value>>;
  readonly path: Readonly<Record<string, Value>>;
  readonly query: Readonly<Record<string, Value>>;
  readonly headers: Readonly<Record<string, Value>>;
  readonly body: Value;
  readonly page: Page;
}

/** One item's call, or a list's: gives an item (or `undefined`) for GetItem and findOne, an array for the others. */
export type Read = (call: Call) => Promise<Value>;

/** What an async binding may give: the item, `undefined`, the items, a page of them, or a last call to carry out. */
export type Found =
  | Item
  | readonly Item[]
  | { items: readonly Item[]; more?: boolean; total?: number }
  | Call
  | undefined;

/** From the parsed request to a store call, as data; where one call is not enough, an async function that reads. */
export type StoreBinding<C extends Call = Call> = (request: Request, read: Read) => C | Promise<Found>;

/** How a store value is written; without one the type of the contract decides. */
export type Codec =
  | 'date'
  | 'iso8601-seconds'
  | 'iso8601-millis'
  | 'epoch-seconds'
  | 'epoch-millis'
  | `decimal(${number})`
  | 'decimal-string'
  | 'number'
  | 'string'
  | 'uuid'
  | 'hex'
  | 'json';

/** An attribute path (`info.actors.0`), or one with a codec and a literal for when it is absent. */
export type AttributeSource = string | { readonly from?: string; readonly as?: Codec; readonly absent?: Value };

export interface SourceContext {
  /** The whole record the element came from; the response's own record for a one-item operation. */
  readonly item: Value;
  /** The element around this one; `undefined` at the top. */
  readonly parent: Value;
  readonly request: Request;
  /** Of this reply: `next` (cursor), `more`, `total`, `pages`, `count` (items in this page), `limit`. */
  readonly page: PageFacts;
}

export interface PageFacts {
  readonly limit: number | undefined;
  readonly count: number;
  readonly more: boolean;
  readonly next: string | undefined;
  readonly total: number | undefined;
  readonly pages: number | undefined;
}

export type FunctionSource = (element: Value, context: SourceContext) => Value;

export type OneSource = AttributeSource | FunctionSource;

/** One source for both stores, or one per store; a store that is not named takes the attribute of the same name. */
export type Source = OneSource | { readonly dynamodb?: OneSource; readonly mongodb?: OneSource };

/** JSON pointer of the response (`*` for array items or map values, a number for one element, '' for all) → source. */
export type Sources = Readonly<Record<string, Source>>;

export interface ErrorInput {
  readonly message: string;
  readonly parameter: string | undefined;
  readonly request: ErrorRequest;
}

/** What an error reply may know of the request; the parsed parts are there as far as parsing came. */
export interface ErrorRequest {
  readonly operation: string | undefined;
  readonly method: string;
  readonly url: string;
  readonly tenant: string | undefined;
  readonly headers: Readonly<Record<string, Value>>;
  readonly path: Readonly<Record<string, Value>>;
  readonly query: Readonly<Record<string, Value>>;
}

/** `body: undefined` or absent means no body at all; an object is sent as JSON; a string as it is. */
export interface ErrorReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Value;
}

export type ErrorReplies = Readonly<Partial<Record<Cause, (input: ErrorInput) => ErrorReply>>>;

/** Legacy's raw view of who asks: what `tenant` decides by. */
export interface TenantInput {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly path: Readonly<Record<string, Value>>;
  readonly query: Readonly<Record<string, Value>>;
  readonly claims: Readonly<Record<string, Value>>;
}

export type PositionSource = readonly string[] | ((last: Value) => Readonly<Record<string, Value>>);

export interface PageSpec {
  readonly limit?:
    | ((request: Omit<Request, 'page'>) => number | undefined)
    | {
        readonly value: (request: Omit<Request, 'page'>) => number | undefined;
        readonly default: number;
        readonly max: number;
        readonly over?: 'clamp' | 'refuse';
        /** Name of the contract's parameter, for the error; default `limit`. */
        readonly parameter?: string;
      };
  readonly cursor?: (request: Omit<Request, 'page'>) => string | undefined;
  readonly position?: PositionSource | Readonly<Record<StoreName, PositionSource>>;
  /** Pointers for what legacy puts into its replies. */
  readonly next?: string;
  readonly more?: string;
  readonly total?: string;
  readonly pages?: string;
  /** Adds an RFC 8288 `Link` header with `rel="next"`: the query parameter that carries the cursor or the page number. */
  readonly links?: string;
}

export type CompareRule =
  | {
      readonly path: string;
      readonly rule: 'ignore';
      readonly reason: string;
      readonly until?: string;
      readonly pair?: string;
    }
  | {
      readonly path: string;
      readonly rule: 'unordered';
      readonly reason: string;
      readonly until?: string;
      readonly pair?: string;
    }
  | {
      readonly path: string;
      readonly rule: 'within';
      readonly duration: string;
      readonly reason: string;
      readonly until?: string;
      readonly pair?: string;
    }
  | {
      readonly path: string;
      readonly rule: 'absentEqualsNull';
      readonly reason: string;
      readonly until?: string;
      readonly pair?: string;
    }
  | {
      readonly path: string;
      readonly rule: 'tolerance';
      readonly tolerance: number;
      readonly reason: string;
      readonly until?: string;
      readonly pair?: string;
    };

export type FixedHeaders = Readonly<Record<string, string | undefined>>;

export type HeaderSource = (
  request: Request,
  result: { readonly item: Value; readonly items: readonly Value[] | undefined; readonly page: PageFacts },
) => Readonly<Record<string, string | undefined>>;

export interface OperationSpec {
  readonly dynamodb?: StoreBinding<DynamoDbCall>;
  readonly mongodb?: StoreBinding<MongoDbCall>;
  readonly kind?: 'read';
  readonly tenantScope?: { readonly none: string };
  /** Why anybody may ask: the operation is answered without authentication. */
  readonly auth?: { readonly none: string };
  readonly allow?: (request: Request, item: Value) => true | 'forbidden' | 'notFound';
  readonly items?: string;
  readonly page?: PageSpec;
  readonly maxItems?: number;
  readonly response?: Sources;
  readonly errors?: ErrorReplies;
  readonly status?: number;
  /** An object holds for every reply of a store, errors too; `undefined` takes a header away. */
  readonly headers?: HeaderSource | FixedHeaders;
  readonly empty?: 'notFound';
  readonly key?: string | readonly string[];
  readonly open?: boolean;
  readonly variant?: (item: Value) => string;
  readonly absentAs?: 'null';
  readonly unknownParameters?: 'ignore' | 'refuse';
  readonly repeatable?: boolean;
  readonly freshness?: Freshness;
  readonly compare?: readonly CompareRule[];
  readonly gate?: GateSpec;
}

/** How MongoDB is kept in step while writes still reach the old store. */
export interface Freshness {
  readonly by: string;
  readonly within: string;
}

/** A bindings module: what `bind` takes and gives back, frozen. */
export interface BindingsSpec {
  readonly contract: string;
  readonly name?: string;
  readonly tenant: (input: TenantInput) => string | undefined;
  readonly auth?: AuthSpec;
  readonly cors?: CorsSpec;
  readonly basePath?: string;
  readonly trailingSlash?: 'strict' | 'ignore';
  readonly errors?: ErrorReplies;
  /** An object holds for every reply of a store, errors too; `undefined` takes a header away. */
  readonly headers?: HeaderSource | FixedHeaders;
  readonly freshness?: Freshness;
  readonly shapes?: Readonly<Record<string, Sources>>;
  readonly absentAs?: 'null';
  readonly unknownParameters?: 'ignore' | 'refuse';
  readonly compare?: readonly CompareRule[];
  readonly reveal?: readonly string[];
  readonly gate?: GateSpec;
  readonly operations: Readonly<Record<string, OperationSpec>>;
}
