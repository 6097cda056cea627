import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, type Problem, UsageError } from '../errors.ts';
import { headersOf, Unreadable } from './recorded.ts';

type Headers = Readonly<Record<string, string>>;

/** With whose credentials a replay asks. */
export interface Credentials {
  /** For every request. */
  readonly headers: Headers;
  /** For a tenant's, on top. */
  readonly tenants: Readonly<Record<string, Headers>>;
  /** Of another user of a tenant, for the negative replay. */
  readonly others: Readonly<Record<string, Headers>>;
  /** That were good once, for the negative replay. */
  readonly expired: Headers | undefined;
  /** Names of all headers that any of them sets, and those that always are credentials. */
  readonly names: ReadonlySet<string>;
}

/** What lets somebody in; recorded ones are somebody else's. */
const CREDENTIAL_HEADERS = Object.freeze(['authorization', 'cookie', 'proxy-authorization']);

export const NO_CREDENTIALS: Credentials = Object.freeze({
  ...{ headers: {}, tenants: {}, others: {}, expired: undefined, names: new Set(CREDENTIAL_HEADERS) },
});

const KEYS = ['headers', 'tenants', 'others', 'expired'];

/**
 * Reads `{ headers, tenants: { acme: { … } }, others: { acme: { … } }, expired: { … } }`. Throws a UsageError for a file
 * that others may read, and a ConfigError with each mistake.
 */
export async function readCredentials(file: string, cwd: string): Promise<Credentials> {
  const path = resolve(cwd, file);
  const [text, found] = await Promise.all([readFile(path, 'utf8'), stat(path)]).catch((error: Error) => {
    throw new UsageError(`--credentials ${file}: ${error.message}`);
  });
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    throw new UsageError(`--credentials ${file}: others than its owner may read or write it; chmod 600 ${file}`);
  return credentialsOf(text, file);
}

export function credentialsOf(text: string, file: string): Credentials {
  const problems: Problem[] = [];
  const wrong = (where: string, message: string) => problems.push({ where: `${file}#/${where}`, message });
  let given: Readonly<Record<string, unknown>> = {};
  try {
    given = JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    // The parser's own message shows what stands there.
    problems.push({ where: file, message: 'no JSON' });
  }
  if (!isObject(given)) problems.push({ where: file, message: 'must be an object' });
  const whole = isObject(given) ? given : {};
  for (const name of Object.keys(whole)) if (!KEYS.includes(name)) wrong(name, `is none of ${KEYS.join(', ')}`);
  const headers = (where: string, value: unknown): Headers => {
    if (value === undefined) return {};
    if (!isObject(value)) {
      wrong(where, 'must be an object of headers');
      return {};
    }
    try {
      return headersOf(Object.entries(value));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      wrong(where, 'holds what is no header');
      return {};
    }
  };
  const byTenant = (where: string): Readonly<Record<string, Headers>> => {
    const value = whole[where] ?? {};
    if (!isObject(value)) wrong(where, 'must be an object of tenants');
    const pairs = Object.entries(isObject(value) ? value : {});
    return Object.fromEntries(pairs.map(([tenant, one]) => [tenant, headers(`${where}/${tenant}`, one)]));
  };
  const [common, tenants, others] = [headers('headers', whole.headers), byTenant('tenants'), byTenant('others')];
  const expired = whole.expired === undefined ? undefined : headers('expired', whole.expired);
  if (problems.length > 0) throw new ConfigError(problems);
  const all = [common, ...Object.values(tenants), ...Object.values(others), expired ?? {}];
  const names = new Set([...CREDENTIAL_HEADERS, ...all.flatMap((one) => Object.keys(one))]);
  return Object.freeze({ headers: common, tenants, others, expired, names });
}

/** Headers of a tenant's request: the tenant's own before those of all. */
export const credentialsFor = ({ headers, tenants }: Credentials, tenant: string): Headers => ({
  ...headers,
  ...(Object.hasOwn(tenants, tenant) ? tenants[tenant] : {}),
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
