import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { Pool } from 'undici';
import type { Deadline } from '../../model/deadline.ts';
import type { Connections } from '../../model/origin.ts';
import { Exchange, type Reply } from './exchange.ts';
import type { Way, WayOptions } from './handler.ts';
import type { WireCall } from './marshal.ts';
import { type Sign, signer } from './sign.ts';

/** When to give up: a deadline, or what passes like one. */
export type Ending = Pick<Deadline, 'passed' | 'onPassed' | 'signal'>;

export interface Sender {
  /**
   * The body of DynamoDB's good reply. The first sending is ours; whatever comes of it but a good reply is told to the SDK,
   * by `carryOn`, which then says what it means and whether, when and how often the call is sent again. Without a `body`
   * the SDK sends it from the first.
   */
  send(
    call: WireCall,
    body: string | undefined,
    carryOn: (options: WayOptions) => Promise<unknown>,
    ending: Ending,
  ): Promise<Buffer>;
  connections(): Connections;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** Milliseconds that one exchange may take. */
  readonly timeout: number;
  readonly maxSockets: number;
}

const CONTENT_TYPE = 'application/x-amz-json-1.0';

/** DynamoDB closes connections that are idle for longer. */
const KEEP_ALIVE = 50_000;

/** As the SDK: credentials with less than this to live, in milliseconds, are asked for anew. */
const FRESH = 300_000;

/** Where and as whom the SDK would send now. */
interface Target {
  readonly credentials: object;
  /** Milliseconds since 1970; Infinity for credentials that do not end. */
  readonly expires: number;
  /** `undefined` where only the SDK knows how to send. */
  readonly line: Line | undefined;
}

interface Line {
  readonly pool: Pool;
  readonly origin: string;
  readonly sign: Sign;
  readonly headers: Readonly<Record<WireCall, readonly string[]>>;
  readonly corrects: boolean;
  /** Tells the SDK's retry quota that a call was answered. */
  readonly answered: () => void;
}

const CALLS = ['GetItem', 'BatchGetItem', 'Query', 'Scan'] as const;

export function openSender(client: DynamoDBClient, options: SenderOptions): Sender {
  let target: Target | undefined;
  let pending: Promise<Target> | undefined;
  let lastDate: unknown;

  const renewed = (): Promise<Target> => {
    pending ??= targetOf(client, options, target)
      .then((found) => {
        if (target?.line !== undefined && target.line.pool !== found.line?.pool) void target.line.pool.close();
        target = found;
        return found;
      })
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };

  const once = async (line: Line, call: WireCall, text: string, ending: Ending): Promise<Reply> => {
    const body = Buffer.from(text);
    const now = Date.now() + (line.corrects ? client.config.systemClockOffset : 0);
    const { date, authorization } = line.sign(body, `DynamoDB_20120810.${call}`, now);
    const headers = [...line.headers[call], 'x-amz-date', date, 'authorization', authorization];
    const exchange = new Exchange();
    const forget = ending.onPassed(() => exchange.giveUp(aborted()));
    try {
      if (!ending.passed) line.pool.dispatch({ path: '/', method: 'POST', headers, body }, exchange);
      return await exchange.reply;
    } finally {
      forget();
    }
  };

  /** As the SDK: the offset of the clock is what the last reply says. */
  const seen = (line: Line, { headers }: Reply): void => {
    if (!line.corrects || headers.date === lastDate || headers.age !== undefined) return;
    lastDate = headers.date;
    const server = Date.parse(String(headers.date));
    if (!Number.isNaN(server)) client.config.systemClockOffset = server - Date.now();
  };

  return Object.freeze<Sender>({
    async send(call, body, carryOn, ending) {
      const fresh = target !== undefined && target.expires - Date.now() >= FRESH;
      const found = fresh ? target : await renewed().catch(() => undefined);
      const line = found?.line;
      const way: Way = {};
      if (line !== undefined && body !== undefined) {
        const reply = await once(line, call, body, ending).catch(asError);
        if (!(reply instanceof Error) && reply.status < 300) {
          seen(line, reply);
          line.answered();
          return reply.body;
        }
        way.first = reply;
      }
      await carryOn({ abortSignal: ending.signal, way });
      return way.body as Buffer;
    },
    connections: () => {
      const stats = target?.line?.pool.stats;
      if (stats === undefined) return { used: 0, idle: 0, waiting: 0 };
      return { used: stats.running, idle: Math.max(0, stats.connected - stats.running), waiting: stats.queued };
    },
    close: async () => {
      await target?.line?.pool.destroy();
    },
  });
}

const asError = (error: unknown): Error => error as Error;

const aborted = (): Error => Object.assign(new Error('Request aborted'), { name: 'AbortError' });

/** Where the SDK would send, learnt from a request of its own that is not sent. Throws what its providers throw. */
async function targetOf(client: DynamoDBClient, options: SenderOptions, last: Target | undefined): Promise<Target> {
  const credentials = await client.config.credentials();
  const expires = credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
  if (last?.credentials === credentials) return { ...last, expires };
  const request = await requestOf(client);
  const strategy = await client.config.retryStrategy();
  const scope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/.exec(
    request.headers.authorization ?? '',
  );
  const { host } = request.headers;
  const plain = request.path === '/' && Object.keys(request.query ?? {}).length === 0 && request.username === undefined;
  // A strategy that slows all sending down must see all of it.
  const adaptive = 'mode' in strategy && strategy.mode !== 'standard';
  if (scope === null || host === undefined || !plain || adaptive || !('recordSuccess' in strategy))
    return { credentials, expires, line: undefined };
  const [, region, service] = scope as unknown as [string, string, string];
  const origin = `${request.protocol}//${host}`;
  const fixed = [
    ...['host', host, 'content-type', CONTENT_TYPE, 'user-agent', request.headers['user-agent'] ?? ''],
    ...(credentials.sessionToken === undefined ? [] : ['x-amz-security-token', credentials.sessionToken.trim()]),
  ];
  const token = await strategy.acquireInitialRetryToken('');
  const line: Line = {
    origin,
    pool: last?.line?.origin === origin ? last.line.pool : poolOf(origin, options),
    sign: signer(credentials, { host, region, service, contentType: CONTENT_TYPE }),
    headers: Object.fromEntries(
      CALLS.map((call) => [call, [...fixed, 'x-amz-target', `DynamoDB_20120810.${call}`]]),
    ) as unknown as Line['headers'],
    corrects: !(await client.config.disableClockSkewCorrection?.()),
    answered: () => strategy.recordSuccess(token),
  };
  return { credentials, expires, line };
}

const poolOf = (origin: string, { timeout, maxSockets }: SenderOptions): Pool =>
  new Pool(origin, {
    connections: maxSockets,
    pipelining: 1,
    allowH2: false,
    headersTimeout: timeout,
    bodyTimeout: timeout,
    keepAliveTimeout: KEEP_ALIVE,
    connect: { timeout: Math.min(timeout, 3000) },
  });

type Asked = Parameters<NonNullable<Way['onRequest']>>[0];

async function requestOf(client: DynamoDBClient): Promise<Asked> {
  let seen: Asked | undefined;
  const way: Way = {
    onRequest: (request) => {
      seen = request;
    },
  };
  const command = new GetItemCommand({ TableName: 'table', Key: { key: { S: 'x' } } });
  const failed = await client.send(command, { way } as WayOptions).catch(asError);
  if (seen === undefined) throw failed;
  return seen;
}
