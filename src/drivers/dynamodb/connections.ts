import { createDeadlines } from '../../model/deadline.ts';
import type { Connections as Counts } from '../../model/origin.ts';
import { type Asking, Connection, type Place } from './connection.ts';
import type { Reply } from './incoming.ts';
import { Slab } from './slab.ts';

export interface ConnectionsOptions {
  /** Milliseconds that one exchange may take. */
  readonly timeout: number;
  readonly max: number;
}

/** DynamoDB closes connections that are idle for longer. */
const KEEP = 50_000;

const READ = 65_536;

/** A request that can be given up. */
export interface Asked {
  /** It is told this error, and its connection, if it has one, is closed. */
  giveUp(error: Error): void;
}

/** Kept connections to one origin, HTTP/1.1: requests go to the one that was used last, or wait for one in turn. */
export interface Connections {
  ask(text: string, encoding: 'latin1' | 'utf8', told: (given: Reply | Error) => void): Asked;
  /** The body of a reply that nobody looks at any more. */
  giveBack(body: Buffer): void;
  counts(): Counts;
  /** After an outage: what is asked from now on has new connections. Those that still wait for a reply keep theirs, beside `max`. */
  renew(): void;
  /** Nothing is asked any more; connections end as they get free, and at once where `now`. */
  close(now: boolean): void;
}

export function openConnections(origin: string, { timeout, max }: ConnectionsOptions): Connections {
  const deadlines = createDeadlines(timeout);
  const place: Place = {
    url: new URL(origin),
    buffer: Buffer.allocUnsafeSlow(READ),
    slab: new Slab(),
    connectTimeout: Math.min(timeout, 3_000),
    session: undefined,
  };
  const all = new Set<Connection>();
  /** Of those before the last outage, those that wait for a reply, which may never come. */
  const left = new Set<Connection>();
  const idle: Connection[] = [];
  const waiting = new Set<Waiting>();
  let sweeping: NodeJS.Timeout | undefined;
  let closing = false;

  const sweep = (): void => {
    sweeping = undefined;
    const now = performance.now();
    for (const one of [...idle]) if (one.until <= now) one.destroy();
    if (idle.length > 0) sweepLater();
  };
  const sweepLater = (): void => {
    sweeping ??= setTimeout(sweep, KEEP / 5).unref();
  };
  const onFree = (one: Connection): void => {
    const [next] = waiting;
    if (left.has(one)) one.destroy();
    else if (next !== undefined) {
      waiting.delete(next);
      next.begin(one);
    } else if (closing) one.destroy();
    else {
      one.until = Math.min(one.until, performance.now() + KEEP);
      idle.push(one);
      sweepLater();
    }
  };
  const onGone = (one: Connection): void => {
    if (left.delete(one)) return;
    all.delete(one);
    const at = idle.indexOf(one);
    if (at !== -1) idle.splice(at, 1);
    const [next] = waiting;
    if (next === undefined) return;
    waiting.delete(next);
    next.begin(made());
  };
  const made = (): Connection => {
    const one = new Connection(place, onFree, onGone);
    all.add(one);
    return one;
  };
  const free = (): Connection | undefined => {
    for (let one = idle.pop(); one !== undefined; one = idle.pop()) {
      if (one.until > performance.now()) return one;
      one.destroy();
    }
    return all.size < max ? made() : undefined;
  };

  /** From the first byte that is sent, as long as an exchange may take. */
  class Waiting implements Asking, Asked {
    readonly text: string;
    readonly encoding: 'latin1' | 'utf8';
    readonly #told: (given: Reply | Error) => void;
    #deadline: ReturnType<typeof deadlines.next> | undefined;
    #connection: Connection | undefined;
    #over = false;

    constructor(text: string, encoding: 'latin1' | 'utf8', told: (given: Reply | Error) => void) {
      this.text = text;
      this.encoding = encoding;
      this.#told = told;
    }

    begin(connection: Connection): void {
      this.#connection = connection;
      this.#deadline = deadlines.next();
      this.#deadline.onPassed(() => this.giveUp(late()));
      connection.ask(this);
    }

    told(given: Reply | Error): void {
      if (this.#over) return;
      this.#over = true;
      this.#deadline?.end();
      this.#told(given);
    }

    giveUp(error: Error): void {
      if (this.#over) return;
      waiting.delete(this);
      this.told(error);
      this.#connection?.destroy(error);
    }
  }

  return Object.freeze<Connections>({
    ask(text, encoding, told) {
      const asking = new Waiting(text, encoding, told);
      const connection = free();
      if (connection === undefined) waiting.add(asking);
      else asking.begin(connection);
      return asking;
    },
    giveBack: (body) => place.slab.giveBack(body),
    counts: () => ({ used: all.size - idle.length + left.size, idle: idle.length, waiting: waiting.size }),
    renew() {
      for (const one of [...idle]) one.destroy();
      for (const one of all) left.add(one);
      all.clear();
      for (const next of waiting) {
        if (all.size === max) return;
        waiting.delete(next);
        next.begin(made());
      }
    },
    close(now) {
      closing = true;
      clearTimeout(sweeping);
      if (now) for (const one of [...waiting]) one.giveUp(new Error('the client was closed'));
      for (const one of now ? [...all, ...left] : [...idle]) one.destroy();
    },
  });
}

const late = (): Error => Object.assign(new Error('the exchange took too long'), { name: 'TimeoutError' });
