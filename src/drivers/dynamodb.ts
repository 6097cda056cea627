import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  DescribeTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import {
  BatchGetCommand,
  DynamoDBDocumentClient,
  GetCommand,
  NumberValue,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
} from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { NoSuchItem, StoreError, type StoreFailure } from '../errors.ts';
import type { BatchGetItemInput, GetItemInput, Item, QueryInput, ScanInput } from '../model/call.ts';
import { exactDouble } from '../model/number.ts';
import type { Connections } from '../model/origin.ts';

export interface DynamoDbOptions {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  /** Without them the usual AWS chain; for an endpoint outside AWS and an environment without any, made-up ones. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** Longest wait for one HTTP exchange, in milliseconds; default 10,000. */
  readonly timeout?: number | undefined;
  /** Default 100. */
  readonly maxSockets?: number | undefined;
  /** How often one call is sent, first time included; default 2. */
  readonly attempts?: number | undefined;
}

type Sent<Input> = Omit<Input, 'skip' | 'count'> & { readonly Select?: 'COUNT' };
export type QueryRequest = Sent<QueryInput>;
export type ScanRequest = Sent<ScanInput>;

/** One page of a Query or Scan; `last` is where the next one starts. */
export interface DynamoDbPage {
  readonly items: readonly Item[];
  readonly count: number;
  readonly last: Item | undefined;
}

/**
 * DynamoDB's reading calls, one exchange each. All throw a `StoreError`, or `NoSuchItem` for a value that no key or
 * number can be. A number comes as a double where that prints as the same decimal, else as a NumberValue.
 */
export interface DynamoDb {
  getItem(input: GetItemInput, signal: AbortSignal): Promise<Item | undefined>;
  /** At most 100 distinct keys; items come in any order, `unprocessed` are the keys to ask for again. */
  batchGetItem(
    input: BatchGetItemInput,
    signal: AbortSignal,
  ): Promise<{ readonly items: readonly Item[]; readonly unprocessed: readonly Item[] }>;
  query(input: QueryRequest, signal: AbortSignal): Promise<DynamoDbPage>;
  scan(input: ScanRequest, signal: AbortSignal): Promise<DynamoDbPage>;
  describeTable(name: string, signal: AbortSignal): Promise<TableDescription>;
  /** Resolves when DynamoDB answers, even if only to say that these credentials may not list tables. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
  connections(): Connections;
}

const MARSHALL = { removeUndefinedValues: true, convertEmptyValues: false, allowImpreciseNumbers: true };

export function openDynamoDb(options: DynamoDbOptions): DynamoDb {
  const timeout = options.timeout ?? 10_000;
  const settings = { keepAlive: true, maxSockets: options.maxSockets ?? 100 };
  const agents = { httpAgent: new HttpAgent(settings), httpsAgent: new HttpsAgent(settings) };
  const region = options.region ?? (options.endpoint ? 'us-east-1' : undefined);
  const credentials = options.credentials ?? localCredentials(options.endpoint);
  const client = new DynamoDBClient({
    maxAttempts: options.attempts ?? 2,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: Math.min(timeout, 3000),
      requestTimeout: timeout,
      throwOnRequestTimeout: true,
      ...agents,
      logger: SILENT,
    }),
    logger: SILENT,
    ...(region && { region }),
    ...(credentials && { credentials }),
    ...(options.endpoint && { endpoint: options.endpoint }),
  });
  const documents = DynamoDBDocumentClient.from(client, {
    marshallOptions: MARSHALL,
    unmarshallOptions: { wrapNumbers: (text) => exactDouble(text) ?? NumberValue.from(text) },
  });

  return Object.freeze<DynamoDb>({
    async getItem(input, abortSignal) {
      const sent = documents.send(new GetCommand({ ...input }), { abortSignal });
      const { Item: item } = await sent.catch((error) => translate(error, abortSignal));
      return item;
    },
    async batchGetItem({ TableName, Keys, ...rest }, abortSignal) {
      const command = new BatchGetCommand({ RequestItems: { [TableName]: { ...rest, Keys: [...Keys] } } });
      const sent = documents.send(command, { abortSignal });
      const { Responses, UnprocessedKeys } = await sent.catch((error) => translate(error, abortSignal));
      const items = Object.values(Responses ?? {}).flat();
      return { items, unprocessed: Object.values(UnprocessedKeys ?? {}).flatMap((keys) => keys.Keys ?? []) };
    },
    async query(input, abortSignal) {
      const sent = documents.send(new QueryCommand({ ...input }), { abortSignal });
      return pageOf(await sent.catch((error) => translate(error, abortSignal, input)));
    },
    async scan(input, abortSignal) {
      const sent = documents.send(new ScanCommand({ ...input }), { abortSignal });
      return pageOf(await sent.catch((error) => translate(error, abortSignal, input)));
    },
    async describeTable(TableName, abortSignal) {
      const sent = client.send(new DescribeTableCommand({ TableName }), { abortSignal });
      const { Table } = await sent.catch((error) => translate(error, abortSignal));
      if (!Table) throw new StoreError('dynamodb', 'undecodable', `no description of table ${TableName} came`);
      return Table;
    },
    async ping(abortSignal) {
      await client.send(new ListTablesCommand({ Limit: 1 }), { abortSignal }).catch((error) => {
        if (error.name !== 'AccessDeniedException') translate(error, abortSignal);
      });
    },
    async close() {
      client.destroy();
    },
    connections: () => ({
      used: sizeOf(agents, 'sockets'),
      idle: sizeOf(agents, 'freeSockets'),
      waiting: sizeOf(agents, 'requests'),
    }),
  });
}

const sizeOf = (agents: Readonly<Record<string, HttpAgent>>, kind: 'sockets' | 'freeSockets' | 'requests'): number =>
  Object.values(agents).reduce(
    (sum, agent) => Object.values(agent[kind]).reduce((all, some) => all + (some?.length ?? 0), sum),
    0,
  );

const ignore = () => {};
const SILENT = Object.freeze({ trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore });

const pageOf = ({
  Items,
  Count,
  LastEvaluatedKey,
}: Pick<QueryCommandOutput, 'Items' | 'Count' | 'LastEvaluatedKey'>) => ({
  items: Items ?? [],
  count: Count ?? 0,
  last: LastEvaluatedKey,
});

const CREDENTIAL_VARIABLES = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
];

/** A local DynamoDB takes any credentials, but the client insists on some. */
function localCredentials(endpoint: string | undefined) {
  if (!endpoint || /(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname)) return undefined;
  if (CREDENTIAL_VARIABLES.some((name) => process.env[name])) return undefined;
  return { accessKeyId: 'local', secretAccessKey: 'local' };
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

interface Failure extends Error {
  readonly $metadata?: unknown;
  readonly $response?: unknown;
  readonly code?: string;
}

function translate(error: Failure, signal: AbortSignal, listing?: QueryRequest | ScanRequest): never {
  if (signal.aborted) throw new StoreError('dynamodb', 'timeout', 'DynamoDB took longer than the deadline', error);

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
function oversize(error: Error, listing: QueryRequest | ScanRequest | undefined): boolean {
  if (!listing || !/expression size has exceeded/i.test(error.message)) return false;
  const condition = 'KeyConditionExpression' in listing ? listing.KeyConditionExpression : '';
  return condition.length <= 4096 && (listing.FilterExpression ?? '').length <= 4096;
}
