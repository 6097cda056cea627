import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Who asks, as the access to the admin API found it. */
export interface AdminCaller {
  /** As the audit has it. */
  readonly who: string;
  readonly role: 'viewer' | 'operator';
  /** Whether it would still be let in. */
  readonly isValid: () => boolean;
}

/** What a route says of who may ask, in its `config`. */
export const VIEWER = roleOf('viewer');
export const OPERATOR = roleOf('operator');

function roleOf(role: AdminCaller['role']): { readonly config: object } {
  return Object.freeze({ config: Object.freeze({ role }) });
}

/** Throws where nobody has looked who asks: then nobody is let in. */
export function callerOf(request: FastifyRequest): AdminCaller {
  const { caller, isStillIn } = request;
  if (caller === undefined || isStillIn === undefined) throw new Error('the admin API was asked without its access');
  const { who, role } = caller;
  return { who, role, isValid: isStillIn };
}

/** Refuses (RFC 9457). `detail` says what is wrong, with its cure. */
export const refuse = (reply: FastifyReply, status: number, detail: string): FastifyReply =>
  reply
    .code(status)
    .type('application/problem+json')
    .serializer((problem: unknown) => JSON.stringify(problem))
    .send({ status, title: STATUS_CODES[status] ?? '', detail });
