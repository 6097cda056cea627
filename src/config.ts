import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { envSchema } from 'env-schema';
import manifest from '../package.json' with { type: 'json' };
import { type AccessConfig, accessOf } from './access.ts';
import { secretsOf, type TlsConfig, tlsOf } from './credentials.ts';
import { ConfigError, type Problem } from './errors.ts';
import { SETTINGS, type Values } from './settings.ts';
import { type TracingConfig, tracingOf } from './telemetry.ts';

/** This package's own. */
export const VERSION: string = manifest.version;

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  readonly tls: TlsConfig | undefined;
  /** Who may use the admin side. */
  readonly access: AccessConfig;
  readonly gatewaySecrets: readonly string[];
  readonly legacyUrl: string | undefined;
  /** Times in milliseconds. */
  readonly legacy: {
    readonly timeout: number;
    readonly connections: number;
    readonly keepAlive: number;
    readonly forwarded: ForwardedConfig;
  };
  readonly dynamodb: {
    readonly region: string | undefined;
    readonly endpoint: string | undefined;
    readonly client: (typeof DYNAMODB_CLIENTS)[number];
  };
  readonly mongodbUri: string | undefined;
  readonly mongodbClient: (typeof MONGODB_CLIENTS)[number];
  readonly resultsUri: string | undefined;
  readonly stagesFile: string;
  readonly unleash: UnleashConfig | undefined;
  readonly stateDir: string;
  readonly killFile: string;
  readonly cursorSecrets: readonly string[];
  /** No CURSOR_SECRETS was given: cursors end with this process. */
  readonly cursorSecretsMade: boolean;
  readonly sampleSecret: string | undefined;
  readonly originTimeout: number;
  readonly shadow: {
    readonly timeout: number;
    readonly concurrency: number;
    readonly queue: number;
    readonly queueBytes: number;
    readonly dynamodbPerSecond: number;
    readonly rechecksPerSecond: number;
    readonly eventLoopDelay: number;
    /** Percent of its time that the thread may be at work before fewer are asked. */
    readonly busyPercent: number;
    /** Who asks candidates; see src/thread. */
    readonly thread: (typeof THREADS)[number];
  };
  /** What clients may ask for at a time; times in milliseconds. */
  readonly overload: {
    readonly maxRequests: number;
    readonly maxConnections: number;
    readonly headTimeout: number;
    readonly eventLoopDelay: number;
  };
  readonly drainDelay: number;
  readonly serverTiming: boolean;
  readonly logLevel: string;
  readonly requestLog: { readonly mode: (typeof LOG_MODES)[number]; readonly slow: number };
  /** How logs and traces show a tenant. */
  readonly tenants: (typeof SHOWN)[number];
  /** `undefined`: nobody takes traces. */
  readonly tracing: TracingConfig | undefined;
}

const LOG_MODES = ['sampled', 'all', 'off'] as const;
const MONGODB_CLIENTS = ['leased', 'command', 'driver'] as const;
const THREADS = ['auto', 'on', 'off'] as const;
const SHOWN = ['off', 'hashed', 'clear'] as const;
const DYNAMODB_CLIENTS = ['wire', 'sdk'] as const;
const FORWARDED_STYLES = ['x-forwarded', 'forwarded', 'both', 'none'] as const;

/** What legacy is told of who a request was forwarded for, and whether what clients say of it is believed. */
export interface ForwardedConfig {
  readonly style: (typeof FORWARDED_STYLES)[number];
  readonly trust: boolean;
}

/** An Unleash server, and what of it is ours. */
export interface UnleashConfig {
  readonly url: string;
  /** `undefined` where it stands in a file. */
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly adminToken: string | undefined;
  readonly project: string;
  readonly environment: string;
  readonly refresh: number;
}

/**
 * Environment (and `.env` in `cwd`, which the environment beats) → frozen Config.
 * Throws a ConfigError with one problem per wrong variable; an empty variable counts as absent.
 */
