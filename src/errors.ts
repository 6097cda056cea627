/**
 * Every error on one page. Absence is a value (`undefined`), never an error.
 *
 * - `RequestError`: the client's reply is an error; `request/reply.ts` alone turns it into one.
 * - `StoreError`: a store did not answer; translated once, in `drivers/`.
 * - `FlagServerError`: the flag server did not give, or take, flags.
 * - `ConfigError`: the process must not start; one line per problem.
 */

/** Why a client gets an error reply; bindings key their error bodies by it (design section 4). */
export type Cause =
  | 'notFound'
  | 'missingParameter'
  | 'invalidParameter'
  | 'unknownParameter'
  | 'invalidBody'
  | 'invalidCursor'
  | 'unauthorized'
  | 'forbidden'
  | 'unavailable'
  | 'timeout'
  | 'internal';

/** Status and title of each cause where the bindings do not say otherwise. */
export const CAUSES: Readonly<Record<Cause, { readonly status: number; readonly title: string }>> = Object.freeze({
  notFound: { status: 404, title: 'Not found' },
  missingParameter: { status: 400, title: 'Missing parameter' },
  invalidParameter: { status: 400, title: 'Invalid parameter' },
  unknownParameter: { status: 400, title: 'Unknown parameter' },
  invalidBody: { status: 400, title: 'Invalid body' },
  invalidCursor: { status: 400, title: 'Invalid cursor' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  unavailable: { status: 503, title: 'Unavailable' },
  timeout: { status: 504, title: 'Timed out' },
  internal: { status: 500, title: 'Internal error' },
});

export interface RequestErrorOptions {
  /** The contract's parameter at fault. */
  readonly parameter?: string;
  /** Instead of the cause's own. */
  readonly status?: number;
  /** Put onto the reply, where the bindings' error reply does not say one of the same name. Lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A reply that is an error. */
export class RequestError extends Error {
  readonly kind: Cause;
  readonly parameter: string | undefined;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(kind: Cause, message: string, options: RequestErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RequestError';
    this.kind = kind;
    this.parameter = options.parameter;
    this.status = options.status ?? CAUSES[kind].status;
    this.headers = options.headers;
  }
}

/** Why a caller is not let in: a label of a metric, so that there are no others. */
export type AuthReason =
  | 'missing'
  | 'malformed'
  | 'too_large'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'type'
  | 'expired'
  | 'not_yet'
  | 'issuer'
  | 'audience'
  | 'claims'
  | 'proof'
  | 'denied'
  | 'tenant'
  | 'unavailable';

/** A caller who is not let in, or of whom it cannot be found out (`unavailable`). */
export class AuthError extends RequestError {
  readonly reason: AuthReason;

  constructor(
    kind: 'unauthorized' | 'forbidden' | 'unavailable',
    reason: AuthReason,
    message: string,
    options: RequestErrorOptions = {},
  ) {
    super(kind, message, options);
    this.name = 'AuthError';
    this.reason = reason;
  }
}

/**
 * `unavailable`: no connection, no primary, credentials refused; `timeout`: the deadline passed; `throttled`: the store
 * asked for less; `refused`: the store calls the call wrong (missing table, bad expression); `undecodable`: what came
 * cannot be decoded or rendered; `tooMany`: more items than `maxItems`; `tooLarge`, `coding`: it
 * answered, with more than we hold or in a coding that we do not read.
 */
export type StoreFailure =
  | 'unavailable'
  | 'timeout'
  | 'throttled'
  | 'refused'
  | 'undecodable'
  | 'tooMany'
  | 'tooLarge'
  | 'coding';

/** A store that did not answer. `cause` holds the driver's own error. */
export class StoreError extends Error {
  readonly failure: StoreFailure;
  readonly origin: 'dynamodb' | 'mongodb' | 'legacy';

  constructor(origin: 'dynamodb' | 'mongodb' | 'legacy', failure: StoreFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreError';
    this.origin = origin;
    this.failure = failure;
  }
}

/**
 * `unreachable`: no connection; `timeout`; `unauthorized`, `forbidden`, `notFound`, `throttled`, `failed`: its status
 * (401, 403, 404, 429, any other); `invalid`: what came is no list of flags; `empty`: it holds no flag of this API.
 */
export type FlagServerFailure =
  | 'unreachable'
  | 'timeout'
  | 'unauthorized'
  | 'forbidden'
  | 'notFound'
  | 'throttled'
  | 'failed'
  | 'invalid'
  | 'empty';

/** `down`: it does not answer, and is looked at all the time; `requests`: so many wait for it already. */
export type Rest = 'down' | 'requests';

const RESTS: Readonly<Record<Rest, string>> = Object.freeze({
  down: 'does not answer, and is not asked until it does',
  requests: 'has as many requests under way as it may hold',
});

/** A store, or legacy, that is not asked now. */
export class Resting extends StoreError {
  constructor(origin: StoreError['origin'], rest: Rest) {
    super(origin, 'unavailable', `${origin} ${RESTS[rest]}`);
    this.name = 'Resting';
  }
}

/** The flag server did not do as asked. `message` says what it said, and the cure where it is known. */
export class FlagServerError extends Error {
  readonly failure: FlagServerFailure;
  /** Milliseconds that the server asks to be left alone; `undefined` where it does not. */
  readonly retryAfter: number | undefined;

  constructor(failure: FlagServerFailure, message: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FlagServerError';
    this.failure = failure;
    this.retryAfter = options.retryAfter;
  }
}

/**
 * A binding's answer to a value that the store could never hold as a key (design section 4): thrown by `key` and by the
 * drivers' edge, and means "no such item".
 */
export class NoSuchItem extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoSuchItem';
  }
}

/** One mistake: `where` is `file`, `file:line` or `file#/path`; `message` says what is wrong and how to mend it. */
export interface Problem {
  readonly where: string;
  readonly message: string;
}

/** Problems that a message tells: a file that is none has one in each line, and messages go to logs. */
const MOST_TOLD = 100;

/** Wrong configuration: stops the process at start with exit code 2 and one line per problem. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.slice(0, MOST_TOLD).map(({ where, message }) => `${where}: ${message}`);
    const left = problems.length - lines.length;
    super([...lines, ...(left > 0 ? [`and ${left} more, to be seen once these are mended`] : [])].join('\n'));
    this.name = 'ConfigError';
    this.problems = Object.freeze([...problems]);
  }
}

/**
 * `wrong`: what is asked for cannot be had; `conflict`: it does not fit what is true now; `unanswered`: it would be done if
 * somebody answered for it, with force and a reason.
 */
export type UsageFailure = 'wrong' | 'conflict' | 'unanswered';

/** Wrong use of a command (exit code 2) or of the admin API. */
export class UsageError extends Error {
  readonly failure: UsageFailure;
  /** Of what is `unanswered`: what stands against it, without how to say it again; and what the gate refuses by. */
  readonly why: readonly string[];
  readonly reasons: readonly string[];

  constructor(
    message: string,
    options: { failure?: UsageFailure; why?: readonly string[]; reasons?: readonly string[] } = {},
  ) {
    super(message);
    this.name = 'UsageError';
    this.failure = options.failure ?? 'wrong';
    this.why = Object.freeze([...(options.why ?? [message])]);
    this.reasons = Object.freeze([...(options.reasons ?? [])]);
  }
}

/** A refusal of the admin API: what RFC 9457 calls a problem. */
export class AdminError extends Error {
  readonly status: number;
  readonly title: string;
  /** Put onto the reply; lower case. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, title: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'AdminError';
    this.status = status;
    this.title = title;
    this.headers = headers;
  }
}
