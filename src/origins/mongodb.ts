import type { MongoDb } from '../drivers/mongodb.ts';
import { StoreError } from '../errors.ts';
import type { AggregateInput, Call, Fetched, FindInput, FindOneInput, Item, Want } from '../model/call.ts';
import type { StoreOrigin } from '../model/origin.ts';
import { extentOf } from './extent.ts';
import { keysetCondition } from './keyset.ts';
import { refuseUnholdable } from './values.ts';

/** MongoDB as an origin. It closes the driver when it is closed. */
export function createMongoDbOrigin(driver: MongoDb): StoreOrigin {
  return Object.freeze<StoreOrigin>({
    name: 'mongodb',
    fetch: (call, want) => fetchFrom(driver, call, want),
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

async function findOne(driver: MongoDb, input: FindOneInput, want: Want): Promise<Fetched> {
  refuseUnholdable('mongodb', input.filter);
  const item = await driver.findOne(input, want.deadline.signal);
  return { items: item ? [item] : [], more: false };
}

async function find(driver: MongoDb, input: FindInput, want: Want): Promise<Fetched> {
  const { collection, filter, projection, sort, after, count = false } = input;
  refuseUnholdable('mongodb', [filter, after]);
  const extent = extentOf('mongodb', input, want);
  const behind = after && keysetCondition(sort, after);
  const request = { collection, projection, sort, skip: extent.skip, filter: behind ? allOf(filter, behind) : filter };

  const [items, total] = await Promise.all([
    extent.take === 0 ? [] : driver.find({ ...request, limit: extent.take }, want.deadline.signal), // a limit of 0 means all
    count ? driver.count(collection, filter, want.deadline.signal) : undefined,
  ]);
  return fetched(extent.cut(items), total);
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
      : driver.aggregate(collection, [...pipeline, ...skipping, { $limit: extent.take }], want.deadline.signal),
    count ? driver.aggregate(collection, [...pipeline, { $count: 'total' }], want.deadline.signal) : undefined,
  ]);
  return fetched(extent.cut(items), counted && Number(counted[0]?.total ?? 0));
}

const fetched = (page: Fetched, total: number | undefined): Fetched =>
  total === undefined ? page : { ...page, total };
