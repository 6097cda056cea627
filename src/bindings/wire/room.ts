import type { Slots } from './bson-walk.ts';
import { JsonOut } from './json-out.ts';
import { Out } from './out.ts';

/**
 * What bodies are put together in, used again from one body to the next. All operations share one: a body is written in
 * one go, on one thread, and leaves nothing there that the next one looks at.
 */
export class Room {
  readonly dynamodb: DynamoDbRoom = { out: new Out(), places: new Int32Array(PLACES), ends: new Int32Array(PLACES) };
  readonly mongodb: BsonRoom = {
    out: new JsonOut(),
    slots: { table: new Int32Array(FIRST_SLOTS), top: 0, view: new DataView(new ArrayBuffer(0)) },
  };
}

export interface DynamoDbRoom {
  readonly out: Out;
  readonly places: Int32Array;
  /** Behind a value that is a string without escapes; else 0. Only where there is a place. */
  readonly ends: Int32Array;
}

export interface BsonRoom {
  readonly out: JsonOut;
  readonly slots: Slots;
}

/** Values that are wanted at once, all elements around one together. */
const PLACES = 4_096;

const FIRST_SLOTS = 3_000;
