import type { FindRequest } from '../drivers/mongodb/find.ts';
import type { MongoDb } from '../drivers/mongodb.ts';
import { StoreError } from '../errors.ts';
import type { AggregateInput, Call, Fetched, FindInput, FindOneInput, Item, Want } from '../model/call.ts';
import type { StoreOrigin } from '../model/origin.ts';
import type { WireFetched, WireItem } from '../model/wire.ts';
import { type Extent, extentOf } from './extent.ts';
import { keysetCondition } from './keyset.ts';
import { refuseUnholdable } from './values.ts';

/** MongoDB as an origin. It closes the driver when it is closed. */
export function createMongoDbOrigin(driver: MongoDb): StoreOrigin {
  return Object.freeze<StoreOrigin>({
    name: 'mongodb',
    fetch: (call, want) => fetchFrom(driver, call, want),
    fetchWire: driver.findWire && ((call, want) => fetchWireFrom(driver, call, want)),
    ping: driver.ping,
    close: driver.close,
    connections: driver.connections,
  });
}

async function fetchFrom(driver: MongoDb, call: Call, want: Want): Promise<Fetched> {
  if ('findOne' in call) return await findOne(driver, call.findOne, want);
  if ('find' in call) return await find(driver, call.find, want);
  if ('aggregate' in call) return await aggregate(driver, call.aggregate, want);
  throw new StoreError('mongodb', 'refused', `MongoDB has no reading call ${Object.keys(call).join(', ')}`);
}

/** Of a `find` or a `findOne`; what counts or aggregates comes decoded. */
function fetchWireFrom(driver: MongoDb, call: Call, want: Want): Promise<WireFetched> | undefined {
  if ('findOne' in call) {
    refuseUnholdable('mongodb', call.findOne.filter);
    const { collection, filter, projection, sort } = call.findOne;
    const request = { collection, filter, projection, sort, limit: 1 };
    return undecoded(driver, driver.findWire?.(request, want.deadline), ONE);
  }
  if (!('find' in call) || call.find.count === true) return undefined;
  const { extent, request } = listing(call.find, want);
  if (extent.take === 0) return undefined;
  return undecoded(driver, driver.findWire?.({ ...request, limit: extent.take }, want.deadline), extent);
}

const ONE: Pick<Extent, 'cut'> = Object.freeze({ cut: <T>(items: readonly T[]) => ({ items, more: false }) });

function undecoded(
  { decode, view }: MongoDb,
  found: Promise<readonly WireItem[]> | undefined,
  { cut }: Pick<Extent, 'cut'>,
): Promise<WireFetched> | undefined {
  return found?.then((read) => {
    const { items, more } = cut(read);
    return { wire: items, more, decode, view };
  });
}

async function findOne(driver: MongoDb, input: FindOneInput, want: Want): Promise<Fetched> {
  refuseUnholdable('mongodb', input.filter);
  const item = await driver.findOne(input, want.deadline);
  return { items: item ? [item] : [], more: false };
}

async function find(driver: MongoDb, input: FindInput, want: Want): Promise<Fetched> {
  const { collection, filter, count = false } = input;
  const { extent, request } = listing(input, want);
  const [items, total] = await Promise.all([
    extent.take === 0 ? [] : driver.find({ ...request, limit: extent.take }, want.deadline), // a limit of 0 means all
    count ? driver.count(collection, filter, want.deadline) : undefined,
  ]);
  return fetched(extent.cut(items), total);
}

/** What a list asks for, and how much of it, decided before any I/O. */
function listing(input: FindInput, want: Want): { readonly extent: Extent; readonly request: FindRequest } {
  const { collection, filter, projection, sort, after } = input;
  refuseUnholdable('mongodb', [filter, after]);
  const extent = extentOf('mongodb', input, want);
  const behind = after && keysetCondition(sort, after);
  const request = { collection, projection, sort, skip: extent.skip, filter: behind ? allOf(filter, behind) : filter };
  return { extent, request };
}

const allOf = (filter: Item, condition: Item): Item =>
  Object.keys(filter).length === 0 ? condition : { $and: [filter, condition] };

const WRITING = ['$out', '$merge'];

async function aggregate(driver: MongoDb, input: AggregateInput, want: Want): Promise<Fetched> {
  const { collection, pipeline, count = false } = input;
  refuseUnholdable('mongodb', pipeline);
  const writing = pipeline.flatMap((stage) => Object.keys(stage)).find((name) => WRITING.includes(name));
  if (writing) throw new StoreError('mongodb', 'refused', `${writing} writes, and a binding only reads`);

  const extent = extentOf('mongodb', input, want);
  const skipping = extent.skip > 0 ? [{ $skip: extent.skip }] : [];
  const [items, counted] = await Promise.all([
    extent.take === 0
      ? []
      : driver.aggregate(collection, [...pipeline, ...skipping, { $limit: extent.take }], want.deadline),
    count ? driver.aggregate(collection, [...pipeline, { $count: 'total' }], want.deadline) : undefined,
  ]);
  return fetched(extent.cut(items), counted && Number(counted[0]?.total ?? 0));
}

const fetched = (page: Fetched, total: number | undefined): Fetched =>
  total === undefined ? page : { ...page, total };
