import type { ServerResponse } from 'node:http';

/** How slowly a client may read an answer that we hold for it. */
export interface Pace {
  /** Milliseconds that it has in any case. */
  readonly grace: number;
  /** Bytes a millisecond beyond that. */
  readonly rate: number;
}

/** A page of 1 MB may take five minutes. */
const PACE: Pace = Object.freeze({ grace: 60_000, rate: 4 });

/**
 * To be called once a reply is ended. What the connection did not take at once is held in memory: who reads too slowly for
 * its size is cut.
 */
export function holdToPace(raw: ServerResponse, { grace, rate }: Pace = PACE): void {
  if (raw.writableLength === 0 || raw.writableFinished) return;
  const late = setTimeout(() => raw.destroy(), grace + raw.writableLength / rate);
  late.unref();
  raw.once('close', () => clearTimeout(late));
}