export function loadConfig(env: NodeJS.ProcessEnv, cwd: string): Config {
  const given: NodeJS.Dict<string> = Object.fromEntries(
    Object.entries({ ...dotenv(cwd), ...env }).filter(([name, value]) => name in SETTINGS.properties && value !== ''),
  );
  const problems: Problem[] = [];
  const values = read(given, problems);
  checkUrl('LEGACY_URL', given.LEGACY_URL, ['http:', 'https:'], problems);
  checkUrl('AWS_ENDPOINT_URL_DYNAMODB', given.AWS_ENDPOINT_URL_DYNAMODB, ['http:', 'https:'], problems);
  checkUrl('MONGODB_URI', given.MONGODB_URI, ['mongodb:', 'mongodb+srv:'], problems);
  checkUrl('RESULTS_URI', given.RESULTS_URI, ['mongodb:', 'mongodb+srv:'], problems);
  checkUrl('UNLEASH_URL', given.UNLEASH_URL, ['http:', 'https:'], problems);
  checkUrl('ADMIN_URL', given.ADMIN_URL, ['http:', 'https:'], problems);
  checkUrl('OIDC_ISSUER', given.OIDC_ISSUER, ['http:', 'https:'], problems);
  const unleash = unleashOf(given, cwd, problems);
  const level = given.LOG_LEVEL ?? 'info';
  if (!LEVELS.includes(level)) problems.push({ where: 'LOG_LEVEL', message: `must be one of ${LEVELS.join(', ')}` });
  const style = oneOf('FORWARDED', FORWARDED_STYLES, given.FORWARDED ?? 'x-forwarded', problems);
  const client = oneOf('DYNAMODB_CLIENT', DYNAMODB_CLIENTS, given.DYNAMODB_CLIENT ?? 'wire', problems);
  const mode = oneOf('LOG_REQUESTS', LOG_MODES, given.LOG_REQUESTS ?? 'sampled', problems);
  const tenants = oneOf('TELEMETRY_TENANT', SHOWN, given.TELEMETRY_TENANT ?? 'off', problems);
  const mongodbClient = oneOf('MONGODB_CLIENT', MONGODB_CLIENTS, given.MONGODB_CLIENT ?? 'leased', problems);
  const thread = oneOf('SHADOW_THREAD', THREADS, given.SHADOW_THREAD ?? 'off', problems);
  if (tenants === 'hashed' && given.SAMPLE_SECRET === undefined)
    problems.push({ where: 'TELEMETRY_TENANT', message: 'is hashed, which takes a SAMPLE_SECRET' });
  const secrets = secretsOf('CURSOR_SECRETS', given, problems);
  const gatewaySecrets = secretsOf('GATEWAY_SECRETS', given, problems);
  if (gatewaySecrets.some((secret) => !/^[\x21-\x7e]*$/.test(secret)))
    problems.push({ where: 'GATEWAY_SECRETS', message: 'holds a character that a header cannot carry as it is' });
  const tls = tlsOf(given, cwd, problems);
  const access = accessOf(given, cwd, problems);
  const tracing = tracingOf(env, problems);
  if (given.SAMPLE_SECRET !== undefined && given.SAMPLE_SECRET.length < 16) {
    problems.push({ where: 'SAMPLE_SECRET', message: 'must have 16 characters or more' });
  }
  if (
    values === undefined ||
    !style ||
    !client ||
    !mode ||
    !tenants ||
    !mongodbClient ||
    !thread ||
    problems.length > 0
  )
    throw new ConfigError(problems);
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    adminPort: values.ADMIN_PORT,
    tls,
    access,
    gatewaySecrets: Object.freeze(gatewaySecrets),
    legacyUrl: values.LEGACY_URL,
    legacy: Object.freeze({
      timeout: values.LEGACY_TIMEOUT_MS,
      connections: values.LEGACY_CONNECTIONS,
      keepAlive: values.LEGACY_KEEP_ALIVE_MS,
      forwarded: Object.freeze({ style, trust: values.FORWARDED_TRUST }),
    }),
    dynamodb: Object.freeze({ region: values.AWS_REGION, endpoint: values.AWS_ENDPOINT_URL_DYNAMODB, client }),
    mongodbUri: values.MONGODB_URI,
    mongodbClient,
    resultsUri: values.RESULTS_URI ?? values.MONGODB_URI,
    stagesFile: resolve(cwd, values.STAGES_FILE),
    unleash: unleash === undefined ? undefined : Object.freeze({ ...unleash, refresh: values.UNLEASH_REFRESH_MS }),
    stateDir: resolve(cwd, values.STATE_DIR),
    killFile: resolve(cwd, values.KILL_FILE ?? join(values.STATE_DIR, 'kill')),
    cursorSecrets: Object.freeze(secrets.length > 0 ? secrets : [randomBytes(32).toString('base64url')]),
    cursorSecretsMade: secrets.length === 0,
    sampleSecret: values.SAMPLE_SECRET,
    originTimeout: values.ORIGIN_TIMEOUT_MS,
    shadow: Object.freeze({
      timeout: values.SHADOW_TIMEOUT_MS,
      concurrency: values.SHADOW_CONCURRENCY,
      queue: values.SHADOW_QUEUE,
      queueBytes: values.SHADOW_QUEUE_BYTES,
      dynamodbPerSecond: values.SHADOW_DYNAMODB_PER_SECOND,
      rechecksPerSecond: values.RECHECKS_PER_SECOND,
      eventLoopDelay: values.SHADOW_EVENT_LOOP_MS,
      busyPercent: values.SHADOW_BUSY_PERCENT,
      thread,
    }),
    overload: Object.freeze({
      maxRequests: values.MAX_REQUESTS,
      maxConnections: values.MAX_CONNECTIONS,
      headTimeout: values.HEAD_TIMEOUT_MS,
      // Shadows give way before clients do.
      eventLoopDelay: Math.max(values.OVERLOAD_EVENT_LOOP_MS, values.SHADOW_EVENT_LOOP_MS),
    }),
    drainDelay: values.DRAIN_DELAY_MS,
    serverTiming: values.SERVER_TIMING,
    logLevel: level,
    requestLog: Object.freeze({ mode, slow: values.LOG_SLOW_MS }),
    tenants,
    tracing,
  });
}

