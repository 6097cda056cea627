import type { Db, MongoClient } from 'mongodb';
import type { Deadline } from '../../model/deadline.ts';
import type { WireItem } from '../../model/wire.ts';
import { isRetryable, translate } from './errors.ts';
import { type FindRequest, findCommand } from './find.ts';
import type { Sessions } from './sessions.ts';
import { DeadlineSignal } from './signal.ts';

/** Documents as the server sent them. Throws as the driver's `find` does. */
export type FindWire = (request: FindRequest, deadline: Deadline) => Promise<readonly WireItem[]>;

export interface ReadOptions {
  readonly client: MongoClient;
  readonly db: Db;
  /** How long the server works on one call, in milliseconds. */
  readonly timeout: number;
  /** How often one call is sent, first time included. */
  readonly attempts: number;
  /** For reads by the driver's `command`. */
  readonly sessions: Sessions;
}

/** What every `find` of a client says behind its own part and its time. */
export function tailOf({ db }: ReadOptions): Readonly<Record<string, unknown>> {
  const level = db.readConcern?.level;
  return Object.freeze({ ...(level !== undefined && { readConcern: { level } }) });
}

/** How long the server may work on a call, in milliseconds: no longer than anybody waits for it. */
export const timeLeft = ({ timeout }: ReadOptions, deadline: Deadline): number =>
  Math.max(1, Math.min(timeout, Math.ceil(deadline.at - performance.now())));

/**
 * Reads through the driver's public interface: `find` as a command, its documents left as they came. The driver sends a
 * command once only; what its own `find` would send again is sent again here.
 */
export function createCommandRead(options: ReadOptions): FindWire {
  const tail = tailOf(options);
  const { client, db, sessions } = options;
  const { readPreference } = client;

  /** The reply, its documents raw. */
  const ask = async (command: Record<string, unknown>, signal: AbortSignal): Promise<Reply> => {
    const session = sessions.take();
    try {
      const reply = await db.command(command, { fieldsAsRaw: AS_RAW, readPreference, signal, session });
      if (session !== undefined) sessions.giveBack(session);
      return reply as Reply;
    } catch (error) {
      if (session !== undefined && sessions.drop(session, error)) return await ask(command, signal);
      throw error;
    }
  };

  return async (request, deadline) => {
    const signal = new DeadlineSignal(deadline);
    for (let left = options.attempts; ; left -= 1) {
      try {
        const command = findCommand(request, timeLeft(options, deadline), tail);
        const { cursor } = await ask(command, signal);
        if (Number(cursor.id) === 0) return wiresOf(cursor.firstBatch);
        return await inBatches(options, request, cursor.id, deadline);
      } catch (error) {
        if (left > 1 && !deadline.passed && isRetryable(error as Error)) continue;
        throw translate(error as Error, deadline.passed, request.filter);
      }
    }
  };
}

/** Not the reply whole (`raw`): the driver would not find the topology's version where a primary says that it steps down. */
const AS_RAW = Object.freeze({ firstBatch: true });

interface Reply {
  readonly cursor: { readonly id: unknown; readonly firstBatch: readonly Uint8Array[] };
}

/** Documents of one reply lie in its bytes: with those in common, whoever renders them looks at one buffer. */
function wiresOf(documents: readonly Uint8Array[]): readonly WireItem[] {
  let whole: Buffer | undefined;
  return documents.map(({ buffer, byteOffset, length }) => {
    if (whole?.buffer !== buffer) whole = Buffer.from(buffer);
    return { bytes: whole, start: byteOffset, end: byteOffset + length };
  });
}

/** More than one reply holds (16 MB): from the start by the driver's own cursor, which sees to the batches. */
export async function inBatches(
  options: ReadOptions,
  { collection, filter, ...rest }: FindRequest,
  cursor: unknown,
  deadline: Deadline,
): Promise<readonly WireItem[]> {
  const { client, db } = options;
  // Whether the first cursor is killed or runs out by itself is nothing to the reader.
  const { readPreference } = client;
  db.command({ killCursors: collection, cursors: [cursor] }, { readPreference }).catch(() => {});
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const found = await db
    .collection(collection)
    .find({ ...filter }, { ...given, raw: true, maxTimeMS: timeLeft(options, deadline), signal: deadline.signal })
    .toArray();
  return wiresOf(found as unknown as readonly Uint8Array[]);
}
