/** Work that waits for its turn, bounded in number and bytes. */
export interface Queue {
  /**
   * Takes `work`, which holds about so many bytes; false, and nothing is kept, where there is no room. `dropped` is
   * called instead where the queue closes before its turn.
   */
  offer(bytes: number, work: () => Promise<void>, dropped: () => void): boolean;
  depth(): number;
  state(): QueueState;
  /** Drops what has not begun, and resolves when what has begun is done. */
  close(): Promise<void>;
}

export interface QueueState {
  readonly waiting: number;
  readonly underWay: number;
  /** Held by both. */
  readonly bytes: number;
}

export interface QueueOptions {
  readonly maxCount: number;
  readonly maxBytes: number;
  /** Pieces of work at a time. */
  readonly concurrency: number;
}

interface Waiting {
  readonly bytes: number;
  readonly work: () => Promise<void>;
  readonly dropped: () => void;
}

/** First come, first served. `work` must not reject: what becomes of it is its own affair. */
export function createQueue({ maxCount, maxBytes, concurrency }: QueueOptions): Queue {
  const waiting: Waiting[] = [];
  const idle: (() => void)[] = [];
  let held = 0;
  let running = 0;
  let closed = false;

  const run = async (first: Waiting): Promise<void> => {
    for (let one: Waiting | undefined = first; one !== undefined; one = waiting.shift()) {
      await one.work();
      held -= one.bytes;
    }
    running -= 1;
    if (running === 0) for (const done of idle.splice(0)) done();
  };

  return Object.freeze({
    offer(bytes: number, work: () => Promise<void>, dropped: () => void): boolean {
      if (closed || waiting.length >= maxCount || held + bytes > maxBytes) return false;
      held += bytes;
      const one = { bytes, work, dropped };
      // Never in the caller's own turn: it has a client's reply to send.
      if (running < concurrency) {
        running += 1;
        setImmediate(() => void run(one));
      } else waiting.push(one);
      return true;
    },
    depth: () => waiting.length + running,
    state: () => Object.freeze({ waiting: waiting.length, underWay: running, bytes: held }),
    async close(): Promise<void> {
      closed = true;
      for (const { bytes, dropped } of waiting.splice(0)) {
        held -= bytes;
        dropped();
      }
      if (running > 0) await new Promise<void>((done) => idle.push(done));
    },
  });
}
