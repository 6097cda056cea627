import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDb, QueryRequest, WireReader } from '../drivers/dynamodb.ts';
import { StoreError } from '../errors.ts';
import type { BatchGetItemInput, Call, Fetched, GetItemInput, Item, QueryInput, Want } from '../model/call.ts';
import { decimalKey } from '../model/number.ts';
import type { StoreOrigin } from '../model/origin.ts';
import type { WireFetched } from '../model/wire.ts';
import { extentOf } from './extent.ts';
import { refuseUnholdable } from './values.ts';

/** DynamoDB as an origin. It closes the driver when it is closed. */
export function createDynamoDbOrigin(driver: DynamoDb): StoreOrigin {
  return Object.freeze<StoreOrigin>({
    name: 'dynamodb',
    fetch: (call, want) => fetchFrom(driver, call, want),
    fetchWire: wireOf(driver),
    ping: driver.ping,
    renew: driver.renew,
    close: driver.close,
    connections: driver.connections,
  });
}

async function fetchFrom(driver: DynamoDb, given: Call, want: Want): Promise<Fetched> {
  const call = want.consistent === true ? consistently(given) : given;
  if ('GetItem' in call) return await getItem(driver, call.GetItem, want);
  if ('BatchGetItem' in call) return await batchGetItem(driver, call.BatchGetItem, want);
  if ('Query' in call) return await list((input) => driver.query(input, want.deadline), call.Query, want);
  if ('Scan' in call) return await list((input) => driver.scan(input, want.deadline), call.Scan as QueryInput, want);
  throw new StoreError('dynamodb', 'refused', `DynamoDB has no reading call ${Object.keys(call).join(', ')}`);
}

/** Items as they came; a batch is put in order by keys that are read, so that it comes decoded. */
function wireOf(driver: DynamoDb): StoreOrigin['fetchWire'] {
  const { wire } = driver;
  if (wire === undefined) return undefined;
  return (given, want) => {
    const call = want.consistent === true ? consistently(given) : given;
    if ('GetItem' in call) return wireItem(wire, call.GetItem, want);
    if ('Query' in call) return wireList(wire, wire.query, call.Query, want);
    if ('Scan' in call) return wireList(wire, wire.scan, call.Scan as QueryInput, want);
    return undefined;
  };
}

function wireItem(wire: WireReader, input: GetItemInput, want: Want): Promise<WireFetched> {
  const { decode, view, giveBack } = wire;
  try {
    refuseUnholdable('dynamodb', input.Key);
    return wire.getItem(input, want.deadline, ({ items }) => ({ wire: items, more: false, decode, view, giveBack }));
  } catch (error) {
    return Promise.reject(error);
  }
}

async function wireList(
  wire: WireReader,
  read: WireReader['query'],
  call: QueryInput,
  want: Want,
): Promise<WireFetched> {
  const { items, ...rest } = await list((input) => read(input, want.deadline), call, want);
  const { decode, view, giveBack } = wire;
  return { wire: items, ...rest, decode, view, giveBack };
}

/** The same call, read consistently; an index cannot be. */
function consistently(call: Call): Call {
  const [[name, input]] = Object.entries(call) as [[string, object]];
  return 'IndexName' in input && input.IndexName !== undefined
    ? call
    : ({ [name]: { ...input, ConsistentRead: true } } as unknown as Call);
}

async function getItem(driver: DynamoDb, input: GetItemInput, want: Want): Promise<Fetched> {
  refuseUnholdable('dynamodb', input.Key);
  const item = await driver.getItem(input, want.deadline);
  return { items: item ? [item] : [], more: false };
}

const BATCH = 100;

async function batchGetItem(driver: DynamoDb, input: BatchGetItemInput, want: Want): Promise<Fetched> {
  refuseUnholdable('dynamodb', input.Keys);
  const names = Object.keys(input.Keys[0] ?? {}).sort();
  const keys = new Map(input.Keys.map((key) => [keyText(key, names), key]));
  if (keys.size > want.maxItems) {
    throw new StoreError('dynamodb', 'tooMany', `${keys.size} keys are more than ${want.maxItems}`);
  }

  const { asked, added } = projectKeys(input, names);
  const distinct = [...keys.values()];
  const chunks = Array.from({ length: Math.ceil(distinct.length / BATCH) }, (_, n) =>
    distinct.slice(n * BATCH, (n + 1) * BATCH),
  );
  const found = await Promise.all(chunks.map((Keys) => drain(driver, { ...asked, Keys }, want.deadline)));
  const byKey = new Map<string, Item>(found.flat().map((item) => [keyText(item, names), item]));
  const items = [...keys.keys()].map((key) => byKey.get(key)).filter((item) => item !== undefined);
  const { items: cut, more } = extentOf('dynamodb', {}, want).cut(items);
  return { items: added.length === 0 ? cut : cut.map((item) => without(item, added)), more };
}

