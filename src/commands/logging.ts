import { pino } from 'pino';
import sonic from 'sonic-boom';
import type { Log } from '../model/log.ts';
import { printable, printableLine } from '../model/printable.ts';
import { errorTold, textTold } from '../model/redacted.ts';

/** Bytes that wait where nobody reads standard output; lines beyond are dropped and counted. */
const MAX_WAITING = 4 * 1024 * 1024;

/** Milliseconds after which a standard output that refused (a full disk, a reader who left) is tried again. */
const AGAIN = 1_000;

export interface Logging {
  readonly log: Log;
  /** Lines that were dropped. */
  readonly dropped: () => number;
  /** Writes what waits, within so many milliseconds; nothing is written any more after it. */
  readonly close: (milliseconds: number) => Promise<void>;
}

/**
 * One JSON line per event on standard output, which is not waited for, so that a reader who stalls stalls nobody but the log. Credentials and queries are taken out, control characters shown.
 */
export function openLogging(level: string): Logging {
  // By way of `process.stdout`, which makes a pipe non-blocking: else a write in vain would hold the end of the process.
  // Not `pino.destination`: it ends the process at a write that fails, and then writes in vain for ever.
  const out = new sonic.SonicBoom({ fd: process.stdout.fd, sync: false, maxLength: MAX_WAITING });
  let again: NodeJS.Timeout | undefined;
  out.on('error', () => {
    clearTimeout(again);
    again = setTimeout(() => out.flush(), AGAIN).unref();
  });
  let dropped = 0;
  let closed = false;
  out.on('drop', () => {
    dropped += 1;
  });
  const logger = pino({ level, base: null }, out);
  return Object.freeze({
    log: (severity: Parameters<Log>[0], message: string, details: Parameters<Log>[2] = {}) => {
      if (!closed && logger.isLevelEnabled(severity))
        logger[severity](shown(details), printableLine(textTold(message)));
    },
    dropped: () => dropped,
    async close(milliseconds: number) {
      closed = true;
      await new Promise<void>((done) => {
        const late = setTimeout(done, milliseconds);
        out.once('close', () => {
          clearTimeout(late);
          done();
        });
        out.end();
      });
      clearTimeout(again);
      out.destroy();
    },
  });
}

function shown(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => {
      if (name === 'cause') return [name, toldLine(errorTold(value))];
      return [name, typeof value === 'string' ? printableLine(value) : value];
    }),
  );
}

/** JSON keeps line ends of a stack apart; the rest is as on a line. */
const toldLine = (told: ReturnType<typeof errorTold>): object =>
  JSON.parse(
    JSON.stringify(told, (_name, value: unknown) => (typeof value === 'string' ? printable(value) : value)),
  ) as object;
