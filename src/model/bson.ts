/** BSON walked where it lies: types by their number on the wire, and where a value ends. */

export const DOUBLE = 0x01;
export const STRING = 0x02;
export const DOCUMENT = 0x03;
export const ARRAY = 0x04;
export const BINARY = 0x05;
export const UNDEFINED = 0x06;
export const OBJECT_ID = 0x07;
export const BOOLEAN = 0x08;
export const DATE = 0x09;
export const NULL = 0x0a;
export const INT32 = 0x10;
export const TIMESTAMP = 0x11;
export const INT64 = 0x12;
export const DECIMAL128 = 0x13;

/** Little-endian, as all of BSON. What lies beyond the end counts as zero: who reads has looked at the length. */
export function int32At(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** Behind the value of this type at `at`, at most `end`; -1 where it is longer, or of a type that is not walked over. */
export function behindValue(type: number, bytes: Buffer, at: number, end: number): number {
  let next: number;
  switch (type) {
    case DOUBLE:
    case DATE:
    case TIMESTAMP:
    case INT64:
      next = at + 8;
      break;
    case STRING: {
      const length = int32At(bytes, at);
      if (length < 1) return -1;
      next = at + 4 + length;
      break;
    }
    case DOCUMENT:
    case ARRAY: {
      const length = int32At(bytes, at);
      if (length < 5) return -1;
      next = at + length;
      break;
    }
    case BINARY: {
      const length = int32At(bytes, at);
      if (length < 0) return -1;
      next = at + 5 + length;
      break;
    }
    case OBJECT_ID:
      next = at + 12;
      break;
    case BOOLEAN:
      next = at + 1;
      break;
    case NULL:
      next = at;
      break;
    case INT32:
      next = at + 4;
      break;
    case DECIMAL128:
      next = at + 16;
      break;
    default:
      return -1;
  }
  return next <= end ? next : -1;
}

/** Behind the zero that ends the name at `at`; -1 where none comes before `end`. */
export function behindName(bytes: Buffer, at: number, end: number): number {
  for (let i = at; i < end; i += 1) if (bytes[i] === 0) return i + 1;
  return -1;
}
