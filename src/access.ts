import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { secretsOf } from './credentials.ts';
import type { Problem } from './errors.ts';

export type Role = 'viewer' | 'operator';

/** Who may use the admin API with a token; of the token itself only its SHA-256. */
export interface AdminToken {
  readonly name: string;
  readonly role: Role;
  /** 32 bytes. */
  readonly hash: Buffer;
}

/** An OpenID provider, and which values of which claim make whom what. */
export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  /** Read again at each login. */
  readonly clientSecretFile: string | undefined;
  readonly scopes: string;
  readonly claim: string;
  readonly operators: readonly string[];
  readonly viewers: readonly string[];
}

export interface AccessConfig {
  readonly tokens: readonly AdminToken[];
  /** No ADMIN_TOKENS was given: the one operator token that was made, to be shown once. */
  readonly tokenMade: string | undefined;
  readonly sessionSecrets: readonly string[];
  /** Where people reach the admin side, without a slash at its end; `undefined`: by its own address alone. */
  readonly url: string | undefined;
  /** Further names that it is asked by. */
  readonly hosts: readonly string[];
  readonly oidc: OidcConfig | undefined;
}

const PREFIX = 'crossfade_';
const FORM = /^crossfade_[\w-]{43}$/;

/** A new token: 256 random bits, in a form that scanners for secrets can know. */
export const newToken = (): string => PREFIX + randomBytes(32).toString('base64url');

/** Whether a text can be a token at all. A weaker one, whose hash someone wrote down, is none. */
export const isToken = (text: string): boolean => FORM.test(text);

export const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** One of ADMIN_TOKENS. */
export const tokenEntry = (name: string, role: Role, token: string): string =>
  `${name}:${role}:${hashOf(token).toString('hex')}`;

const NAME = /^[\w.@+-]{1,64}$/;

/** Why nobody can be called so in ADMIN_TOKENS; `undefined` where someone can. */
export const nameProblem = (name: string): string | undefined =>
  NAME.test(name) ? undefined : 'must be 1 to 64 letters, digits or any of . _ @ + -';

export const isRole = (word: string): word is Role => word === 'viewer' || word === 'operator';

/** The settings of the admin side, one problem for each that is wrong; no problem tells a secret. */
export function accessOf(given: NodeJS.Dict<string>, cwd: string, problems: Problem[]): AccessConfig {
  const tokens = tokensOf(given.ADMIN_TOKENS, problems);
  const tokenMade = tokens === undefined ? newToken() : undefined;
  const made = tokenMade === undefined ? [] : [tokenOf('start', 'operator', hashOf(tokenMade))];
  const secrets = secretsOf('ADMIN_SESSION_SECRETS', given, problems);
  return Object.freeze({
    tokens: Object.freeze(tokens ?? made),
    tokenMade,
    sessionSecrets: Object.freeze(secrets.length > 0 ? secrets : [randomBytes(32).toString('base64url')]),
    url: adminUrlOf(given.ADMIN_URL, problems),
    hosts: Object.freeze(hostsOf(given.ADMIN_HOSTS, problems)),
    oidc: oidcOf(given, cwd, problems),
  });
}

const tokenOf = (name: string, role: Role, hash: Buffer): AdminToken => Object.freeze({ name, role, hash });

function tokensOf(text: string | undefined, problems: Problem[]): readonly AdminToken[] | undefined {
  if (text === undefined) return undefined;
  const names = new Set<string>();
  return listOf(text).flatMap((entry, at) => {
    const [name = '', role = '', hash = '', ...more] = entry.split(':');
    const say = (message: string) => {
      problems.push({ where: 'ADMIN_TOKENS', message: `entry ${at + 1} ${message}` });
      return [];
    };
    if (more.length > 0 || hash === '') return say('is not `name:role:sha256`; `crossfade token NAME ROLE` prints one');
    if (nameProblem(name) !== undefined) return say(`has a name that ${nameProblem(name)}`);
    if (!isRole(role)) return say('has a role that is neither `viewer` nor `operator`');
    if (!/^[\da-f]{64}$/i.test(hash)) return say('has no SHA-256 in hex; a token itself does not belong there');
    if (names.has(name)) return say(`is the second called \`${name}\``);
    names.add(name);
    return [tokenOf(name, role, Buffer.from(hash, 'hex'))];
  });
}

const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');

function adminUrlOf(text: string | undefined, problems: Problem[]): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const { origin, pathname, search, hash, username, password } = new URL(text);
  if (pathname !== '/' || search + hash + username + password !== '')
    problems.push({ where: 'ADMIN_URL', message: 'must be scheme, host and port alone: the admin side has no prefix' });
  return origin;
}

function hostsOf(text: string | undefined, problems: Problem[]): string[] {
  const hosts = listOf(text).map((host) => host.toLowerCase());
  for (const host of hosts)
    if (!/^(\[[\da-f:.]+\]|[\da-z_]([\da-z._-]*[\da-z_])?)$/.test(host))
      problems.push({ where: 'ADMIN_HOSTS', message: `\`${host}\` must be a name or an address, without port` });
  return hosts;
}

function oidcOf(given: NodeJS.Dict<string>, cwd: string, problems: Problem[]): OidcConfig | undefined {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId = '', OIDC_CLIENT_SECRET: clientSecret } = given;
  if (issuer === undefined) return undefined;
  const say = (where: string, message: string) => problems.push({ where, message });
  const [operators, viewers] = [listOf(given.OIDC_OPERATORS), listOf(given.OIDC_VIEWERS)];
  const file = given.OIDC_CLIENT_SECRET_FILE;
  if (clientId === '') say('OIDC_CLIENT_ID', 'is missing, and OIDC_ISSUER is set');
  if (clientSecret !== undefined && file !== undefined)
    say('OIDC_CLIENT_SECRET_FILE', 'is set beside OIDC_CLIENT_SECRET: give one of them');
  if (file !== undefined) checkSecretFile(resolve(cwd, file), problems);
  if (given.ADMIN_URL === undefined)
    say('ADMIN_URL', 'is missing, and OIDC_ISSUER is set: the provider must know the way back');
  if (operators.length + viewers.length === 0)
    say('OIDC_OPERATORS', 'is missing, and so is OIDC_VIEWERS: nobody who logs in could do anything');
  if (URL.canParse(issuer) && new URL(issuer).protocol === 'http:' && !isLoopback(new URL(issuer).hostname))
    say('OIDC_ISSUER', 'must begin with https://: who stands in between could let in anybody');
  return Object.freeze({
    ...{ issuer, clientId, clientSecret, operators: Object.freeze(operators), viewers: Object.freeze(viewers) },
    clientSecretFile: file === undefined ? undefined : resolve(cwd, file),
    scopes: given.OIDC_SCOPES ?? 'openid profile email',
    claim: given.OIDC_ROLES_CLAIM ?? 'groups',
  });
}

function checkSecretFile(file: string, problems: Problem[]): void {
  try {
    if (readFileSync(file, 'utf8').trim() === '')
      problems.push({ where: file, message: 'is empty, and OIDC_CLIENT_SECRET_FILE says that it holds the secret' });
  } catch (error) {
    problems.push({ where: 'OIDC_CLIENT_SECRET_FILE', message: `cannot be read: ${(error as Error).message}` });
  }
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);
