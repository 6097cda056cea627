import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Chunks } from './chunks.ts';

/**
 * A request's body as a stream of its own, with the client held back while legacy does not read. Destroying it does not
 * touch the request: what nobody wants any more is read and dropped, so that the client's connection stays usable.
 */
export class Upload extends Readable {
  readonly #message: IncomingMessage;

  readonly #kept: Chunks | undefined;
  #whole = false;

  /** `kept` takes what is sent. */
  constructor(message: IncomingMessage, kept: Chunks | undefined) {
    super({ highWaterMark: 64 * 1024 });
    this.#message = message;
    this.#kept = kept;
    // While it waits for a connection nobody listens yet: a client that leaves then must not end the process.
    this.on('error', () => undefined);
    message.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onCut).on('close', this.#onCut).pause();
  }

  /** What was sent, where it was to be kept. */
  kept(): Buffer | 'too_large' | 'incomplete' | undefined {
    return this.#kept && (this.#whole ? this.#kept.bytes() : 'incomplete');
  }

  override _read(): void {
    this.#message.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#message.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onCut).resume();
    done(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#kept?.add(chunk);
    if (!this.push(chunk)) this.#message.pause();
  };

  readonly #onEnd = (): void => {
    this.#whole = true;
    this.push(null);
  };

  readonly #onCut = (): void => {
    if (!this.#message.readableEnded) this.destroy(new Error('the client went away'));
  };
}
