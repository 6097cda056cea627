import { RequestError } from '../errors.ts';
import type { Claims } from '../model/auth.ts';
import type { TenantInput } from '../model/binding.ts';
import type { Message } from './ask.ts';

const MAX_LENGTH = 128;

/**
 * Whom a request belongs to, by the bindings' own rule. Throws RequestError(missingParameter | invalidParameter) where
 * the tenant is missing, empty, over-long or doubled, or was nominated for removal by a `Connection` header (RFC 9110
 * §7.6.1): a proxy on the way could have dropped or kept it, so it proves nothing.
 */
export function tenantOf(
  rule: (input: TenantInput) => string | undefined,
  message: Message,
  parsed: ParsedParts,
  claims: Claims,
): string {
  const tenant = rule(new Input(soundHeaders(message), claims, parsed));
  if (tenant === undefined || tenant === '')
    throw new RequestError('missingParameter', 'the tenant is missing or given twice');
  if (typeof tenant !== 'string' || tenant.length > MAX_LENGTH) {
    throw new RequestError('invalidParameter', `the tenant must be a text of at most ${MAX_LENGTH} characters`);
  }
  return tenant;
}

/** What the tenant rule may read besides headers; read lazily, since most rules need neither. */
export interface ParsedParts {
  readonly path: TenantInput['path'];
  readonly query: TenantInput['query'];
}

/** Parses the parameters only for a rule that asks for them: a request whose parameters are wrong has a tenant all the same. */
class Input implements TenantInput {
  readonly headers: Headers;
  readonly claims: Claims;
  readonly #parsed: ParsedParts;

  constructor(headers: Headers, claims: Claims, parsed: ParsedParts) {
    this.headers = headers;
    this.claims = claims;
    this.#parsed = parsed;
  }

  get path(): TenantInput['path'] {
    return this.#parsed.path;
  }

  get query(): TenantInput['query'] {
    return this.#parsed.query;
  }
}

type Headers = Readonly<Record<string, string | undefined>>;

/** The headers but for those that were given twice or nominated by `Connection`: they prove nothing. */
export function soundHeaders(message: Message): Headers {
  const { headers, rawHeaders } = message;
  const nominated =
    headers.connection === undefined || headers.connection === 'keep-alive' || headers.connection === 'close'
      ? ''
      : headers.connection;
  const doubled = Object.keys(headers).length * 2 !== rawHeaders.length;
  if (!doubled && nominated === '') return headers as Headers;
  const sound: Record<string, string | undefined> = { ...(headers as Headers) };
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (seen.has(name)) delete sound[name];
    seen.add(name);
  }
  for (const name of nominated.split(',')) delete sound[name.trim().toLowerCase()];
  return sound;
}
