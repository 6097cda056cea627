import type { IncomingMessage } from 'node:http';
import type { Claims } from '../../model/auth.ts';

/** What of a request says who sends it. Without a socket no certificate can be seen. */
export type Caller = Pick<IncomingMessage, 'url' | 'method' | 'headers' | 'rawHeaders'> & {
  readonly socket?: IncomingMessage['socket'];
};

/**
 * Caller → claims: at once where nobody has to be asked, so that the line need not wait. Reads the message before it
 * returns and holds it no longer. Throws, or rejects with, an AuthError.
 */
export type Authenticate = (message: Caller) => Claims | Promise<Claims>;

/** What readiness is told of who decides. */
export interface AuthState {
  /** Why nobody can be let in; `undefined` where somebody can. */
  readonly problem: string | undefined;
  /** What else is wrong. */
  readonly note: string | undefined;
}
