import { validateHeaderName } from 'node:http';
import type { AuthSpec, CorsSpec, ForwardAuth, GatewayAuth, JwtAuth } from '../model/auth.ts';
import type { BindingsSpec, OperationSpec, TenantInput } from '../model/binding.ts';
import { parseDuration } from '../model/duration.ts';
import type { Contract, Operation } from '../model/operation.ts';

type Say = (pointer: string, message: string) => void;

/** Signatures that the holder of a public key cannot make. */
export const ALGORITHMS = Object.freeze(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
);

const SHARED = ['mode', 'tenantClaim'];

const KEYS: Readonly<Record<AuthSpec['mode'], readonly string[]>> = Object.freeze({
  gateway: [...SHARED, 'proof', 'claims'],
  jwt: [
    ...SHARED,
    ...['jwks', 'issuer', 'audience', 'algorithms', 'typ', 'clockTolerance'],
    ...['maxBytes', 'refresh', 'keep', 'cooldown', 'timeout'],
  ],
  forward: [...SHARED, 'url', 'headers', 'claims', 'decides', 'cache', 'timeout'],
});

const DURATIONS = ['clockTolerance', 'refresh', 'keep', 'cooldown', 'timeout', 'cache'];

const CURE =
  "say auth: { mode: 'gateway', proof: … } where a gateway lets callers in, { mode: 'jwt', … } or { mode: 'forward', … }";

/** What is wrong with `auth`, given what the contract asks for: whatever a store answers, legacy guarded before. */
export function checkAuth(spec: BindingsSpec, contract: Contract, say: Say): void {
  const { auth } = spec;
  const guarded = contract.operations.find(({ id, security }) => security.required && isBound(spec.operations[id]));
  for (const operation of contract.operations) checkOpen(operation, spec.operations[operation.id], say);
  if (auth === undefined) {
    if (guarded !== undefined)
      say('/auth', `is missing, and the contract asks for credentials (${guarded.id}): ${CURE}`);
    return;
  }
  const known = KEYS[auth.mode];
  if (known === undefined) {
    say('/auth/mode', `"${auth.mode}" is not known here; gateway, jwt and forward are`);
    return;
  }
  for (const name of Object.keys(auth)) {
    if (!known.includes(name))
      say(`/auth/${name}`, `is not known with mode ${auth.mode}; there are ${known.join(', ')}`);
    const value = (auth as unknown as Record<string, unknown>)[name];
    if (DURATIONS.includes(name) && (typeof value !== 'string' || parseDuration(value) === undefined))
      say(`/auth/${name}`, "is no duration; write it as '5s' or '5m'");
  }
  if (auth.mode === 'gateway') checkGateway(auth, guarded, contract, spec, say);
  if (auth.mode === 'jwt') checkJwt(auth, say);
  if (auth.mode === 'forward') checkForward(auth, say);
  if ('claims' in auth) headerNames(Object.keys(auth.claims ?? {}), '/auth/claims', say);
  checkTenantClaim(spec, auth, say);
}

const isBound = (own: OperationSpec | undefined): boolean => own?.dynamodb !== undefined || own?.mongodb !== undefined;

function checkOpen({ id, security }: Operation, own: OperationSpec | undefined, say: Say): void {
  if (own?.auth === undefined) return;
  if (!own.auth.none) say(`/operations/${id}/auth`, "must be { none: 'the reason' }, where anybody may ask");
  else if (security.required) say(`/operations/${id}/auth`, 'lets anybody ask, and the contract asks for credentials');
}

