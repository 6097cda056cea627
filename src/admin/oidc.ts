import { readFile } from 'node:fs/promises';
import * as client from 'openid-client';
import type { OidcConfig } from '../access.ts';
import { AdminError } from '../errors.ts';
import type { Person } from './sessions.ts';

/** What a browser must bring back from the provider, sealed. */
export interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Logging in at an OpenID provider: authorization code with PKCE, state and nonce. */
export interface Login {
  /** Where the browser is sent. Throws an AdminError (502) while the provider is away. */
  begin(): Promise<{ readonly url: string; readonly begun: Begun }>;
  /** `url`: where the provider sent the browser back to. Throws an AdminError. */
  finish(url: URL, begun: Begun): Promise<Person>;
}

/** The provider is asked again what it offers after so many milliseconds. */
const FRESH = 3_600_000;
const TIMEOUT_SECONDS = 10;
/** Values of a claim that are looked at. */
const MOST_VALUES = 1_000;

/** Nothing is asked of the provider before somebody logs in. `way`: where it sends people back to. */
export function createLogin(config: OidcConfig, way: string): Login {
  let known: { readonly server: client.ServerMetadata; readonly at: number } | undefined;
  let finding: Promise<client.ServerMetadata> | undefined;

  const find = async (): Promise<client.ServerMetadata> => {
    const issuer = new URL(config.issuer);
    const found = await client.discovery(issuer, config.clientId, undefined, client.None(), {
      ...{ timeout: TIMEOUT_SECONDS, execute: isPlain(issuer) ? [client.allowInsecureRequests] : [] },
    });
    known = { server: found.serverMetadata(), at: Date.now() };
    return known.server;
  };
  /** Anybody may begin a login: however many do, a provider that hangs is asked once at a time. */
  const discover = async (): Promise<client.ServerMetadata> => {
    if (known !== undefined && Date.now() - known.at < FRESH) return known.server;
    finding ??= find().finally(() => {
      finding = undefined;
    });
    return await finding;
  };
  const configured = async (): Promise<client.Configuration> => {
    const [server, secret] = await Promise.all([discover(), secretOf(config)]);
    const made = new client.Configuration(server, config.clientId, undefined, proofOf(server, secret));
    made.timeout = TIMEOUT_SECONDS;
    if (isPlain(new URL(config.issuer))) client.allowInsecureRequests(made);
    // What comes from the token endpoint is checked by its signature too.
    client.enableNonRepudiationChecks(made);
    return made;
  };

  return Object.freeze<Login>({
    async begin() {
      const begun = {
        ...{ state: client.randomState(), nonce: client.randomNonce() },
        verifier: client.randomPKCECodeVerifier(),
      };
      const challenge = await client.calculatePKCECodeChallenge(begun.verifier);
      const made = await configured().catch((error: Error) => {
        throw refused(config, error);
      });
      const url = client.buildAuthorizationUrl(made, {
        ...{ redirect_uri: way, scope: config.scopes, state: begun.state, nonce: begun.nonce },
        ...{ code_challenge: challenge, code_challenge_method: 'S256' },
      });
      return { url: url.href, begun };
    },
    async finish(url, { state, nonce, verifier }) {
      try {
        const made = await configured();
        const tokens = await client.authorizationCodeGrant(made, url, {
          ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
        });
        const said = tokens.claims() as client.IDToken;
        const claims =
          valuesOf(said, config.claim).length > 0 ? said : await withUserInfo(made, tokens.access_token, said);
        return personOf(claims, said.sub, config);
      } catch (error) {
        throw refused(config, error as Error);
      }
    },
  });
}

const isPlain = ({ protocol }: URL): boolean => protocol === 'http:';

async function secretOf({ clientSecret, clientSecretFile }: OidcConfig): Promise<string | undefined> {
  if (clientSecretFile === undefined) return clientSecret;
  const text = await readFile(clientSecretFile, 'utf8').catch(() => {
    throw new AdminError(500, 'Internal error', 'OIDC_CLIENT_SECRET_FILE cannot be read any more');
  });
  return text.trim();
}

/** As the provider takes it; where it does not say, the way that the standard makes the usual one. */
function proofOf(server: client.ServerMetadata, secret: string | undefined): client.ClientAuth {
  if (secret === undefined) return client.None();
  const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return taken.includes('client_secret_basic') ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

/** Many providers put groups there alone. */
async function withUserInfo(made: client.Configuration, token: string, said: client.IDToken): Promise<Claims> {
  if (made.serverMetadata().userinfo_endpoint === undefined) return said;
  return { ...said, ...(await client.fetchUserInfo(made, token, said.sub)) };
}

type Claims = Readonly<Record<string, unknown>>;

/** The texts of a claim; `realm_access.roles` is looked for inside, too. */
function valuesOf(claims: Claims, claim: string): readonly string[] {
  const inside = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? (value as Readonly<Record<string, unknown>>)[key]
      : undefined;
  const value = inside(claims, claim) ?? claim.split('.').reduce(inside, claims as unknown);
  return [value]
    .flat()
    .slice(0, MOST_VALUES)
    .filter((one) => typeof one === 'string');
}

function personOf(claims: Claims, subject: string, { claim, operators, viewers }: OidcConfig): Person {
  const [name = subject] = ['preferred_username', 'email', 'name']
    .map((key) => claims[key])
    .filter((one) => typeof one === 'string' && one !== '') as string[];
  const values = valuesOf(claims, claim).filter((one) => operators.includes(one) || viewers.includes(one));
  if (values.length === 0) {
    const there = valuesOf(claims, claim).length > 0;
    throw new AdminError(
      403,
      'Forbidden',
      there
        ? `${name} is known, but has none of the values of \`${claim}\` that OIDC_OPERATORS or OIDC_VIEWERS name`
        : `${name} is known, but the provider did not say \`${claim}\`: it must be put into the ID token or the user info, or OIDC_ROLES_CLAIM must name another claim`,
    );
  }
  return Object.freeze({ name: name.slice(0, 128), subject: subject.slice(0, 255), values: Object.freeze(values) });
}

const away = ({ issuer }: OidcConfig, { message }: Error) =>
  new AdminError(502, 'Bad gateway', `the provider ${issuer} cannot be asked: ${message}; a token signs in without it`);

/** Whatever is wrong with what came back is no reason to let anybody in. */
function refused(config: OidcConfig, error: Error): AdminError {
  if (error instanceof AdminError) return error;
  const unknown = error instanceof client.ResponseBodyError && error.error === 'invalid_client';
  if (unknown || error instanceof client.WWWAuthenticateChallengeError)
    return new AdminError(
      502,
      'Bad gateway',
      `the provider ${config.issuer} does not take OIDC_CLIENT_ID with its secret`,
    );
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError)
    return new AdminError(403, 'Forbidden', `the provider refused: ${error.error_description ?? error.error}`);
  const network = !(error instanceof client.ClientError) || error.cause instanceof TypeError;
  if (network) return away(config, error);
  return new AdminError(403, 'Forbidden', `what the provider sent back does not hold: ${error.message}`);
}
