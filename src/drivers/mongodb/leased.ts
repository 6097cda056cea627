import { BSON, MongoServerError } from 'mongodb';
import type { Deadline } from '../../model/deadline.ts';
import type { WireItem } from '../../model/wire.ts';
import { createCommandRead, type FindWire, inBatches, type ReadOptions, tailOf } from './command.ts';
import { isRetryable, translate } from './errors.ts';
import { type FindRequest, findCommand, readReply } from './find.ts';
import { HEAD, Late, messageOf } from './lease.ts';
import { type Leases, type Target, Unleasable } from './leases.ts';

/**
 * Reads on leased connections. What leases cannot do takes the public way, and so does a second attempt: it waits for
 * the next primary as the driver does.
 */
export function createLeasedRead(options: ReadOptions, leases: Leases): FindWire {
  const first = createCommandRead(options);
  const again = createCommandRead({ ...options, attempts: 1 });
  const tail = { ...tailOf(options), $db: options.db.databaseName };
  const direct = { ...tail, $readPreference: { mode: 'primaryPreferred' } };
  let lastId = 0;
  const messageFor = (request: FindRequest, target: Target): Buffer => {
    lastId = (lastId + 1) & 0x7fffffff;
    return messageOf(BSON.serialize(findCommand(request, target.direct ? direct : tail), AS_THE_DRIVER), lastId);
  };

  return async (request, deadline) => {
    const target = leases.target();
    if (target === undefined) return await first(request, deadline);
    try {
      return await findOn(options, leases, target, messageFor(request, target), request, deadline);
    } catch (error) {
      if (error instanceof Unleasable) return await first(request, deadline);
      const once = options.attempts > 1 && !deadline.passed && isWorthAnother(error as Error);
      if (once) return await again(request, deadline);
      throw translate(error as Error, deadline.passed, request.filter);
    }
  };
}

/** What its `find` serializes with. */
const AS_THE_DRIVER = Object.freeze({ ignoreUndefined: false });

async function findOn(
  options: ReadOptions,
  leases: Leases,
  { server }: Target,
  message: Buffer,
  request: FindRequest,
  deadline: Deadline,
): Promise<readonly WireItem[]> {
  const lease = leases.idle(server) ?? (await leases.borrow(server, deadline));
  let found: { readonly documents: readonly WireItem[]; readonly rest: bigint | undefined };
  try {
    const bytes = await lease.ask(message, deadline);
    const reply = readReply(bytes, HEAD, bytes.length);
    if (reply === undefined) throw new Unleasable('a reply to find is not as leases know it');
    if (!reply.ok) throw new MongoServerError(BSON.deserialize(bytes.subarray(HEAD)));
    found = reply;
  } catch (error) {
    if (error instanceof Late || error instanceof Unleasable) throw error;
    throw server.decorateCommandError(lease.connection, FIND, NO_OPTIONS, error);
  } finally {
    leases.release(lease);
  }
  if (found.rest === undefined) return found.documents;
  return await inBatches(options, request, BSON.Long.fromBigInt(found.rest), deadline);
}

const FIND = Object.freeze({ find: 1 });
const NO_OPTIONS = Object.freeze({});

/** The driver's own reads are made anew on a connection that has to show its credentials again. */
const REAUTHENTICATE = 391;

const isWorthAnother = (error: Error): boolean =>
  isRetryable(error) || (error instanceof MongoServerError && error.code === REAUTHENTICATE);
