import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import type { BatchGetItemInput, GetItemInput, Item, QueryInput, ScanInput } from '../../model/call.ts';
import type { Deadline } from '../../model/deadline.ts';
import type { WireItem } from '../../model/wire.ts';
import { decodeItem, itemOf, parsed, viewItem } from './decode.ts';
import { translate } from './failure.ts';
import { framed, type WirePage } from './frame.ts';
import type { WayOptions } from './handler.ts';
import { Marker } from './marker.ts';
import { bodyOf, type WireCall } from './marshal.ts';
import type { CarryOn, Ending, Sender } from './send.ts';

type Sent<Input> = Omit<Input, 'skip' | 'count'> & { readonly Select?: 'COUNT' };
export type QueryRequest = Sent<QueryInput>;
export type ScanRequest = Sent<ScanInput>;

/** One page of a Query or Scan; `last` is where the next one starts. */
export interface DynamoDbPage {
  readonly items: readonly Item[];
  readonly count: number;
  readonly last: Item | undefined;
}

/** How long to wait. */
export type Wait = AbortSignal | Deadline;

/**
 * DynamoDB's reading calls, one exchange each. All throw a `StoreError`, or `NoSuchItem` for a value that no key or
 * number can be. A number comes as a double where that prints as the same decimal, else as a NumberValue.
 */
export interface Reader {
  getItem(input: GetItemInput, wait: Wait): Promise<Item | undefined>;
  /** At most 100 distinct keys; items come in any order, `unprocessed` are the keys to ask for again. */
  batchGetItem(
    input: BatchGetItemInput,
    wait: Wait,
  ): Promise<{ readonly items: readonly Item[]; readonly unprocessed: readonly Item[] }>;
  query(input: QueryRequest, wait: Wait): Promise<DynamoDbPage>;
  scan(input: ScanRequest, wait: Wait): Promise<DynamoDbPage>;
  /** The same, undecoded; absent where the SDK does all. */
  readonly wire?: WireReader | undefined;
}

export interface WireReader {
  /** What `take` makes of the reply. */
  getItem<T>(input: GetItemInput, wait: Wait, take: (page: WirePage) => T): Promise<T>;
  query(input: QueryRequest, wait: Wait): Promise<WirePage>;
  scan(input: ScanRequest, wait: Wait): Promise<WirePage>;
  /** One item as lib-dynamodb would have given it. Throws StoreError (undecodable). */
  decode(item: WireItem): Item;
  /** The same, decoded as far as it is looked at. */
  view(item: WireItem): Item;
  /** Nobody looks at these items any more, nor at a view of them. */
  giveBack(items: readonly WireItem[]): void;
}

const signalOf = (wait: Wait): AbortSignal => ('signal' in wait ? wait.signal : wait);

const isPassed = (wait: Wait): boolean => ('signal' in wait ? wait.passed : wait.aborted);

export function sdkReader(documents: DynamoDBDocumentClient): Reader {
  return {
    async getItem(input, wait) {
      const sent = documents.send(new GetCommand({ ...input }), { abortSignal: signalOf(wait) });
      const { Item: item } = await sent.catch((error) => translate(error, isPassed(wait)));
      return item;
    },
    async batchGetItem(input, wait) {
      const sent = documents.send(batchOf(input), { abortSignal: signalOf(wait) });
      const { Responses, UnprocessedKeys } = await sent.catch((error) => translate(error, isPassed(wait)));
      const items = Object.values(Responses ?? {}).flat();
      return { items, unprocessed: Object.values(UnprocessedKeys ?? {}).flatMap((keys) => keys.Keys ?? []) };
    },
    async query(input, wait) {
      const sent = documents.send(new QueryCommand({ ...input }), { abortSignal: signalOf(wait) });
      return pageOf(await sent.catch((error) => translate(error, isPassed(wait), input)));
    },
    async scan(input, wait) {
      const sent = documents.send(new ScanCommand({ ...input }), { abortSignal: signalOf(wait) });
      return pageOf(await sent.catch((error) => translate(error, isPassed(wait), input)));
    },
  };
}

