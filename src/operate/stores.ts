import { type Cursors, revive } from '../bindings/cursor.ts';
import type { Bindings } from '../bindings/load.ts';
import type { Config } from '../config.ts';
import { openDynamoDb } from '../drivers/dynamodb.ts';
import { openMongoDb } from '../drivers/mongodb.ts';
import { wrap } from '../drivers/wrap.ts';
import { ConfigError } from '../errors.ts';
import type { StoreOrigin } from '../model/origin.ts';
import type { StoreName } from '../model/stage.ts';
import { createDynamoDbOrigin } from '../origins/dynamodb.ts';
import { createMongoDbOrigin } from '../origins/mongodb.ts';
import { type Answerer, createAnswerer } from '../request/answer.ts';

export type StoreConfig = Pick<Config, 'dynamodb' | 'mongodbUri'> & Partial<Pick<Config, 'mongodbClient'>>;

/** The stores that the bindings use, connected. */
export type Origins = Readonly<Partial<Record<StoreName, StoreOrigin>>>;

/** What a set of clients allows itself: the shadow has its own, with one attempt each, so that it takes none of a client's. */
export interface Pool {
  readonly timeout: number;
  readonly attempts?: number;
  readonly size?: number;
  /** MongoDB is read in the driver's public way, though leased connections were asked for. */
  readonly onUnleasable?: (reason: string) => void;
}

export function openOrigins(
  config: StoreConfig,
  { operations }: Bindings,
  pool: Pool,
  closers: (() => unknown)[],
): Origins {
  const { timeout, attempts, size, onUnleasable } = pool;
  const uses = (store: StoreName) => operations.some(({ stores }) => stores[store] !== undefined);
  const origins: Partial<Record<StoreName, StoreOrigin>> = {};
  if (uses('dynamodb'))
    origins.dynamodb = createDynamoDbOrigin(openDynamoDb({ ...config.dynamodb, timeout, attempts, maxSockets: size }));
  if (uses('mongodb') && config.mongodbUri !== undefined) {
    const uri = config.mongodbUri;
    const driver = named('MONGODB_URI', () =>
      openMongoDb({ uri, timeout, attempts, maxPoolSize: size, client: config.mongodbClient, onUnleasable }),
    );
    origins.mongodb = createMongoDbOrigin(driver);
  }
  for (const origin of Object.values(origins)) closers.push(() => origin.close());
  return Object.freeze(origins);
}

/** Answers of these stores, with this deadline. */
export const openAnswerer = (origins: Origins, cursors: Cursors, timeout: number): Answerer =>
  createAnswerer({ origins, cursors, revive: (position, store) => revive(position, store, wrap), timeout });

/** A driver that cannot be made is a wrong setting: the error names it. */
export function named<T>(setting: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new ConfigError([{ where: setting, message: (error as Error).message }]);
  }
}
