import type { Dispatcher } from 'undici';

/** A reply as it came, whole. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const NOTHING = Buffer.alloc(0);

/** One request and its reply, the body collected. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly reply: Promise<Reply>;
  #resolve!: (reply: Reply) => void;
  #reject!: (error: Error) => void;
  #status = 0;
  #headers: Reply['headers'] = {};
  #first: Buffer | undefined;
  #further: Buffer[] | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #given: Error | undefined;

  constructor() {
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Gives up: the reply is this error, and the connection is closed once there is one. */
  giveUp(error: Error): void {
    this.#given = error;
    this.#controller?.abort(error);
    this.#reject(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#given !== undefined) controller.abort(this.#given);
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Reply['headers']): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#first === undefined) this.#first = chunk;
    else if (this.#further === undefined) this.#further = [this.#first, chunk];
    else this.#further.push(chunk);
  }

  onResponseEnd(): void {
    const body = this.#further === undefined ? (this.#first ?? NOTHING) : Buffer.concat(this.#further);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(asNode(error, this.#status !== 0));
  }
}

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']);
const RESETS = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** A failure of the connection as the SDK's own handler names it: by that the SDK decides whether to send again. */
function asNode(error: Error, began: boolean): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (TIMEOUTS.has(code)) return Object.assign(new Error(error.message, { cause: error }), { name: 'TimeoutError' });
  if (!RESETS.has(code)) return error;
  const reset = Object.assign(new Error(began ? 'aborted' : error.message, { cause: error }), {
    code: code === 'UND_ERR_SOCKET' ? 'ECONNRESET' : code,
  });
  // A reset before the reply is a time-out to the SDK.
  return began ? reset : Object.assign(reset, { name: 'TimeoutError' });
}