async function drain(driver: DynamoDb, input: BatchGetItemInput, deadline: Want['deadline']): Promise<Item[]> {
  const items: Item[] = [];
  let keys = input.Keys;
  for (let round = 0; keys.length > 0; round += 1) {
    if (round > 0) await backOff(round, deadline.signal);
    const answer = await driver.batchGetItem({ ...input, Keys: keys }, deadline);
    items.push(...answer.items);
    keys = answer.unprocessed;
  }
  return items;
}

async function backOff(round: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(400, 10 * 2 ** round);
  await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal }).catch((error) => {
    throw new StoreError('dynamodb', 'timeout', 'DynamoDB left keys unprocessed until the deadline', error);
  });
}

/** The order of the items is known from their keys, so a projection that leaves them out is asked for more. */
function projectKeys(input: BatchGetItemInput, names: readonly string[]) {
  if (input.ProjectionExpression === undefined) return { asked: input, added: [] };
  const paths = input.ProjectionExpression.split(',').map((path) => path.trim());
  const projected = new Set(paths.map((path) => input.ExpressionAttributeNames?.[path] ?? path));
  const added = names.filter((name) => !projected.has(name));
  const aliases = added.map((name, index) => [`#crossfadeKey${index}`, name] as const);
  const asked: BatchGetItemInput = {
    ...input,
    ProjectionExpression: [...paths, ...aliases.map(([alias]) => alias)].join(', '),
    ...((input.ExpressionAttributeNames || added.length > 0) && {
      ExpressionAttributeNames: { ...input.ExpressionAttributeNames, ...Object.fromEntries(aliases) },
    }),
  };
  return { asked, added };
}

const without = (item: Item, names: readonly string[]): Item =>
  Object.fromEntries(Object.entries(item).filter(([name]) => !names.includes(name)));

const keyText = (item: Item, names: readonly string[]) => JSON.stringify(names.map((name) => scalarText(item[name])));

/** Numbers of one value are one key, however they are held: number, bigint or NumberValue. */
function scalarText(value: unknown): string {
  if (typeof value === 'string') return `S${value}`;
  if (ArrayBuffer.isView(value)) {
    return `B${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}`;
  }
  return `N${decimalKey(String(value)) ?? String(value)}`;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly count: number;
  readonly last: Item | undefined;
}

type ReadPage<T> = (input: QueryRequest) => Promise<Page<T>>;

async function list<T>(
  read: ReadPage<T>,
  call: QueryInput,
  want: Want,
): Promise<{ readonly items: readonly T[]; readonly more: boolean; readonly total?: number }> {
  const { skip, count = false, Limit, ExclusiveStartKey, ...listing } = call;
  refuseUnholdable('dynamodb', [listing.ExpressionAttributeValues, ExclusiveStartKey]);
  const extent = extentOf(
    'dynamodb',
    { ...(skip !== undefined && { skip }), ...(Limit !== undefined && { limit: Limit }) },
    want,
  );

  const walked = await walk(read, listing, ExclusiveStartKey, extent.skip + extent.take);
  const page = extent.cut(walked.items.slice(extent.skip));
  if (!count) return page;
  const sawAll = walked.ended && ExclusiveStartKey === undefined;
  return { ...page, total: sawAll ? walked.items.length : await countAll(read, listing) };
}

/** Reads on over short and empty pages until there are `needed` items or no more. */
async function walk<T>(read: ReadPage<T>, listing: QueryRequest, start: Item | undefined, needed: number) {
  const items: T[] = [];
  let from = start;
  for (let round = 0; items.length < needed; round += 1) {
    const Limit = limitOf(needed - items.length, listing.FilterExpression !== undefined, round);
    const page = await read({ ...listing, Limit, ...(from && { ExclusiveStartKey: from }) });
    for (const item of page.items) items.push(item);
    from = page.last;
    if (from === undefined) return { items: items.slice(0, needed), ended: items.length <= needed };
  }
  return { items: items.slice(0, needed), ended: false };
}

/** A filter drops items after they were read and paid for: read some more at once, and ever more while few pass. */
function limitOf(needed: number, filtered: boolean, round: number): number {
  return Math.min(2 ** 31 - 1, filtered ? Math.max(2 * needed, 100) * 4 ** round : needed);
}

async function countAll(read: ReadPage<unknown>, listing: QueryRequest): Promise<number> {
  const { ProjectionExpression, ExpressionAttributeNames, ...kept } = listing;
  const expressions = [kept.KeyConditionExpression, kept.FilterExpression].join(' ');
  const used = new Set(expressions.match(/#\w+/g));
  const names = Object.entries(ExpressionAttributeNames ?? {}).filter(([name]) => used.has(name));
  const input: QueryRequest = {
    ...kept,
    Select: 'COUNT',
    ...(names.length > 0 && { ExpressionAttributeNames: Object.fromEntries(names) }),
  };

  let total = 0;
  let from: Item | undefined;
  do {
    const page: Page<unknown> = await read({ ...input, ...(from && { ExclusiveStartKey: from }) });
    total += page.count;
    from = page.last;
  } while (from !== undefined);
  return total;
}