const batchOf = ({ TableName, Keys, ...rest }: BatchGetItemInput): BatchGetCommand =>
  new BatchGetCommand({ RequestItems: { [TableName]: { ...rest, Keys: [...Keys] } } });

const pageOf = ({
  Items,
  Count,
  LastEvaluatedKey,
}: Pick<QueryCommandOutput, 'Items' | 'Count' | 'LastEvaluatedKey'>): DynamoDbPage => ({
  items: Items ?? [],
  count: Count ?? 0,
  last: LastEvaluatedKey,
});

/** The same calls over our own sending. */
export function wireReader(documents: DynamoDBDocumentClient, sender: Sender): Reader {
  const ask = <Input extends object, T>(
    call: WireCall,
    bySdk: BySdk<Input>,
    input: Input,
    wait: Wait,
    take: (body: Buffer) => T,
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      const carryOn: CarryOn = (options) => bySdk(documents, input, options);
      sender.send(call, bodyOf(call, input), carryOn, endingOf(wait), (given) => {
        try {
          if (given instanceof Error)
            translate(given, isPassed(wait), call === 'Query' || call === 'Scan' ? input : undefined);
          resolve(take(given));
        } catch (error) {
          reject(error);
        }
      });
    });
  const marker = new Marker();
  const page = (body: Buffer): WirePage => framed(body, marker);
  const wire: WireReader = {
    getItem: (input, wait, take) => ask('GetItem', getBySdk, input, wait, (body) => take(page(body))),
    query: (input, wait) => ask('Query', queryBySdk, input, wait, page),
    scan: (input, wait) => ask('Scan', scanBySdk, input, wait, page),
    decode: decodeItem,
    view: viewItem,
    giveBack: (items) => {
      let last: Buffer | undefined;
      for (const { bytes } of items) {
        if (bytes === last) continue;
        marker.giveBack(bytes);
        sender.giveBack(bytes);
        last = bytes;
      }
    },
  };
  return {
    wire,
    getItem: (input, wait) => wire.getItem(input, wait, ({ items: [item] }) => item && decodeItem(item)),
    query: (input, wait) => ask('Query', queryBySdk, input, wait, (body) => decoded(page(body))),
    scan: (input, wait) => ask('Scan', scanBySdk, input, wait, (body) => decoded(page(body))),
    batchGetItem: (input, wait) => ask('BatchGetItem', batchBySdk, input, wait, batchIn),
  };
}

type BySdk<Input> = (documents: DynamoDBDocumentClient, input: Input, options: WayOptions) => Promise<unknown>;

const getBySdk: BySdk<GetItemInput> = (documents, input, options) =>
  documents.send(new GetCommand({ ...input }), options);
const queryBySdk: BySdk<QueryRequest> = (documents, input, options) =>
  documents.send(new QueryCommand({ ...input }), options);
const scanBySdk: BySdk<ScanRequest> = (documents, input, options) =>
  documents.send(new ScanCommand({ ...input }), options);
const batchBySdk: BySdk<BatchGetItemInput> = (documents, input, options) => documents.send(batchOf(input), options);

const decoded = ({ items, count, last }: WirePage): DynamoDbPage => ({ items: items.map(decodeItem), count, last });

interface BatchReply {
  readonly Responses?: Readonly<Record<string, readonly unknown[]>> | null;
  readonly UnprocessedKeys?: Readonly<Record<string, { readonly Keys?: readonly unknown[] }>> | null;
}

function batchIn(body: Buffer): { readonly items: readonly Item[]; readonly unprocessed: readonly Item[] } {
  const { Responses, UnprocessedKeys } = (body.length === 0 ? {} : parsed(body.toString())) as BatchReply;
  return {
    items: Object.values(Responses ?? {})
      .flat()
      .map(itemOf),
    unprocessed: Object.values(UnprocessedKeys ?? {})
      .flatMap(({ Keys }) => Keys ?? [])
      .map(itemOf),
  };
}

function endingOf(wait: Wait): Ending {
  if ('signal' in wait) return wait;
  return {
    signal: wait,
    get passed() {
      return wait.aborted;
    },
    onPassed(call) {
      wait.addEventListener('abort', call, { once: true });
      if (wait.aborted) call();
      return () => wait.removeEventListener('abort', call);
    },
  };
}