function checkGateway(
  { proof, claims }: GatewayAuth,
  guarded: Operation | undefined,
  contract: Contract,
  spec: BindingsSpec,
  say: Say,
): void {
  if (proof === undefined) {
    const cure = "say proof: { header: 'x-gateway-secret' }, 'mtls', or { none: 'why nobody else reaches this port' }";
    if (guarded !== undefined)
      say('/auth/proof', `is missing, and the contract asks for credentials (${guarded.id}): ${cure}`);
    else if (claims !== undefined) say('/auth/proof', `is missing: without it anybody could claim anything; ${cure}`);
    return;
  }
  if (proof === 'mtls') return;
  const [kind, value] = Object.entries(proof)[0] ?? [];
  if (kind === 'header') {
    headerNames([value], '/auth/proof/header', say);
    const own = contract.operations.find(
      ({ id, parameters }) =>
        isBound(spec.operations[id]) &&
        parameters.some((one) => one.in === 'header' && one.name.toLowerCase() === String(value).toLowerCase()),
    );
    if (own !== undefined) say('/auth/proof/header', `is a parameter of ${own.id}: a binding must not see the secret`);
  } else if (kind === 'mtls') {
    if (!Array.isArray(value) || value.length === 0 || value.some((one) => typeof one !== 'string' || one === ''))
      say('/auth/proof/mtls', "must be a list of DNS names, such as ['gateway.internal']");
  } else if (kind !== 'none' || !value) {
    say('/auth/proof', "must be { header }, 'mtls', { mtls: [names] } or { none: 'the reason' }");
  }
}

const texts = (value: unknown): readonly unknown[] => (value === undefined ? [] : [value].flat());

function checkJwt(auth: JwtAuth, say: Say): void {
  for (const name of ['issuer', 'audience'] as const) {
    const given = texts(auth[name]);
    if (given.length === 0 || given.some((one) => typeof one !== 'string' || one === ''))
      say(`/auth/${name}`, `is missing: without it a token that was made for others would do`);
  }
  const wrong = texts(auth.algorithms).filter((one) => !ALGORITHMS.includes(String(one)));
  if (texts(auth.algorithms).length === 0)
    say('/auth/algorithms', "is missing: name those of the issuer, such as ['RS256']");
  if (wrong.length > 0)
    say('/auth/algorithms', `${wrong.join(', ')} is none that is taken here; there are ${ALGORITHMS.join(', ')}`);
  if (auth.maxBytes !== undefined && !(Number.isSafeInteger(auth.maxBytes) && auth.maxBytes > 0))
    say('/auth/maxBytes', 'must be a whole number of bytes');
  if (typeof auth.jwks !== 'string' || auth.jwks === '') say('/auth/jwks', 'is missing: say where the keys are');
  if (!String(auth.jwks).includes('://')) return;
  const url = URL.canParse(auth.jwks) ? new URL(auth.jwks) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (url !== undefined && holdsSecret(url)) say('/auth/jwks', NO_SECRET);
  if (!safe) say('/auth/jwks', 'must be https, or a file: whoever could change the keys on their way could be anybody');
}

/** Addresses are logged and shown by `/readyz`. */
const holdsSecret = ({ username, password }: URL): boolean => username !== '' || password !== '';
const NO_SECRET = 'must not hold a name or password: addresses are logged';

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** What the endpoint hears from us. */
const OURS = /^(x-original-|x-forwarded-|host$|connection$|content-length$|transfer-encoding$)/;

function checkForward(auth: ForwardAuth, say: Say): void {
  const url = URL.canParse(String(auth.url)) ? new URL(auth.url) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    say('/auth/url', 'must be the http(s) address of the endpoint');
  else if (holdsSecret(url)) say('/auth/url', NO_SECRET);
  const names = texts(auth.headers);
  if (names.length === 0)
    say('/auth/headers', "is missing: say which of the client's are sent, such as ['authorization']");
  headerNames(names, '/auth/headers', say);
  for (const one of names)
    if (OURS.test(String(one).toLowerCase())) say('/auth/headers', `${one} is not the client's to say`);
  if (auth.decides !== undefined && auth.decides !== 'caller' && auth.decides !== 'request')
    say('/auth/decides', "must be 'caller' or 'request'");
}

function headerNames(names: readonly unknown[], at: string, say: Say): void {
  for (const name of names) {
    try {
      validateHeaderName(name as string);
    } catch {
      say(at, `"${name}" is no header's name`);
    }
  }
}

