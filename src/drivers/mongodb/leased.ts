import { BSON, MongoServerError } from 'mongodb';
import type { Deadline } from '../../model/deadline.ts';
import type { WireItem } from '../../model/wire.ts';
import { createCommandRead, type FindWire, inBatches, type ReadOptions, tailOf, timeLeft } from './command.ts';
import { isRetryable, translate } from './errors.ts';
import { type FindReply, type FindRequest, readReply } from './find.ts';
import { Late, type Lease } from './lease.ts';
import { type Leases, Unleasable } from './leases.ts';
import { findMessages, HEAD } from './message.ts';

/**
 * Reads on leased connections. What leases cannot do takes the public way, and so does a second attempt: it waits for
 * the next primary as the driver does.
 */
export function createLeasedRead(options: ReadOptions, leases: Leases): FindWire {
  const first = createCommandRead(options);
  const again = createCommandRead({ ...options, attempts: 1 });
  const tail = { ...tailOf(options), $db: options.db.databaseName };
  const routed = findMessages(tail);
  const direct = findMessages({ ...tail, $readPreference: { mode: 'primaryPreferred' } });
  let lastId = 0;

  /** What a read that failed on a lease, or for want of one, comes to. */
  const otherwise = async (error: Error, request: FindRequest, deadline: Deadline): Promise<readonly WireItem[]> => {
    if (error instanceof Unleasable) return await first(request, deadline);
    if (options.attempts > 1 && !deadline.passed && isWorthAnother(error)) return await again(request, deadline);
    throw translate(error, deadline.passed, request.filter);
  };

  return async (request, deadline) => {
    const target = leases.target();
    if (target === undefined) return await first(request, deadline);
    const { server } = target;
    let lease: Lease | undefined;
    let found: Found;
    try {
      lastId = (lastId + 1) & 0x7fffffff;
      const message = (target.direct ? direct : routed)(request, lastId, timeLeft(options, deadline));
      lease = leases.idle(server) ?? (await leases.borrow(server, deadline));
      found = documentsOf(await lease.ask(message, deadline));
      leases.release(lease);
    } catch (error) {
      if (lease === undefined) return await otherwise(error as Error, request, deadline);
      const failure = told(lease, error);
      leases.release(lease);
      return await otherwise(failure, request, deadline);
    }
    if (found.rest === undefined) return found.documents;
    try {
      return await inBatches(options, request, BSON.Long.fromBigInt(found.rest), deadline);
    } catch (error) {
      return await otherwise(error as Error, request, deadline);
    }
  };
}

type Found = Extract<FindReply, { ok: true }>;

/** Throws the server's error, or Unleasable. */
function documentsOf(bytes: Buffer): Found {
  const reply = readReply(bytes, HEAD, bytes.length);
  if (reply === undefined) throw new Unleasable('a reply to find is not as leases know it');
  if (!reply.ok) throw new MongoServerError(BSON.deserialize(bytes.subarray(HEAD)));
  return reply;
}

/** The error as the driver has it, once it has been told. */
function told({ server, connection }: Lease, error: unknown): Error {
  if (error instanceof Late || error instanceof Unleasable) return error;
  return server.decorateCommandError(connection, FIND, NO_OPTIONS, error);
}

const FIND = Object.freeze({ find: 1 });
const NO_OPTIONS = Object.freeze({});

/** The driver's own reads are made anew on a connection that has to show its credentials again. */
const REAUTHENTICATE = 391;

const isWorthAnother = (error: Error): boolean =>
  isRetryable(error) || (error instanceof MongoServerError && error.code === REAUTHENTICATE);
