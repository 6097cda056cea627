import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  ListTablesCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { StoreError } from '../errors.ts';
import type { Connections } from '../model/origin.ts';
import { numberOf } from './dynamodb/decode.ts';
import { translate } from './dynamodb/failure.ts';
import { handlerWith } from './dynamodb/handler.ts';
import { type Reader, sdkReader, wireReader } from './dynamodb/read.ts';
import { openSender } from './dynamodb/send.ts';

export type { QueryRequest, WireReader } from './dynamodb/read.ts';

export interface DynamoDbOptions {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  /** Without them the usual AWS chain; for an endpoint outside AWS and an environment without any, made-up ones. */
  readonly credentials?: DynamoDBClientConfig['credentials'] | undefined;
  /** Longest wait for one HTTP exchange, in milliseconds; default 10,000. */
  readonly timeout?: number | undefined;
  /** Default 100. */
  readonly maxSockets?: number | undefined;
  /** How often one call is sent, first time included; default 2. */
  readonly attempts?: number | undefined;
  /** `wire`, the default: reads are sent by a client of our own; `sdk`: everything by the SDK. */
  readonly client?: 'wire' | 'sdk' | undefined;
}

export interface DynamoDb extends Reader {
  describeTable(name: string, signal: AbortSignal): Promise<TableDescription>;
  /** Resolves when DynamoDB answers, even if only to say that these credentials may not list tables. */
  ping(signal: AbortSignal): Promise<void>;
  /** After an outage: reads have new connections, whatever hangs in the old ones. */
  readonly renew: (() => void) | undefined;
  close(): Promise<void>;
  connections(): Connections;
}

const MARSHALL = { removeUndefinedValues: true, convertEmptyValues: false, allowImpreciseNumbers: true };

export function openDynamoDb(options: DynamoDbOptions): DynamoDb {
  const timeout = options.timeout ?? 10_000;
  const maxSockets = options.maxSockets ?? 100;
  const settings = { keepAlive: true, maxSockets };
  const agents = { httpAgent: new HttpAgent(settings), httpsAgent: new HttpsAgent(settings) };
  const region = options.region ?? (options.endpoint ? 'us-east-1' : undefined);
  const credentials = options.credentials ?? localCredentials(options.endpoint);
  const handler = new NodeHttpHandler({
    connectionTimeout: Math.min(timeout, 3000),
    requestTimeout: timeout,
    throwOnRequestTimeout: true,
    ...agents,
    logger: SILENT,
  });
  const client = new DynamoDBClient({
    maxAttempts: options.attempts ?? 2,
    requestHandler: handlerWith(handler),
    logger: SILENT,
    ...(region && { region }),
    ...(credentials && { credentials }),
    ...(options.endpoint && { endpoint: options.endpoint }),
  });
  const documents = DynamoDBDocumentClient.from(client, {
    marshallOptions: MARSHALL,
    unmarshallOptions: { wrapNumbers: numberOf },
  });
  const sender = options.client === 'sdk' ? undefined : openSender(client, { timeout, maxSockets });
  const reader = sender === undefined ? sdkReader(documents) : wireReader(documents, sender);

  return Object.freeze<DynamoDb>({
    ...reader,
    async describeTable(TableName, abortSignal) {
      const sent = client.send(new DescribeTableCommand({ TableName }), { abortSignal });
      const { Table } = await sent.catch((error) => translate(error, abortSignal.aborted));
      if (!Table) throw new StoreError('dynamodb', 'undecodable', `no description of table ${TableName} came`);
      return Table;
    },
    async ping(abortSignal) {
      await client.send(new ListTablesCommand({ Limit: 1 }), { abortSignal }).catch((error) => {
        if (error.name !== 'AccessDeniedException') translate(error, abortSignal.aborted);
      });
    },
    renew: sender?.renew,
    async close() {
      await sender?.close();
      client.destroy();
    },
    connections: () => {
      const own = sender?.connections();
      return {
        used: sizeOf(agents, 'sockets') + (own?.used ?? 0),
        idle: sizeOf(agents, 'freeSockets') + (own?.idle ?? 0),
        waiting: sizeOf(agents, 'requests') + (own?.waiting ?? 0),
      };
    },
  });
}

const sizeOf = (agents: Readonly<Record<string, HttpAgent>>, kind: 'sockets' | 'freeSockets' | 'requests'): number =>
  Object.values(agents).reduce(
    (sum, agent) => Object.values(agent[kind]).reduce((all, some) => all + (some?.length ?? 0), sum),
    0,
  );

const ignore = () => {};
const SILENT = Object.freeze({ trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore });

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
