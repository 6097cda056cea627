import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { envSchema } from 'env-schema';
import { type Static, Type } from 'typebox';
import manifest from '../package.json' with { type: 'json' };
import { secretsOf, type TlsConfig, tlsOf } from './credentials.ts';
import { ConfigError, type Problem } from './errors.ts';

/** This package's own. */
export const VERSION: string = manifest.version;

/** Longer, and a timer fires at once. */
const LONGEST_TIMER = 2_147_483_647;

/** Every setting, in the order of the README's table, which is generated from it. */
export const SETTINGS = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address of the façade.' }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65535, description: 'Port of the façade.' }),
  ADMIN_HOST: Type.String({ default: '127.0.0.1', description: 'Address of probes, metrics and the contract’s page.' }),
  ADMIN_PORT: Type.Integer({ default: 9090, minimum: 0, maximum: 65535, description: 'Port of the admin side.' }),
  TLS_CERT_FILE: Type.Optional(
    Type.String({ description: 'Certificate chain (PEM) of the façade, which then listens with TLS.' }),
  ),
  TLS_KEY_FILE: Type.Optional(Type.String({ description: 'Its key (PEM).' })),
  TLS_CLIENT_CA_FILE: Type.Optional(
    Type.String({ description: 'Certificate authorities (PEM) of clients: a certificate is asked for.' }),
  ),
  GATEWAY_SECRETS: Type.Optional(
    Type.String({ description: 'Comma-separated secrets, each of which shows that the gateway was there.' }),
  ),
  LEGACY_URL: Type.Optional(
    Type.String({ description: 'The legacy service. Without it: 501 and 404 where it would answer.' }),
  ),
  LEGACY_TIMEOUT_MS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: LONGEST_TIMER,
    description:
      'How long legacy may be silent towards a client, in milliseconds: before its reply, or within. 0: as long as the client waits.',
  }),
  LEGACY_CONNECTIONS: Type.Integer({
    default: 1_000,
    minimum: 1,
    description: 'Connections to the legacy service at a time; more requests wait.',
  }),
  LEGACY_KEEP_ALIVE_MS: Type.Integer({
    default: 1_000,
    minimum: 1,
    maximum: LONGEST_TIMER,
    description:
      'How long an idle connection to legacy is used again where legacy does not say, in milliseconds: less than legacy keeps it.',
  }),
  FORWARDED: Type.String({
    default: 'x-forwarded',
    description: 'What legacy learns of the client: `x-forwarded`, `forwarded` (RFC 7239), `both` or `none`.',
  }),
  FORWARDED_TRUST: Type.Boolean({
    default: true,
    description: 'Whether what clients say in such headers is kept and added to; else it is dropped.',
  }),
  AWS_REGION: Type.Optional(
    Type.String({ description: 'Region of DynamoDB; credentials come from the usual AWS chain.' }),
  ),
  AWS_ENDPOINT_URL_DYNAMODB: Type.Optional(
    Type.String({ description: 'Another endpoint for DynamoDB, such as a local one.' }),
  ),
  MONGODB_URI: Type.Optional(Type.String({ description: 'MongoDB, with the database’s name.' })),
  RESULTS_URI: Type.Optional(
    Type.String({ description: 'MongoDB for what comparisons found; without it `MONGODB_URI`.' }),
  ),
  STAGES_FILE: Type.String({
    default: 'stages.yaml',
    description: 'Flags as a file, reloaded when it changes; with an `UNLEASH_URL` nobody reads it.',
  }),
  UNLEASH_URL: Type.Optional(Type.String({ description: 'An Unleash server that holds the flags.' })),
  UNLEASH_TOKEN: Type.Optional(
    Type.String({ description: 'Its token of type client (backend): project and environment are those of the token.' }),
  ),
  UNLEASH_TOKEN_FILE: Type.Optional(
    Type.String({
      description: 'A file with that token instead, read again when it changes, so that it can be replaced.',
    }),
  ),
  UNLEASH_ADMIN_TOKEN: Type.Optional(
    Type.String({ description: 'A personal access token, or one of type admin, for the commands that change flags.' }),
  ),
  UNLEASH_PROJECT: Type.Optional(
    Type.String({ description: 'Project of the flags; without it the token’s, else `default`.' }),
  ),
  UNLEASH_ENVIRONMENT: Type.Optional(
    Type.String({ description: 'Environment of the flags; without it the token’s, else `development`.' }),
  ),
  UNLEASH_REFRESH_MS: Type.Integer({
    default: 500,
    minimum: 10,
    maximum: LONGEST_TIMER,
    description: 'How often the flag server is asked, in milliseconds.',
  }),
  STATE_DIR: Type.String({
    default: '.crossfade',
    description: 'Folder for the last good flags, the kill file and the audit file.',
  }),
  KILL_FILE: Type.Optional(
    Type.String({
      description: 'While this file is there every operation is at its floor; without it `kill` in `STATE_DIR`.',
    }),
  ),
  CURSOR_SECRETS: Type.Optional(
    Type.String({ description: 'Comma-separated secrets that seal page cursors: the first seals, all open.' }),
  ),
  SAMPLE_SECRET: Type.Optional(
    Type.String({ description: 'Seals the requests of samples. Without it samples have none.' }),
  ),
  ORIGIN_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: LONGEST_TIMER,
    description: 'Deadline of one request to an origin, in milliseconds.',
  }),
  SHADOW_TIMEOUT_MS: Type.Integer({
    default: 5_000,
    minimum: 1,
    maximum: LONGEST_TIMER,
    description: 'Deadline of one request to a candidate, in milliseconds.',
  }),
  SHADOW_CONCURRENCY: Type.Integer({ default: 16, minimum: 1, description: 'Shadows under way at a time.' }),
  SHADOW_QUEUE: Type.Integer({ default: 1_000, minimum: 1, description: 'Shadows that wait; more are shed.' }),
  SHADOW_QUEUE_BYTES: Type.Integer({
    default: 67_108_864,
    minimum: 1,
    description: 'Bytes of bodies that shadows hold; more are shed.',
  }),
  SHADOW_DYNAMODB_PER_SECOND: Type.Integer({
    default: 500,
    minimum: 1,
    description: 'Calls a second that shadows may make to DynamoDB; halved when it throttles.',
  }),
  RECHECKS_PER_SECOND: Type.Integer({
    default: 50,
    minimum: 1,
    description: 'Mismatches a second that are read again; more stay unverified.',
  }),
  SHADOW_EVENT_LOOP_MS: Type.Integer({
    default: 70,
    minimum: 1,
    description: 'How late the event loop may be, in milliseconds, before shadows are shed.',
  }),
  DRAIN_DELAY_MS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: LONGEST_TIMER,
    description: 'How long to go on serving, not ready, after SIGTERM.',
  }),
  SERVER_TIMING: Type.Boolean({ default: false, description: 'Say origin and stage in a Server-Timing header.' }),
  LOG_LEVEL: Type.String({ default: 'info', description: 'fatal, error, warn, info, debug, trace or silent.' }),
});

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  readonly tls: TlsConfig | undefined;
  readonly gatewaySecrets: readonly string[];
  readonly legacyUrl: string | undefined;
  /** Times in milliseconds. */
  readonly legacy: {
    readonly timeout: number;
    readonly connections: number;
    readonly keepAlive: number;
    readonly forwarded: ForwardedConfig;
  };
  readonly dynamodb: { readonly region: string | undefined; readonly endpoint: string | undefined };
  readonly mongodbUri: string | undefined;
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
  };
  readonly drainDelay: number;
  readonly serverTiming: boolean;
  readonly logLevel: string;
}

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
  const unleash = unleashOf(given, cwd, problems);
  const level = given.LOG_LEVEL ?? 'info';
  if (!LEVELS.includes(level)) problems.push({ where: 'LOG_LEVEL', message: `must be one of ${LEVELS.join(', ')}` });
  const style = FORWARDED_STYLES.find((one) => one === (given.FORWARDED ?? 'x-forwarded'));
  if (style === undefined)
    problems.push({ where: 'FORWARDED', message: `must be one of ${FORWARDED_STYLES.join(', ')}` });
  const secrets = secretsOf('CURSOR_SECRETS', given, problems);
  const gatewaySecrets = secretsOf('GATEWAY_SECRETS', given, problems);
  if (gatewaySecrets.some((secret) => !/^[\x21-\x7e]*$/.test(secret)))
    problems.push({ where: 'GATEWAY_SECRETS', message: 'holds a character that a header cannot carry as it is' });
  const tls = tlsOf(given, cwd, problems);
  if (given.SAMPLE_SECRET !== undefined && given.SAMPLE_SECRET.length < 16) {
    problems.push({ where: 'SAMPLE_SECRET', message: 'must have 16 characters or more' });
  }
  if (values === undefined || style === undefined || problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    adminPort: values.ADMIN_PORT,
    tls,
    gatewaySecrets: Object.freeze(gatewaySecrets),
    legacyUrl: values.LEGACY_URL,
    legacy: Object.freeze({
      timeout: values.LEGACY_TIMEOUT_MS,
      connections: values.LEGACY_CONNECTIONS,
      keepAlive: values.LEGACY_KEEP_ALIVE_MS,
      forwarded: Object.freeze({ style, trust: values.FORWARDED_TRUST }),
    }),
    dynamodb: Object.freeze({ region: values.AWS_REGION, endpoint: values.AWS_ENDPOINT_URL_DYNAMODB }),
    mongodbUri: values.MONGODB_URI,
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
    }),
    drainDelay: values.DRAIN_DELAY_MS,
    serverTiming: values.SERVER_TIMING,
    logLevel: level,
  });
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

/** The README's table of settings, as Markdown. */
export function settingsTable(): string {
  const rows = Object.entries(SETTINGS.properties).map(([name, schema]) => {
    const value = 'default' in schema ? `\`${schema.default}\`` : '–';
    return `| \`${name}\` | ${value} | ${(schema as { description?: string }).description} |`;
  });
  return ['| variable | default | what |', '|---|---|---|', ...rows].join('\n');
}

function dotenv(cwd: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(resolve(cwd, '.env'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ConfigError([{ where: resolve(cwd, '.env'), message: `cannot be read: ${(error as Error).message}` }]);
  }
}

type Values = Static<typeof SETTINGS>;

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
