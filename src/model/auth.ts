/** Who the caller is shown to be: claims for the bindings, frozen. Empty where nothing is known of them. */
export type Claims = Readonly<Record<string, unknown>>;

interface WithTenant {
  /**
   * The claim that the tenant must be (or be one of, where it is a list); or why no claim says so. Needed in the modes
   * `jwt` and `forward` where the tenant rule reads what the client may choose.
   */
  readonly tenantClaim?: string | { readonly none: string };
}

/** Header → claim. */
export type HeaderClaims = Readonly<Record<string, string>>;

/**
 * How a gateway shows that it was there: a header with one of `GATEWAY_SECRETS`, or a client certificate of
 * `TLS_CLIENT_CA_FILE` (with one of these DNS names); or why no proof is needed.
 */
export type GatewayProof =
  | { readonly header: string }
  | 'mtls'
  | { readonly mtls: readonly string[] }
  | { readonly none: string };

/** Something in front has let the caller in. */
export interface GatewayAuth extends WithTenant {
  readonly mode: 'gateway';
  readonly proof?: GatewayProof;
  /** Headers by which the gateway says who it is. */
  readonly claims?: HeaderClaims;
}

/** The caller sends a signed token, `Authorization: Bearer`. Durations are texts: `5m`. */
export interface JwtAuth extends WithTenant {
  readonly mode: 'jwt';
  /** Where the keys are: an https address, or a file beside the bindings. */
  readonly jwks: string;
  readonly issuer: string | readonly string[];
  readonly audience: string | readonly string[];
  /** Asymmetric ones alone. */
  readonly algorithms: readonly string[];
  /** What the token's header must say in `typ`, such as `at+jwt` (RFC 9068). */
  readonly typ?: string;
  /** For `exp` and `nbf`; default 0s. */
  readonly clockTolerance?: string;
  /** Of a token; default 8,192. */
  readonly maxBytes?: number;
  /** How often keys are fetched anew, and so how long one that is withdrawn is taken; default 5m. */
  readonly refresh?: string;
  /** How long the last good keys serve while there are no new ones; default 24h. */
  readonly keep?: string;
  /** Least time between two fetches for keys that are not known; default 10s. */
  readonly cooldown?: string;
  /** Of one fetch; default 3s. */
  readonly timeout?: string;
}

/** An endpoint is asked, like that of nginx's auth_request. */
export interface ForwardAuth extends WithTenant {
  readonly mode: 'forward';
  readonly url: string;
  /** Which of the client's headers are sent. */
  readonly headers: readonly string[];
  /** Which of its reply's headers become which claims. */
  readonly claims?: HeaderClaims;
  /** `caller`: by those headers alone, so that it is not told method and path; default `request`. */
  readonly decides?: 'caller' | 'request';
  /** How long a yes is remembered; default 5s. */
  readonly cache?: string;
  /** Default 2s. */
  readonly timeout?: string;
}

export type AuthSpec = GatewayAuth | JwtAuth | ForwardAuth;

/** What a browser's script of another origin may do, where a store answers. */
export interface CorsSpec {
  /** As browsers write them, `https://app.example`; or `*`. */
  readonly origins: readonly string[];
  /** Of a preflight; default what the path has. */
  readonly methods?: readonly string[];
  /** Request headers of a preflight; default those that it asks for. */
  readonly headers?: readonly string[];
  /** Reply headers that a script may read. */
  readonly expose?: readonly string[];
  readonly credentials?: boolean;
  /** Seconds that a preflight holds. */
  readonly maxAge?: number;
}