function checkTenantClaim(spec: BindingsSpec, auth: AuthSpec, say: Say): void {
  const { tenantClaim } = auth;
  const given = typeof tenantClaim === 'object' ? tenantClaim.none : tenantClaim;
  if (tenantClaim !== undefined && !given) {
    say('/auth/tenantClaim', "must be a claim's name, or { none: 'the reason' }");
    return;
  }
  if (typeof tenantClaim === 'string' && auth.mode !== 'jwt' && !Object.values(auth.claims ?? {}).includes(tenantClaim))
    say('/auth/tenantClaim', `no header becomes the claim "${tenantClaim}"; say so in claims`);
  if (tenantClaim !== undefined || auth.mode === 'gateway' || typeof spec.tenant !== 'function') return;
  if (tenantFrom(spec.tenant) === 'request')
    say(
      '/auth/tenantClaim',
      "is missing: the tenant is what the client says, so name the claim it must be, or { none: 'the reason' }",
    );
}

/**
 * What a tenant rule goes by: the claims, nothing (an API with no tenants), or what the client may choose. A rule that
 * falls back from the one to the other counts as the latter.
 */
export function tenantFrom(rule: BindingsSpec['tenant']): 'claims' | 'nothing' | 'request' {
  const wanted = new Error('claims');
  const claims = new Proxy({}, { get: () => fail(wanted), has: () => fail(wanted), ownKeys: () => fail(wanted) });
  const ask = (value: string): unknown => {
    const any = new Proxy({}, { get: () => value });
    try {
      return rule({ headers: any, path: any, query: any, claims } as TenantInput);
    } catch (error) {
      return error;
    }
  };
  const [first, second] = [ask('one'), ask('two')];
  if (first === wanted && second === wanted) return 'claims';
  return typeof first === 'string' && first === second ? 'nothing' : 'request';
}

function fail(error: Error): never {
  throw error;
}

export function checkCors(cors: CorsSpec | undefined, say: Say): void {
  if (cors === undefined) return;
  const known = ['origins', 'methods', 'headers', 'expose', 'credentials', 'maxAge'];
  for (const name of Object.keys(cors))
    if (!known.includes(name)) say(`/cors/${name}`, `is not known; there are ${known.join(', ')}`);
  const origins = texts(cors.origins);
  if (origins.length === 0) say('/cors/origins', "is missing: name them, such as ['https://app.example']");
  for (const one of origins) {
    const whole = URL.canParse(String(one)) && new URL(String(one)).origin === one;
    if (one !== '*' && !whole) say('/cors/origins', `"${one}" is no origin as browsers write it: https://app.example`);
  }
  if (origins.includes('*') && cors.credentials === true)
    say('/cors/credentials', 'with the origin * any page could read what its visitor may; name the origins');
  for (const name of ['methods', 'headers', 'expose'] as const) headerNames(texts(cors[name]), `/cors/${name}`, say);
  if (cors.maxAge !== undefined && !(Number.isSafeInteger(cors.maxAge) && cors.maxAge >= 0))
    say('/cors/maxAge', 'must be a whole number of seconds');
}

/** Kinds of credentials that each mode can check. */
const FITS: Readonly<Record<AuthSpec['mode'], (scheme: string) => boolean>> = Object.freeze({
  gateway: () => true,
  jwt: (scheme) => ['http bearer', 'oauth2', 'openIdConnect'].includes(scheme),
  forward: () => true,
});

/** A scheme of the contract that the mode does not look at: no mistake, since a gateway may turn one into the other. */
export function authNote(spec: BindingsSpec, contract: Contract): string | undefined {
  const { auth } = spec;
  if (auth === undefined) return undefined;
  const bound = contract.operations.filter(({ id }) => isBound(spec.operations[id]));
  const others = new Set(bound.flatMap(({ security }) => security.schemes).filter((one) => !FITS[auth.mode](one)));
  return others.size === 0
    ? undefined
    : `the contract's security is ${[...others].join(', ')}, which mode ${auth.mode} does not look at`;
}
