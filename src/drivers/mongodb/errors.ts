import { BSON, MongoError, MongoNetworkError, MongoNetworkTimeoutError, MongoServerError } from 'mongodb';
import { NoSuchItem, StoreError, type StoreFailure } from '../../errors.ts';
import type { Item } from '../../model/call.ts';

/** An error of the driver as ours. `late`: the deadline has passed. `sent`: what the call was to carry. */
export function translate(error: Error, late: boolean, sent: Item): Error {
  if (late) return new StoreError('mongodb', 'timeout', 'MongoDB took longer than the deadline', error);
  if (error instanceof BSON.BSONError || error instanceof RangeError) return encodingFailure(error, sent);
  return new StoreError('mongodb', failureOf(error), `${error.name}: ${error.message}`, error);
}

/** One error class tells of both directions: what cannot be written even now was not an answer's fault. */
function encodingFailure(error: Error, sent: Item): Error {
  try {
    BSON.serialize(sent);
  } catch {
    return new NoSuchItem(`MongoDB cannot hold this value: ${error.message}`);
  }
  return new StoreError('mongodb', 'undecodable', error.message, error);
}

/** By server error code; all others that the server gives are about the call itself. */
const CODES: Readonly<Record<number, StoreFailure>> = Object.freeze({
  50: 'timeout', // MaxTimeMSExpired
  262: 'timeout', // ExceededTimeLimit
  462: 'throttled', // IngressRequestRateLimitExceeded
  13: 'unavailable', // Unauthorized
  18: 'unavailable', // AuthenticationFailed
  8000: 'unavailable', // AtlasError
});

function failureOf(error: Error): StoreFailure {
  if (!(error instanceof MongoError)) return error.name === 'TypeError' ? 'refused' : 'unavailable';
  if (error instanceof MongoNetworkTimeoutError) return 'timeout';
  if (error.hasErrorLabel('SystemOverloadedError')) return 'throttled';
  if (error instanceof MongoServerError) {
    const stepping = error.hasErrorLabel('RetryableReadError') || error.hasErrorLabel('ResetPool');
    return CODES[Number(error.code)] ?? (stepping || NOT_PRIMARY.has(Number(error.code)) ? 'unavailable' : 'refused');
  }
  return ['MongoInvalidArgumentError', 'MongoParseError'].includes(error.name) ? 'refused' : 'unavailable';
}

/** No primary, shutting down, or out of reach within the cluster. */
const NOT_PRIMARY: ReadonlySet<number> = new Set([6, 7, 89, 91, 134, 189, 9001, 10107, 11600, 11602, 13435, 13436]);

/** ExceededTimeLimit too: there the server, not the call, ran out of time. */
const RETRYABLE: ReadonlySet<number> = new Set([...NOT_PRIMARY, 262]);

/** Whether a read that ended so is sent once more, by the rules that the driver has for its own reads. */
export function isRetryable(error: Error): boolean {
  if (error instanceof MongoNetworkError) return true;
  if (!(error instanceof MongoError)) return false;
  if (RETRYABLE.has(Number(error.code)) || error.hasErrorLabel('RetryableReadError')) return true;
  return /not master|node is recovering/i.test(error.message);
}
