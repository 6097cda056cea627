import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { envSchema } from 'env-schema';
import { type Static, Type } from 'typebox';
import manifest from '../package.json' with { type: 'json' };
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
  LEGACY_URL: Type.Optional(
    Type.String({ description: 'The legacy service. Without it: 501 and 404 where it would answer.' }),
  ),
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
  STAGES_FILE: Type.String({ default: 'stages.yaml', description: 'Flags as a file, reloaded when it changes.' }),
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
  readonly legacyUrl: string | undefined;
  readonly dynamodb: { readonly region: string | undefined; readonly endpoint: string | undefined };
  readonly mongodbUri: string | undefined;
  readonly resultsUri: string | undefined;
  readonly stagesFile: string;
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
  };
  readonly drainDelay: number;
  readonly serverTiming: boolean;
  readonly logLevel: string;
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
  const level = given.LOG_LEVEL ?? 'info';
  if (!LEVELS.includes(level)) problems.push({ where: 'LOG_LEVEL', message: `must be one of ${LEVELS.join(', ')}` });
  const secrets = given.CURSOR_SECRETS?.split(',').map((secret) => secret.trim()) ?? [];
  if (secrets.some((secret) => secret.length < 16)) {
    problems.push({ where: 'CURSOR_SECRETS', message: 'each secret must have 16 characters or more' });
  }
  if (given.SAMPLE_SECRET !== undefined && given.SAMPLE_SECRET.length < 16) {
    problems.push({ where: 'SAMPLE_SECRET', message: 'must have 16 characters or more' });
  }
  if (values === undefined || problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    adminPort: values.ADMIN_PORT,
    legacyUrl: values.LEGACY_URL,
    dynamodb: Object.freeze({ region: values.AWS_REGION, endpoint: values.AWS_ENDPOINT_URL_DYNAMODB }),
    mongodbUri: values.MONGODB_URI,
    resultsUri: values.RESULTS_URI ?? values.MONGODB_URI,
    stagesFile: resolve(cwd, values.STAGES_FILE),
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
    }),
    drainDelay: values.DRAIN_DELAY_MS,
    serverTiming: values.SERVER_TIMING,
    logLevel: level,
  });
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
