import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose';
import { Agent, request } from 'undici';
import type { AuthState } from './types.ts';

export interface KeysOptions {
  /** An http(s) address, or the path of a file. */
  readonly source: string;
  /** Milliseconds, as in `JwtAuth`. */
  readonly refresh: number;
  readonly keep: number;
  readonly cooldown: number;
  readonly timeout: number;
}

export interface KeySet {
  /** Header of a token → the key that it names. Throws a JOSEError where there is none. */
  readonly find: ReturnType<typeof createLocalJWKSet>;
}

/** The issuer's public keys, fetched in the background: a request waits for them only while there are none that fit. */
export interface Keys {
  /** The last good ones, of the same identity while they are the same; `undefined` where there are none young enough. */
  readonly current: () => KeySet | undefined;
  /** Fetches, once for all who ask; `undefined` where that was done a moment ago. Never rejects. */
  readonly refetch: () => Promise<void> | undefined;
  readonly state: () => AuthState;
  readonly close: () => Promise<void>;
}

const MOST_BYTES = 1_048_576;

/** Between two tries while there have never been keys, unless the cooldown is shorter. */
const FIRST_RETRY = 1_000;

/** Begins to fetch at once. */
export function openKeys(options: KeysOptions): Keys {
  const agent = new Agent({ connections: 1, connectTimeout: options.timeout });
  const fetchKeys = options.source.includes('://') ? () => overHttp(options, agent) : () => inFile(options.source);
  let set: KeySet | undefined;
  let text = '';
  let confirmed = Number.NEGATIVE_INFINITY;
  let began = Number.NEGATIVE_INFINITY;
  let said: string | undefined;
  let pending: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const isOld = (): boolean => performance.now() - confirmed > options.keep;
  const retry = (): number => (set === undefined ? Math.min(FIRST_RETRY, options.cooldown) : options.cooldown);

  const take = (keys: JSONWebKeySet): void => {
    const given = JSON.stringify(keys);
    if (set === undefined || given !== text) set = Object.freeze({ find: createLocalJWKSet(keys) });
    text = given;
    confirmed = performance.now();
    said = undefined;
  };

  const load = async (): Promise<void> => {
    began = performance.now();
    clearTimeout(timer);
    try {
      take(await fetchKeys());
    } catch (error) {
      said = `the keys at ${options.source} cannot be had: ${messageOf(error)}`;
    }
    pending = undefined;
    if (closed) return;
    timer = setTimeout(start, said === undefined ? options.refresh : Math.min(retry(), options.refresh));
    timer.unref();
  };
  const start = (): Promise<void> => {
    pending ??= load();
    return pending;
  };

  void start();
  return Object.freeze({
    current: () => (isOld() ? undefined : set),
    refetch: () => pending ?? (performance.now() - began < retry() ? undefined : start()),
    state: () => {
      const none =
        set === undefined ? (said ?? 'no keys yet') : isOld() ? `${said}; the last ones are too old` : undefined;
      return { problem: none, note: none === undefined ? said : undefined };
    },
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await agent.destroy();
    },
  });
}

const messageOf = (error: unknown): string => {
  const { message, name, code } = error as NodeJS.ErrnoException;
  return message || code || name;
};

async function overHttp({ source, timeout }: KeysOptions, dispatcher: Agent): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(timeout);
  const accept = 'application/jwk-set+json, application/json';
  const reply = await request(source, { dispatcher, signal, headers: { accept } });
  if (reply.statusCode !== 200) {
    reply.body.on('error', () => undefined).destroy();
    throw new Error(`status ${reply.statusCode}`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of reply.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return usable(Buffer.concat(chunks).toString('utf8'));
}

const inFile = async (file: string): Promise<JSONWebKeySet> => usable(await readFile(file, 'utf8'));

const PUBLIC = new Set(['RSA', 'EC', 'OKP']);

/** A set without a key that verifies is no set: an issuer that is not well must not lock everybody out. */
function usable(text: string): JSONWebKeySet {
  const { keys } = (parsed(text) ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('what came is no key set');
  const fit = keys.filter(
    (key: Partial<JWK> | null) =>
      typeof key === 'object' &&
      key !== null &&
      PUBLIC.has(String(key.kty)) &&
      !('d' in key) &&
      (key.use === undefined || key.use === 'sig') &&
      (!Array.isArray(key.key_ops) || key.key_ops.includes('verify')),
  ) as JWK[];
  if (fit.length === 0) throw new Error('what came holds no public key that verifies');
  return { keys: fit };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
