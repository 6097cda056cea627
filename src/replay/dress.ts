import type { BindingsSpec, TenantInput } from '../model/binding.ts';
import { isCredential } from '../results/sample.ts';
import type { Credentials } from './credentials.ts';
import { credentialsFor } from './credentials.ts';
import type { Sent } from './legacy.ts';
import type { Recorded } from './recorded.ts';

export interface DressOptions {
  /** Added to what was recorded, or in its place. */
  readonly headers: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  readonly keepCredentials: boolean;
  /** A header and the tenants that it names in turn: each request stands for one of each. */
  readonly tenants: { readonly header: string; readonly names: readonly string[] } | undefined;
  /** Goes before the line's number in `X-Request-Id`. */
  readonly run: string;
}

/** Asked without conditions and ranges, so that there is a whole answer to compare. */
const PARTIAL = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range', 'range'];

/** A recorded request as it is to be sent, once for each tenant that it stands for. */
export function dressed(recorded: Recorded, options: DressOptions): readonly Sent[] {
  const { headers, credentials, keepCredentials, tenants, run } = options;
  const kept: Record<string, string> = { ...recorded.headers };
  for (const name of PARTIAL) delete kept[name];
  if (!keepCredentials)
    for (const name of Object.keys(kept)) if (isCredential(name) || credentials.names.has(name)) delete kept[name];
  const { method, url, body, line } = recorded;
  const common = { ...kept, ...credentials.headers, ...headers, 'x-request-id': `${run}-${line}` };
  const sent = { method, url, ...(body === undefined ? {} : { body }) };
  if (tenants === undefined) return [{ ...sent, headers: common }];
  return tenants.names.map((tenant) => ({ ...sent, headers: { ...common, [tenants.header]: tenant } }));
}

/** The same with a tenant's own credentials, where there are any; else the very same. */
export function dressedFor(sent: Sent, tenant: string, { credentials, headers }: DressOptions): Sent {
  if (!Object.hasOwn(credentials.tenants, tenant)) return sent;
  return { ...sent, headers: { ...sent.headers, ...credentialsFor(credentials, tenant), ...headers } };
}

/** The one header that the bindings' rule takes the tenant from; `undefined` where it comes from elsewhere. */
export function tenantHeader(rule: BindingsSpec['tenant']): string | undefined {
  const read = new Set<string>();
  const headers = new Proxy<Record<string, string>>(
    {},
    {
      get: (_, name) => {
        if (typeof name === 'string') read.add(name);
        return undefined;
      },
    },
  );
  const nothing = Object.freeze({});
  const tenantBy = (given: TenantInput['headers']): unknown => {
    try {
      return rule({ headers: given, path: nothing, query: nothing, claims: nothing });
    } catch {
      return undefined;
    }
  };
  tenantBy(headers);
  return [...read].find((name) => tenantBy({ [name]: 'acme' }) === 'acme');
}
