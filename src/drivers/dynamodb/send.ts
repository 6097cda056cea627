import { validateHeaderValue } from 'node:http';
import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { Deadline } from '../../model/deadline.ts';
import type { Connections as Counts } from '../../model/origin.ts';
import { type Asked, type Connections, openConnections } from './connections.ts';
import type { Way, WayOptions } from './handler.ts';
import type { Reply } from './incoming.ts';
import type { WireCall } from './marshal.ts';
import { type Sign, signer } from './sign.ts';

/** When to give up: a deadline, or what passes like one. */
export type Ending = Pick<Deadline, 'passed' | 'onPassed' | 'signal'>;

export interface Sender {
  /**
   * Calls `done` once, with the body of DynamoDB's good reply or what went wrong; not before it has returned. The first
   * sending is ours; whatever comes of it but a good reply is told to the SDK, by `carryOn`, which then says what it means
   * and whether, when and how often the call is sent again. Without a `body` the SDK sends it from the first.
   */
  send(call: WireCall, body: string | undefined, carryOn: CarryOn, ending: Ending, done: Done): void;
  /** A body that `done` got, and that nobody looks at any more: its memory is used again. */
  giveBack(body: Buffer): void;
  connections(): Counts;
  /** After an outage. */
  renew(): void;
  close(): Promise<void>;
}

export type CarryOn = (options: WayOptions) => Promise<unknown>;

export type Done = (given: Buffer | Error) => void;

export interface SenderOptions {
  /** Milliseconds that one exchange may take. */
  readonly timeout: number;
  readonly maxSockets: number;
}

const CONTENT_TYPE = 'application/x-amz-json-1.0';

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
  readonly connections: Connections;
  readonly origin: string;
  readonly sign: Sign;
  /** Request line and headers that do not change. */
  readonly heads: Readonly<Record<WireCall, string>>;
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
        const line = target?.line;
        if (line !== undefined && line.connections !== found.line?.connections) line.connections.close(false);
        target = found;
        return found;
      })
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };

  const once = (line: Line, call: WireCall, body: string, told: (given: Reply | Error) => void): Asked => {
    const now = Date.now() + (line.corrects ? client.config.systemClockOffset : 0);
    const { date, authorization } = line.sign(body, `DynamoDB_20120810.${call}`, now);
    const length = Buffer.byteLength(body);
    const signed = `x-amz-date: ${date}\r\nauthorization: ${authorization}\r\n`;
    const text = `${line.heads[call]}${signed}content-length: ${length}\r\n\r\n${body}`;
    // What is ASCII is the same in either, and Latin-1 is copied as it is.
    return line.connections.ask(text, length === body.length ? 'latin1' : 'utf8', told);
  };

  /** As the SDK: the offset of the clock is what the last reply says. */
  const seen = (line: Line, { head }: Reply): void => {
    if (!line.corrects || head.date === lastDate || head.aged) return;
    lastDate = head.date;
    const server = Date.parse(String(head.date));
    if (!Number.isNaN(server)) client.config.systemClockOffset = server - Date.now();
  };

  const carriedOn = async (carryOn: CarryOn, ending: Ending, first?: Reply | Error): Promise<Buffer> => {
    const way: Way = { first };
    await carryOn({ abortSignal: ending.signal, way });
    return way.body as Buffer;
  };

  const sendOn = (line: Line, call: WireCall, body: string, carryOn: CarryOn, ending: Ending, done: Done): void => {
    if (ending.passed) return void carriedOn(carryOn, ending, aborted()).then(done, done);
    const asked = once(line, call, body, (given) => {
      forget();
      if (given instanceof Error || given.head.status >= 300)
        return void carriedOn(carryOn, ending, given).then(done, done);
      seen(line, given);
      line.answered();
      done(given.body);
    });
    const forget = ending.onPassed(() => asked.giveUp(aborted()));
  };

  return Object.freeze<Sender>({
    send(call, body, carryOn, ending, done) {
      const choose = (found: Target | undefined): void => {
        if (body === undefined || found?.line === undefined) carriedOn(carryOn, ending).then(done, done);
        else sendOn(found.line, call, body, carryOn, ending, done);
      };
      if (target !== undefined && target.expires - Date.now() >= FRESH) choose(target);
      else renewed().then(choose, () => choose(undefined));
    },
    giveBack: (body) => target?.line?.connections.giveBack(body),
    connections: () => target?.line?.connections.counts() ?? { used: 0, idle: 0, waiting: 0 },
    renew: () => target?.line?.connections.renew(),
    close: async () => target?.line?.connections.close(true),
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
  const fixed = {
    ...{ host, connection: 'keep-alive', 'content-type': CONTENT_TYPE },
    'user-agent': request.headers['user-agent'] ?? '',
    ...(credentials.sessionToken !== undefined && { 'x-amz-security-token': credentials.sessionToken.trim() }),
  };
  for (const [name, value] of Object.entries({ ...fixed, authorization: credentials.accessKeyId }))
    validateHeaderValue(name, value);
  const lines = Object.entries(fixed).map(([name, value]) => `${name}: ${value}\r\n`);
  const token = await strategy.acquireInitialRetryToken('');
  const line: Line = {
    origin,
    connections: last?.line?.origin === origin ? last.line.connections : connectionsTo(origin, options),
    sign: signer(credentials, { host, region, service, contentType: CONTENT_TYPE }),
    heads: Object.fromEntries(
      CALLS.map((call) => [call, `POST / HTTP/1.1\r\n${lines.join('')}x-amz-target: DynamoDB_20120810.${call}\r\n`]),
    ) as unknown as Line['heads'],
    corrects: !(await client.config.disableClockSkewCorrection?.()),
    answered: () => strategy.recordSuccess(token),
  };
  return { credentials, expires, line };
}

const connectionsTo = (origin: string, { timeout, maxSockets }: SenderOptions): Connections =>
  openConnections(origin, { timeout, max: maxSockets });

type AskedBySdk = Parameters<NonNullable<Way['onRequest']>>[0];

async function requestOf(client: DynamoDBClient): Promise<AskedBySdk> {
  let seen: AskedBySdk | undefined;
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
