import { NumberValue } from '@aws-sdk/lib-dynamodb';

/** The reading calls that need no SDK. */
export type WireCall = 'GetItem' | 'BatchGetItem' | 'Query' | 'Scan';

type Field = 'text' | 'flag' | 'count' | 'names' | 'map' | 'maps';

const LISTING: Readonly<Record<string, Field>> = Object.freeze({
  TableName: 'text',
  IndexName: 'text',
  FilterExpression: 'text',
  ProjectionExpression: 'text',
  ExpressionAttributeNames: 'names',
  ExpressionAttributeValues: 'map',
  ConsistentRead: 'flag',
  ExclusiveStartKey: 'map',
  Limit: 'count',
  Select: 'text',
});

const BATCH: Readonly<Record<string, Field>> = Object.freeze({
  Keys: 'maps',
  ConsistentRead: 'flag',
  ProjectionExpression: 'text',
  ExpressionAttributeNames: 'names',
});

const FIELDS: Readonly<Record<Exclude<WireCall, 'BatchGetItem'>, Readonly<Record<string, Field>>>> = Object.freeze({
  GetItem: Object.freeze({
    TableName: 'text',
    Key: 'map',
    ConsistentRead: 'flag',
    ProjectionExpression: 'text',
    ExpressionAttributeNames: 'names',
  }),
  Query: Object.freeze({ ...LISTING, KeyConditionExpression: 'text', ScanIndexForward: 'flag' }),
  Scan: LISTING,
});

/** A call's input → the request's body, as lib-dynamodb would write it; `undefined` for what is better left to that. */
export function bodyOf(call: WireCall, input: object): string | undefined {
  const { TableName, ...rest } = input as { readonly TableName?: unknown };
  // An ARN has a region, and an endpoint, of its own.
  if (typeof TableName !== 'string' || TableName.startsWith('arn:')) return undefined;
  if (call !== 'BatchGetItem') return fieldsOf(input, FIELDS[call]);
  const asked = fieldsOf(rest, BATCH);
  return asked === undefined ? undefined : `{"RequestItems":{${JSON.stringify(TableName)}:${asked}}}`;
}

function fieldsOf(input: object, fields: Readonly<Record<string, Field>>): string | undefined {
  let text = '';
  for (const name in input) {
    const value = (input as Readonly<Record<string, unknown>>)[name];
    if (value === undefined) continue;
    const written = fieldOf(fields[name], value);
    if (written === undefined) return undefined;
    text += `${text === '' ? '' : ','}"${name}":${written}`;
  }
  return `{${text}}`;
}

function fieldOf(field: Field | undefined, value: unknown): string | undefined {
  switch (field) {
    case 'text':
      return typeof value === 'string' ? JSON.stringify(value) : undefined;
    case 'flag':
      return typeof value === 'boolean' ? String(value) : undefined;
    case 'count':
      return Number.isSafeInteger(value) ? String(value) : undefined;
    case 'names':
      return isPlain(value) && Object.values(value).every((name) => typeof name === 'string')
        ? JSON.stringify(value)
        : undefined;
    case 'map':
      return isPlain(value) ? mapOf(value) : undefined;
    case 'maps': {
      const maps = Array.isArray(value) ? value.map((map) => (isPlain(map) ? mapOf(map) : undefined)) : [undefined];
      return maps.includes(undefined) ? undefined : `[${maps.join(',')}]`;
    }
    default:
      return undefined;
  }
}

function mapOf(map: Readonly<Record<string, unknown>>): string | undefined {
  let text = '';
  for (const name in map) {
    const value = map[name];
    if (value === undefined || typeof value === 'function') continue;
    const written = attributeOf(value);
    if (written === undefined) return undefined;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${written}`;
  }
  return `{${text}}`;
}

function attributeOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return `{"S":${JSON.stringify(value)}}`;
    case 'number':
      return Number.isFinite(value) ? `{"N":"${value}"}` : undefined;
    case 'bigint':
      return `{"N":"${value}"}`;
    case 'boolean':
      return `{"BOOL":${value}}`;
    case 'object':
      return value === null ? '{"NULL":true}' : ofObject(value);
    default:
      return undefined;
  }
}

function ofObject(value: object): string | undefined {
  if (Array.isArray(value)) return listOf(value);
  if (isPlain(value)) {
    const map = mapOf(value);
    return map === undefined ? undefined : `{"M":${map}}`;
  }
  if (value instanceof NumberValue) return `{"N":${JSON.stringify(value.toString())}}`;
  if (!Buffer.isBuffer(value)) return undefined;
  return `{"B":"${value.toString('base64')}"}`;
}

function listOf(list: readonly unknown[]): string | undefined {
  const kept = list.filter((value) => value !== undefined && typeof value !== 'function').map(attributeOf);
  return kept.includes(undefined) ? undefined : `{"L":[${kept.join(',')}]}`;
}

/** What lib-dynamodb takes for a map, without the doubtful. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !Object.hasOwn(value, 'constructor');
}