function oneOf<T extends string>(
  where: string,
  words: readonly T[],
  given: string,
  problems: Problem[],
): T | undefined {
  const found = words.find((word) => word === given);
  if (found === undefined) problems.push({ where, message: `must be one of ${words.join(', ')}` });
  return found;
}

/** Project and environment are what the token says, `project:environment.secret`, unless they are said apart. */
function unleashOf(
  given: NodeJS.Dict<string>,
  cwd: string,
  problems: Problem[],
): Omit<UnleashConfig, 'refresh'> | undefined {
  const { UNLEASH_URL: url, UNLEASH_TOKEN: token, UNLEASH_TOKEN_FILE: file, UNLEASH_ADMIN_TOKEN: adminToken } = given;
  if (url === undefined) return undefined;
  const tokenFile = file === undefined ? undefined : resolve(cwd, file);
  if (token === undefined && tokenFile === undefined)
    problems.push({ where: 'UNLEASH_TOKEN', message: 'is missing, and UNLEASH_URL is set: give a client token' });
  if (token !== undefined && tokenFile !== undefined)
    problems.push({ where: 'UNLEASH_TOKEN_FILE', message: 'is set beside UNLEASH_TOKEN: give one of them' });
  for (const [where, text] of [
    ['UNLEASH_TOKEN', token],
    ['UNLEASH_ADMIN_TOKEN', adminToken],
  ] as const)
    if (text !== undefined && !/^[\x21-\x7e]+$/.test(text))
      problems.push({ where, message: 'holds a character that no token has' });
  const said = token ?? (tokenFile === undefined ? undefined : readToken(tokenFile, problems));
  if (said !== undefined && token === undefined && !/^[\x21-\x7e]*$/.test(said))
    problems.push({
      where: tokenFile ?? '',
      message: 'holds a character that no token has; it must be the token alone',
    });
  const [, project, environment] = /^([^:]+):([^.]+)\./.exec(said ?? '') ?? [];
  const differs = (setting: 'UNLEASH_PROJECT' | 'UNLEASH_ENVIRONMENT', own: string | undefined) => {
    const asked = given[setting];
    if (asked !== undefined && own !== undefined && !/^[*[]/.test(own) && asked !== own)
      problems.push({
        where: setting,
        message: `is ${asked}, and the token is for ${own}: façades would not see what commands change`,
      });
  };
  differs('UNLEASH_PROJECT', project);
  differs('UNLEASH_ENVIRONMENT', environment);
  if (URL.canParse(url)) {
    const { username, password, search, hash } = new URL(url);
    if (username + password + search + hash !== '')
      problems.push({
        where: 'UNLEASH_URL',
        message: 'must be an address alone, without user, password, query or fragment',
      });
  }
  return {
    ...{ url, token, tokenFile, adminToken },
    project: given.UNLEASH_PROJECT ?? (project === undefined || /^[*[]/.test(project) ? 'default' : project),
    environment:
      given.UNLEASH_ENVIRONMENT ?? (environment === undefined || environment === '*' ? 'development' : environment),
  };
}

function readToken(file: string, problems: Problem[]): string {
  try {
    const token = readFileSync(file, 'utf8').trim();
    if (token === '')
      problems.push({ where: file, message: 'is empty, and UNLEASH_TOKEN_FILE says that it holds the token' });
    return token;
  } catch (error) {
    problems.push({ where: 'UNLEASH_TOKEN_FILE', message: `cannot be read: ${(error as Error).message}` });
    return '';
  }
}

function dotenv(cwd: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(resolve(cwd, '.env'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigError([{ where: resolve(cwd, '.env'), message: `cannot be read: ${(error as Error).message}` }]);
  }
}

function read(given: Record<string, unknown>, problems: Problem[]): Values | undefined {
  try {
    return envSchema<Values>({ schema: SETTINGS, data: given, env: false, dotenv: false });
  } catch (error) {
    const errors = (error as { errors?: { instancePath: string; message: string }[] }).errors ?? [];
    for (const { instancePath, message } of errors) problems.push({ where: instancePath.slice(1), message });
    if (errors.length === 0) problems.push({ where: 'environment', message: (error as Error).message });
    return undefined;
  }
}

function checkUrl(where: string, text: string | undefined, protocols: readonly string[], problems: Problem[]): void {
  if (text === undefined) return;
  const isWeb = protocols.includes('http:');
  if (!protocols.some((protocol) => text.startsWith(`${protocol}//`)) || (isWeb && !URL.canParse(text))) {
    problems.push({
      where,
      message: `must be a URL that begins with ${protocols.map((one) => `${one}//`).join(' or ')}`,
    });
  }
}
