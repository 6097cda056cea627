import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { Decimal128, ObjectId, UUID } from 'mongodb';
import type { StoreName } from '../model/stage.ts';

/** A store's own value for what plain JavaScript has none: a number by its digits, an ObjectId, a UUID. */
export function wrap(kind: 'number' | 'objectId' | 'uuid', text: string, store: StoreName): unknown {
  if (kind === 'objectId') return new ObjectId(text);
  if (kind === 'uuid') return new UUID(text);
  return store === 'dynamodb' ? NumberValue.from(text) : Decimal128.fromString(text);
}
