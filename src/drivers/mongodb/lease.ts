import { MongoNetworkError } from 'mongodb';
import { int32At } from '../../model/bson.ts';
import type { Deadline } from '../../model/deadline.ts';
import type { Connection, Server } from './insides.ts';
import { HEAD, OP_MSG } from './message.ts';

/** More than a server sends (`maxMessageSizeBytes`): such a length is none. */
const LONGEST = 64 * 1024 * 1024;

interface Waiter {
  readonly id: number;
  readonly resolve: (message: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly forget: () => void;
}

/** No reply came before the deadline. */
export class Late extends Error {}

/**
 * A connection of the driver's own pool, on loan: made, encrypted and authenticated by the driver, asked by us, one
 * question at a time. What goes wrong with it closes it for good; the driver hears of that as of its own.
 */
export class Lease {
  readonly server: Server;
  readonly connection: Connection;
  #waiter: Waiter | undefined;
  /** Less of a reply than tells its length. */
  #early: Buffer | undefined;
  #whole: Buffer | undefined;
  #have = 0;

  constructor(server: Server, connection: Connection) {
    this.server = server;
    this.connection = connection;
    const { socket, messageStream } = connection;
    socket.unpipe(messageStream);
    socket.on('data', this.#onData);
    connection.on('close', this.#onClose);
    socket.resume();
  }

  /** Whether the driver would use it again. */
  get usable(): boolean {
    return !this.connection.closed && this.connection.generation === this.server.pool.generation;
  }

  /** Sends a message of ours, and gives the reply whole. Rejects with Late, or with the driver's own network errors. */
  ask(message: Buffer, deadline: Deadline): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.connection.closed || deadline.passed) {
        reject(deadline.passed ? new Late('the deadline has passed') : this.#reason());
        return;
      }
      const forget = deadline.onPassed(this.#onPassed);
      this.#waiter = { id: int32At(message, 4), resolve, reject, forget };
      this.connection.socket.write(message);
    });
  }

  /** Gives the connection back as it was: the pool keeps it, or ends it where it is closed or outlived a clearing. */
  giveBack(): void {
    const { socket, messageStream } = this.connection;
    socket.off('data', this.#onData);
    this.connection.off('close', this.#onClose);
    if (!this.connection.closed) socket.pipe(messageStream);
    this.server.pool.checkIn(this.connection);
  }

  readonly #onData = (piece: Buffer): void => {
    const chunk = this.#early === undefined ? piece : Buffer.concat([this.#early, piece]);
    this.#early = undefined;
    if (this.#waiter === undefined) this.connection.destroy();
    else if (this.#whole !== undefined) this.#add(chunk);
    else if (chunk.length < 4) this.#early = chunk;
    else {
      const length = int32At(chunk, 0);
      if (length === chunk.length && length > HEAD) this.#answer(chunk);
      else if (length <= HEAD || length > LONGEST || chunk.length > length)
        this.#fail(broken('a message of no length'));
      else {
        this.#whole = Buffer.allocUnsafeSlow(length);
        this.#have = 0;
        this.#add(chunk);
      }
    }
  };

  #add(chunk: Buffer): void {
    const whole = this.#whole as Buffer;
    if (this.#have + chunk.length > whole.length) {
      this.#fail(broken('more than one message'));
      return;
    }
    this.#have += chunk.copy(whole, this.#have);
    if (this.#have < whole.length) return;
    this.#whole = undefined;
    this.#answer(whole);
  }

  #answer(message: Buffer): void {
    const waiter = this.#waiter as Waiter;
    if (int32At(message, 8) !== waiter.id || int32At(message, 12) !== OP_MSG || message[HEAD - 1] !== 0) {
      this.#fail(broken('a message that answers nothing'));
      return;
    }
    this.#waiter = undefined;
    waiter.forget();
    waiter.resolve(message);
  }

  /** What may still come on this connection is nobody's: it is closed. */
  #fail(error: Error): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.forget();
    this.connection.destroy();
    waiter?.reject(error);
  }

  readonly #onPassed = (): void => this.#fail(new Late('no reply before the deadline'));

  readonly #onClose = (): void => {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.forget();
    waiter?.reject(this.#reason());
  };

  #reason(): Error {
    return this.connection.error ?? new MongoNetworkError('the connection is closed');
  }
}

const broken = (what: string): Error => new MongoNetworkError(`MongoDB sent ${what}`);
