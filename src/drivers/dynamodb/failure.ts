import { NoSuchItem, StoreError, type StoreFailure } from '../../errors.ts';

/** The author's text of a Query or Scan. */
interface Listing {
  readonly KeyConditionExpression?: string;
  readonly FilterExpression?: string;
}

/** What the service, DynamoDB Local and dynalite say of a value that no key or number can be. */
const BAD_VALUE = [
  /key attribute cannot contain an empty/,
  /size of (hashkey|rangekey)/i,
  /aggregated size of all range keys/i,
  /primary key values must be under/,
  /item size has exceeded/i,
  /key element does not match the schema/,
  /type mismatch for key/i,
  /condition parameter type does not match schema type/i,
  /is not valid for \w+ AttributeValue type/,
  /invalid attribute value type/i,
  /cannot be converted (to a numeric value|into a number)/,
  /number (over|under)flow/i,
  /38 (significant )?digits/,
  /special numeric value/i,
];

const FAILURES: Readonly<Record<string, StoreFailure>> = Object.freeze({
  TimeoutError: 'timeout',
  ProvisionedThroughputExceededException: 'throttled',
  RequestLimitExceeded: 'throttled',
  ThrottlingException: 'throttled',
  ValidationException: 'refused',
  ResourceNotFoundException: 'refused',
  SerializationException: 'refused',
  AccessDeniedException: 'unavailable',
  ExpiredTokenException: 'unavailable',
  InternalServerError: 'unavailable',
  SyntaxError: 'undecodable',
});

export interface Failure extends Error {
  readonly $metadata?: unknown;
  readonly $response?: unknown;
  readonly code?: string;
}

/** Throws what an error of the SDK, or of our own sending, is to us: StoreError, or NoSuchItem. */
export function translate(error: Failure, passed: boolean, listing?: Listing): never {
  if (error instanceof StoreError) throw error;
  if (passed) throw new StoreError('dynamodb', 'timeout', 'DynamoDB took longer than the deadline', error);

  const told = error.name === 'ValidationException' || !error.$metadata; // without metadata: the SDK's own encoder
  const bad = BAD_VALUE.some((pattern) => pattern.test(error.message));
  if (told && (bad || oversize(error, listing)))
    throw new NoSuchItem(`DynamoDB cannot hold this value: ${error.message}`);

  throw new StoreError('dynamodb', failureOf(error), `${error.name}: ${error.message}`, error);
}

function failureOf(error: Failure): StoreFailure {
  const known = FAILURES[error.name];
  if (known) return known;
  if (error.message.startsWith('Unsupported type passed') || error.message.startsWith('Pass ')) return 'refused';
  return 'unavailable';
}

/** DynamoDB Local counts values as part of the expression: where the author's text is short, the value was too long. */
function oversize(error: Error, listing: Listing | undefined): boolean {
  if (!listing || !/expression size has exceeded/i.test(error.message)) return false;
  const condition = listing.KeyConditionExpression ?? '';
  return condition.length <= 4096 && (listing.FilterExpression ?? '').length <= 4096;
}
