import { type Static, Type } from 'typebox';

/** Longer, and a timer fires at once. */
const LONGEST_TIMER = 2_147_483_647;

/** Every setting, in the order of the README's table, which is generated from it. */
export const SETTINGS = Type.Object({
  HOST: Type.String({ default: '127.0.0.1', description: 'Address of the façade.' }),
  PORT: Type.Integer({ default: 8080, minimum: 0, maximum: 65535, description: 'Port of the façade.' }),
  ADMIN_HOST: Type.String({
    default: '127.0.0.1',
    description: 'Address of the admin side: probes, metrics, the admin API and the console.',
  }),
  ADMIN_PORT: Type.Integer({ default: 9090, minimum: 0, maximum: 65535, description: 'Port of the admin side.' }),
  ADMIN_URL: Type.Optional(
    Type.String({
      description: 'Where people reach the admin side, for a login’s way back; with https its cookies are Secure.',
    }),
  ),
  ADMIN_HOSTS: Type.Optional(
    Type.String({ description: 'Comma-separated names by which the admin side is asked beside its own address.' }),
  ),
  ADMIN_TOKENS: Type.Optional(
    Type.String({
      description:
        'Comma-separated `name:role:sha256` of those who may use the admin API, roles `viewer` and `operator`; `crossfade token` makes one. Without it one is made at the start.',
    }),
  ),
  ADMIN_SESSION_SECRETS: Type.Optional(
    Type.String({
      description:
        'Comma-separated secrets that seal sessions of the admin side: the first seals, all open. Without it sessions end with the process.',
    }),
  ),
  OIDC_ISSUER: Type.Optional(
    Type.String({ description: 'An OpenID provider by which people log in to the admin side.' }),
  ),
  OIDC_CLIENT_ID: Type.Optional(Type.String({ description: 'What this client is called there.' })),
  OIDC_CLIENT_SECRET: Type.Optional(Type.String({ description: 'Its secret; a public client has none.' })),
  OIDC_CLIENT_SECRET_FILE: Type.Optional(
    Type.String({ description: 'A file with that secret instead, read again at each login.' }),
  ),
  OIDC_SCOPES: Type.String({ default: 'openid profile email', description: 'What is asked of the provider.' }),
  OIDC_ROLES_CLAIM: Type.String({ default: 'groups', description: 'The claim that says who may do what.' }),
  OIDC_OPERATORS: Type.Optional(
    Type.String({ description: 'Comma-separated values of that claim: who has one is an operator.' }),
  ),
  OIDC_VIEWERS: Type.Optional(Type.String({ description: 'Likewise, of who may only look.' })),
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
  DYNAMODB_CLIENT: Type.String({
    default: 'wire',
    description: 'Who sends reads to DynamoDB: `wire`, a client of our own, or `sdk`, that of AWS.',
  }),
  MONGODB_URI: Type.Optional(Type.String({ description: 'MongoDB, with the database’s name.' })),
  MONGODB_CLIENT: Type.String({
    default: 'leased',
    description:
      'How documents come: undecoded on `leased` connections of the driver’s pool, undecoded by its `command`, or by the `driver` alone.',
  }),
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
  SHADOW_BUSY_PERCENT: Type.Integer({
    default: 25,
    minimum: 1,
    maximum: 100,
    description:
      'How much of its time the thread that serves may be at work, in percent, before fewer shadows are asked: a tenth of them from 20 points above on. `100`: always all.',
  }),
  SHADOW_THREAD: Type.String({
    default: 'off',
    description:
      'A thread of its own for asking candidates: `auto` (where there is more than one CPU, once something is shadowed), `on` (from the start) or `off`.',
  }),
  MAX_REQUESTS: Type.Integer({
    default: 10_000,
    minimum: 1,
    description:
      'Requests of clients under way at a time: 30 % reads that a store answers, 35 % reads and 35 % writes that pass to legacy. More are 503.',
  }),
  MAX_CONNECTIONS: Type.Integer({
    default: 20_000,
    minimum: 1,
    description: 'Connections of clients at a time; further ones are closed at once.',
  }),
  HEAD_TIMEOUT_MS: Type.Integer({
    default: 60_000,
    minimum: 1,
    maximum: LONGEST_TIMER,
    description: 'How long a request’s head may take to arrive, in milliseconds.',
  }),
  OVERLOAD_EVENT_LOOP_MS: Type.Integer({
    default: 300,
    minimum: 1,
    maximum: LONGEST_TIMER,
    description:
      'How late the event loop may stand, in milliseconds, before reads of stores are refused; of three times as much on reads of legacy, of ten times writes.',
  }),
  DRAIN_DELAY_MS: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: LONGEST_TIMER,
    description: 'How long to go on serving, not ready, after SIGTERM.',
  }),
  SERVER_TIMING: Type.Boolean({ default: false, description: 'Say origin and stage in a Server-Timing header.' }),
  LOG_REQUESTS: Type.String({
    default: 'sampled',
    description:
      'A line for each request: `sampled` (all, as far as they are few), `all`, or `off` (failures of ours only).',
  }),
  LOG_SLOW_MS: Type.Integer({
    default: 1_000,
    minimum: 1,
    description: 'From how many milliseconds on a request is slow, and gets its line.',
  }),
  TELEMETRY_TENANT: Type.String({
    default: 'off',
    description: 'The tenant in logs and traces: `off`, `hashed` (with `SAMPLE_SECRET`) or `clear`.',
  }),
  LOG_LEVEL: Type.String({ default: 'info', description: 'fatal, error, warn, info, debug, trace or silent.' }),
});

export type Values = Static<typeof SETTINGS>;

/** The README's table of settings, as Markdown. */
export function settingsTable(): string {
  const rows = Object.entries(SETTINGS.properties).map(([name, schema]) => {
    const value = 'default' in schema ? `\`${schema.default}\`` : '–';
    return `| \`${name}\` | ${value} | ${(schema as { description?: string }).description} |`;
  });
  return ['| variable | default | what |', '|---|---|---|', ...rows].join('\n');
}
