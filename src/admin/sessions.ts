import { randomUUID } from 'node:crypto';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { AccessConfig, AdminToken, Role } from '../access.ts';
import type { Ended } from './ended.ts';
import type { Sealing } from './sealing.ts';

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly by: 'token' | 'session' | 'login';
  /** As the audit has it: a person cannot pass for a token by their name. */
  readonly who: string;
  /** When it ends by itself, in milliseconds since 1970. */
  readonly until?: number;
  /** Of a session. */
  readonly id?: string;
}

/** Somebody whom a provider vouched for. */
export interface Person {
  readonly name: string;
  readonly subject: string;
  /** Of the values of the claim those that mean something here. */
  readonly values: readonly string[];
}

export interface Sessions {
  /** The cookie's value, and when it ends. */
  ofToken(token: AdminToken): Promise<Started>;
  ofPerson(person: Person): Promise<Started>;
  /** `undefined` where there is none any more: forged, over, ended, or its token or group is gone. */
  caller(cookie: string): Promise<Caller | undefined>;
  end(caller: Caller): Promise<void>;
  /** Whether somebody who was let in would be let in again, as far as that is known. */
  isStillIn(caller: Caller): boolean;
}

export interface Started {
  readonly cookie: string;
  readonly caller: Caller;
}

/** Seconds: a working day. */
export const SESSION_SECONDS = 12 * 3_600;

interface Payload {
  readonly jti: string;
  readonly exp: number;
  readonly name: string;
  /** First half of the hash of its token, or what a provider said. */
  readonly token?: string;
  readonly subject?: string;
  readonly values?: readonly string[];
}

/** Sessions that live in the cookie alone, so that every replica with the same secrets knows them. */
export function createSessions(config: AccessConfig, sealing: Sealing, ended: Ended): Sessions {
  const start = async (payload: Omit<Payload, 'jti' | 'exp'>): Promise<Started> => {
    const jti = randomUUID();
    const cookie = await sealing.seal('session', { ...payload, jti }, SESSION_SECONDS);
    const exp = Math.floor(Date.now() / 1000) + SESSION_SECONDS;
    return { cookie, caller: callerOf(config, { ...payload, jti, exp }) as Caller };
  };
  return Object.freeze<Sessions>({
    ofToken: ({ name, hash }) => start({ name, token: halfOf(hash) }),
    ofPerson: ({ name, subject, values }) => start({ name, subject, values }),
    async caller(cookie) {
      const payload = await sealing.open('session', cookie);
      const caller = payload === undefined ? undefined : callerOf(config, payload as unknown as Payload);
      return caller === undefined || (await ended.has(caller.id as string)) ? undefined : caller;
    },
    isStillIn: ({ id, until = Number.POSITIVE_INFINITY }) =>
      until > Date.now() && (id === undefined || !ended.knows(id)),
    async end({ id, until }) {
      if (id !== undefined && until !== undefined) await ended.end(id, until);
    },
  });
}

const halfOf = (hash: Buffer): string => hash.toString('hex').slice(0, 32);

/** By the settings of now, whatever they were when the session began. */
function callerOf({ tokens, oidc }: AccessConfig, payload: Payload): Caller | undefined {
  const { jti: id, exp, name, token, subject, values = [] } = payload;
  const until = exp * 1000;
  if (token !== undefined) {
    const known = tokens.find((one) => one.name === name && halfOf(one.hash) === token);
    return known && Object.freeze({ name, role: known.role, by: 'session', who: `${name} (token)`, until, id });
  }
  const role = oidc && roleOf(oidc, values);
  return role && Object.freeze({ name, role, by: 'login', who: `${name} (login, ${subject})`, until, id });
}

/** The most that any of the values gives. */
export function roleOf(
  { operators, viewers }: Pick<NonNullable<AccessConfig['oidc']>, 'operators' | 'viewers'>,
  values: readonly string[],
): Role | undefined {
  if (values.some((value) => operators.includes(value))) return 'operator';
  return values.some((value) => viewers.includes(value)) ? 'viewer' : undefined;
}

/** The prefix has browsers refuse what another host or an unencrypted page would put in its place. */
export const cookieName = (secure: boolean): string => (secure ? '__Host-crossfade' : 'crossfade');

export const cookieOptions = (secure: boolean): CookieSerializeOptions => ({
  ...{ httpOnly: true, sameSite: 'strict', path: '/', secure, maxAge: SESSION_SECONDS },
});
