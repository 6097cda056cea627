import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Incoming, type Reply } from './incoming.ts';
import type { Slab } from './slab.ts';

/** One request, and who is told what came of it: once, at the latest when its connection is gone. */
export interface Asking {
  /** The request, whole. */
  readonly text: string;
  readonly encoding: 'latin1' | 'utf8';
  told(given: Reply | Error): void;
}

export interface Place {
  readonly url: URL;
  /** What is read goes there, and is copied from there before anything else is read. */
  readonly buffer: Buffer;
  /** Where bodies go. */
  readonly slab: Slab;
  /** Milliseconds until it is connected. */
  readonly connectTimeout: number;
  /** Of TLS, so that the next connection need not agree on all anew. */
  session: Buffer | undefined;
}

/** One connection, one request at a time. */
export class Connection {
  /** When it may no longer be used, by the clock of `performance.now()`. */
  until = Number.POSITIVE_INFINITY;
  readonly #socket: Socket;
  readonly #onFree: (connection: Connection) => void;
  readonly #onGone: (connection: Connection) => void;
  #asking: Asking | undefined;
  readonly #slab: Slab;
  #incoming: Incoming;
  #gone = false;
  #late: NodeJS.Timeout | undefined;

  constructor(place: Place, onFree: (one: Connection) => void, onGone: (one: Connection) => void) {
    this.#slab = place.slab;
    this.#incoming = new Incoming(place.slab);
    this.#onFree = onFree;
    this.#onGone = onGone;
    this.#socket = this.#connected(place);
    this.#socket.on('error', (error) => this.#end(error)).on('close', () => this.#end(closed()));
    this.#socket.on('end', () => this.#ended());
    this.#late = setTimeout(() => this.#end(timedOut('no connection was made in time')), place.connectTimeout);
  }

  #connected(place: Place): Socket {
    const { protocol, hostname, port } = place.url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const common = {
      host,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      onread: { buffer: place.buffer, callback: (count: number, bytes: Uint8Array) => this.#read(count, bytes) },
    };
    const began = () => {
      clearTimeout(this.#late);
      this.#late = undefined;
    };
    if (protocol !== 'https:') return connectTcp({ ...common, port: Number(port || 80) }, began);
    const names = isIP(host) === 0 ? { servername: host } : {};
    const kept = place.session === undefined ? {} : { session: place.session };
    const options = { ...common, port: Number(port || 443), ALPNProtocols: ['http/1.1'], ...names, ...kept };
    return connectTls(options, began).on('session', (session) => {
      place.session = session;
    });
  }

  ask(asking: Asking): void {
    this.#asking = asking;
    this.#socket.ref();
    this.#socket.write(asking.text, asking.encoding);
  }

  /** Ends it; whoever asks is told why. */
  destroy(error: Error = closed()): void {
    this.#end(error);
  }

  #read(count: number, bytes: Uint8Array): boolean {
    // What nobody asked for belongs to nothing.
    if (this.#asking === undefined) this.#end(closed());
    else
      try {
        const reply = this.#incoming.take(bytes as Buffer, count);
        if (reply !== undefined) this.#answered(reply);
      } catch (error) {
        this.#end(error as Error);
      }
    return true;
  }

  #answered(reply: Reply): void {
    const asking = this.#asking as Asking;
    const { over } = this.#incoming;
    this.#asking = undefined;
    this.#incoming = new Incoming(this.#slab);
    const { keeps } = reply.head;
    // A reply may come before all of its request was sent; the next one's would not be told from the rest.
    if (over || keeps === 0 || this.#socket.writableLength > 0) this.#end(closed());
    else {
      this.until = performance.now() + keeps;
      // One that lies idle keeps no process alive.
      this.#socket.unref();
      this.#onFree(this);
    }
    asking.told(reply);
  }

  #ended(): void {
    const reply = this.#asking === undefined ? undefined : this.#incoming.end();
    if (reply === undefined) this.#end(closed());
    else this.#answered(reply);
  }

  #end(error: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#late);
    this.#socket.destroy();
    this.#onGone(this);
    const asking = this.#asking;
    this.#asking = undefined;
    asking?.told(asSdk(error, this.#incoming.began));
  }
}

const closed = (): Error => Object.assign(new Error('the other side closed the connection'), { code: 'ECONNRESET' });

const timedOut = (message: string): Error => Object.assign(new Error(message), { name: 'TimeoutError' });

const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** A failure of the connection as the SDK's own handler names it: by that the SDK decides whether to send again. */
function asSdk(error: Error, began: boolean): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !RESETS.has(code)) return error;
  const reset = Object.assign(new Error(began ? 'aborted' : error.message, { cause: error }), { code });
  // A reset before the reply is a time-out to the SDK.
  return began ? reset : Object.assign(reset, { name: 'TimeoutError' });
}
