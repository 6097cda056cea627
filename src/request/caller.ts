import type { Cursors } from '../bindings/cursor.ts';
import type { Bindings, BoundOperation } from '../bindings/load.ts';
import { AuthError } from '../errors.ts';
import type { Flags } from '../flags/decide.ts';
import type { Claims } from '../model/auth.ts';
import type { Asked } from './ask.ts';
import { type Auth, type Caller, NO_CLAIMS } from './auth.ts';
import { tenantOf } from './tenant.ts';

/** What of the line says who may ask. */
interface Door {
  readonly bindings: Bindings;
  readonly flags: Flags;
  readonly auth: Auth;
  readonly cursors: Cursors;
}

/** Whom a request belongs to, as far as that is known before anybody is refused. */
export interface Standing {
  /** `undefined`: no store may answer, and `error` says why. */
  readonly tenant: string | undefined;
  readonly error: unknown;
  /** Of a caller who had to be known for the tenant's sake. */
  readonly claims: Claims | undefined;
}

/**
 * The tenant decides the stage, and where legacy answers nobody is authenticated here. So a rule is asked without claims
 * first; only one that wants them has the caller authenticated before the stage is known, and not even that while the
 * operation is legacy's for everybody. Whoever is refused has no tenant, and stands where those stand who name none.
 */
export function standingOf(
  line: Door,
  operation: BoundOperation,
  message: Caller,
  asked: Asked,
): Standing | Promise<Standing> {
  const early = attempt(line, message, asked, isOpen(operation) ? NO_CLAIMS : UNKNOWN);
  if (early.error !== WANTED) return early;
  const stages = line.flags.stages()[operation.index] ?? [];
  const settled = stages.length > 0 && stages.every((stage) => stage === 'legacy');
  if (settled && !asked.mayCarryCursor(line.cursors)) return NOBODY;
  try {
    const claims = line.auth.authenticate(message);
    if (!(claims instanceof Promise)) return attempt(line, message, asked, claims);
    return claims.then((known) => attempt(line, message, asked, known), refused);
  } catch (error) {
    return refused(error);
  }
}

/** Whether anybody may ask. */
const isOpen = ({ spec }: BoundOperation): boolean => spec?.auth !== undefined;

/** Thrown at a tenant rule that reads a claim before there are any. */
const WANTED = new Error('the tenant rule reads claims');

const want = (): never => {
  throw WANTED;
};

const UNKNOWN: Claims = new Proxy(Object.freeze({}), {
  get: want,
  has: want,
  ownKeys: want,
  getOwnPropertyDescriptor: want,
});

const NOBODY: Standing = Object.freeze({ tenant: undefined, error: WANTED, claims: undefined });

const refused = (error: unknown): Standing => ({ tenant: undefined, error, claims: undefined });

function attempt({ bindings }: Door, message: Caller, asked: Asked, claims: Claims): Standing {
  const known = claims === UNKNOWN ? undefined : claims;
  try {
    return { tenant: tenantOf(bindings.spec.tenant, message, asked, claims), error: undefined, claims: known };
  } catch (error) {
    return { tenant: undefined, error, claims: known };
  }
}

/**
 * Lets the caller in where a store is to answer: claims, at once or later. Throws, or rejects with, an AuthError for a
 * caller who is refused, else a RequestError for a tenant that is none.
 */
export function admit(
  line: Door,
  operation: BoundOperation,
  message: Caller,
  standing: Standing,
): Claims | Promise<Claims> {
  const open = isOpen(operation);
  const agree = (claims: Claims): Claims => {
    const { tenant, error } = standing;
    if (tenant === undefined) throw error;
    if (!open) line.auth.agree(tenant, claims);
    return claims;
  };
  if (standing.error instanceof AuthError) throw standing.error;
  if (standing.claims !== undefined) return agree(standing.claims);
  if (open) return agree(NO_CLAIMS);
  const claims = line.auth.authenticate(message);
  return claims instanceof Promise ? claims.then(agree) : agree(claims);
}
