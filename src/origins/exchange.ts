import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { StoreError } from '../errors.ts';
import type { Answer } from '../model/answer.ts';
import { callAfter } from '../model/deadline.ts';
import { Chunks } from './chunks.ts';
import { HOP_BY_HOP, lengthsOf, mayBe, nominatedBy } from './hop-by-hop.ts';
import { translate } from './legacy-error.ts';
import type { Places } from './places.ts';
import { Upload } from './upload.ts';

export interface ForwardExtra {
  /** Sent to legacy as X-Request-Id in place of the client's, and to the client unless legacy says one. */
  readonly requestId?: string | undefined;
  /** Put onto the client's reply in place of legacy's own of the same name. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly capture?: Capturing | undefined;
  /** Sent to legacy in place of the client's headers that are to be replaced. */
  readonly context?: Readonly<Record<string, string>> | undefined;
}

/** Keep legacy's answer, up to so many bytes of body; the request's body too, where that is asked for. */
export interface Capturing {
  readonly maxBytes: number;
  readonly requestBody?: boolean;
}

/** What became of a request that was passed on. */
export interface Forwarded {
  readonly status: number;
  /** `false`: the client went away, or legacy failed in mid-body and the client's connection was cut. */
  readonly complete: boolean;
  /**
   * As legacy sent it, hop-by-hop headers apart; `too_large`: its body is beyond what was to be kept; `incomplete`: it
   * did not come to its end. `undefined` where nobody asked for it.
   */
  readonly answer: Answer | 'too_large' | 'incomplete' | undefined;
  /** The request's body as it was sent on; `undefined` where there was none, or nobody asked for it. */
  readonly requestBody: Buffer | 'too_large' | 'incomplete' | undefined;
  /** Milliseconds from dispatch to the end of legacy's reply. */
  readonly duration: number;
}

/** How much is worth copying so that head and body go out in one write. */
const ONE_WRITE = 16 * 1024;
/** Bytes that a client may be behind before legacy is held back; as many at most are held to the end of a turn. */
const MAX_BEHIND = 256 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * One request on its way: writes legacy's reply to the client as it comes, at the client's pace. What comes in one turn of
 * the event loop goes out in one write; a short reply of a known length may take as many turns as each brings more of it.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly done: Promise<Forwarded>;
  readonly #resolve: (result: Forwarded) => void;
  readonly #reject: (error: StoreError) => void;
  readonly #reply: ServerResponse;
  readonly #extra: ForwardExtra;
  readonly #began = performance.now();
  #duration: number | undefined;
  #upstream: Dispatcher.DispatchController | undefined;
  #endWait = (): void => {};
  #status = 499;
  #over = false;
  #delimited = true;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #short = false;
  #grown = false;
  #turn: NodeJS.Immediate | undefined;
  #capture: Capture | undefined;
  #upload: Upload | undefined;
  #places: Places | undefined;
  #leaveLine: (() => void) | undefined;

  constructor(reply: ServerResponse, extra: ForwardExtra) {
    const { promise, resolve, reject } = Promise.withResolvers<Forwarded>();
    this.done = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#reply = reply;
    this.#extra = extra;
    if (extra.capture !== undefined) this.#capture = new Capture(extra.capture.maxBytes);
    reply.on('close', this.#onClose);
  }

  /** Whether it has begun on a connection of legacy's. */
  get started(): boolean {
    return this.#upstream !== undefined || this.#over;
  }

  /** The body of this request, to be sent once. */
  upload(message: IncomingMessage): Upload {
    const capture = this.#extra.capture;
    this.#upload = new Upload(message, capture?.requestBody === true ? new Chunks(capture.maxBytes) : undefined);
    return this.#upload;
  }

  /** There is nobody to answer. */
  abandon(): void {
    this.#onClose();
  }

  /** Begins once there is a place, if somebody still waits for it then; gives it back when legacy is done with it. */
  beginAt(places: Places, begin: () => void): void {
    this.#places = places;
    this.#leaveLine = places.take(begin);
  }

  /** How long to wait for a connection, in milliseconds. */
  waitFor(milliseconds: number): void {
    this.#endWait = callAfter(milliseconds, () => {
      this.#fail(new StoreError('legacy', 'timeout', 'legacy did not answer: every connection to it is busy'));
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#endWait();
    // Thrown before anything is sent, it leaves the connection to the next request.
    if (this.#over) throw new Error('nobody waits for this any more');
    this.#upstream = controller;
  }

  onResponseStart(
    { rawHeaders }: Dispatcher.DispatchController,
    code: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (code < 200 || this.#over) return;
    const reply = this.#reply;
    this.#status = code;
    this.#delimited = headers['content-length'] !== undefined;
    this.#short = this.#delimited && Number(headers['content-length']) <= MAX_BEHIND;
    this.#capture?.begin(code, headers);
    reply.sendDate = false;
    reply.writeHead(code, reasonOf(statusText), replyHeaders(rawHeaders, headers.connection, this.#extra));
    this.#flushLater();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    this.#capture?.add(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > MAX_BEHIND) this.#write(controller);
    else this.#flushLater();
  }

  onResponseEnd(): void {
    this.#givePlace();
    if (this.#over) return;
    this.#duration = performance.now() - this.#began;
    clearImmediate(this.#turn);
    const reply = this.#reply;
    const last = this.#held.pop();
    if (last === undefined) return void reply.end();
    // A string goes out together with the head; read and written as Latin-1 its bytes stay what they are.
    if (this.#held.length === 0 && last.length <= ONE_WRITE) return void reply.end(last.toString('latin1'), 'latin1');
    // Not the reply's own cork: ended while corked, it would write the end before what is held.
    const { socket } = reply;
    socket?.cork();
    for (const chunk of this.#held) reply.write(chunk);
    reply.end(last);
    socket?.uncork();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#givePlace();
    if (this.#over) return;
    if (!this.#reply.headersSent) {
      this.#fail(translate(error));
      return;
    }
    this.#write(undefined);
    this.#cut();
  }

  readonly #onClose = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#leaveLine?.();
    this.#endWait();
    const ended = this.#duration !== undefined;
    if (!ended) this.#upstream?.abort(new Error('the client went away'));
    this.#resolve(
      Object.freeze({
        status: this.#status,
        complete: ended && this.#reply.writableFinished,
        answer: ended ? this.#capture?.answer() : this.#capture && 'incomplete',
        requestBody: this.#upload?.kept(),
        duration: this.#duration ?? performance.now() - this.#began,
      }),
    );
  };

  #givePlace(): void {
    const places = this.#places;
    this.#places = undefined;
    places?.give();
  }

  #fail(error: StoreError): void {
    this.#over = true;
    this.#leaveLine?.();
    this.#endWait();
    this.#reply.off('close', this.#onClose);
    this.#reject(error);
  }

  /**
   * Ends a reply that will not be whole so that the client notices: where only the end of the connection says how long the
   * body is, a plain end would look like a complete one.
   */
  #cut(): void {
    clearImmediate(this.#turn);
    const reply = this.#reply;
    if (!this.#delimited && !reply.chunkedEncoding) reply.socket?.resetAndDestroy();
    reply.destroy();
  }

  #flushLater(): void {
    this.#grown = true;
    this.#turn ??= setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    // Under load the rest of it is there in the next turn; without load that comes at once.
    const wait = this.#short && this.#grown && !this.#over;
    this.#grown = false;
    this.#turn = wait ? setImmediate(this.#flush) : undefined;
    if (wait) return;
    if (!this.#over && !this.#reply.writableEnded) this.#write(this.#upstream);
  };

  /** The head alone goes out by an empty write, as Latin-1, as it came: flushHeaders would make it UTF-8. */
  #write(upstream: Dispatcher.DispatchController | undefined): void {
    const reply = this.#reply;
    const [first = NOTHING, ...others] = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    reply.cork();
    let room = reply.write(first);
    for (const chunk of others) room = reply.write(chunk);
    reply.uncork();
    if (room || upstream === undefined || reply.writableLength < MAX_BEHIND) return;
    upstream.pause();
    reply.once('drain', () => upstream.resume());
  }
}

/** Keeps a reply as it goes by. */
class Capture {
  readonly #body: Chunks;
  #status = 0;
  #headers: Answer['headers'] = {};

  constructor(maxBytes: number) {
    this.#body = new Chunks(maxBytes);
  }

  begin(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = answerHeaders(headers);
  }

  add(chunk: Buffer): void {
    this.#body.add(chunk);
  }

  answer(): Answer | 'too_large' {
    const body = this.#body.bytes();
    return body === 'too_large' ? body : Object.freeze({ status: this.#status, headers: this.#headers, body });
  }
}

const HIDDEN = new Set(HOP_BY_HOP);
const HIDDEN_LENGTHS = lengthsOf([...HOP_BY_HOP, 'x-request-id']);

/** The end-to-end headers of a parsed reply, by name in lower case. */
export function answerHeaders(headers: IncomingHttpHeaders): Answer['headers'] {
  const nominated = nominatedBy(headers.connection);
  const kept = Object.entries(headers).filter(
    (entry): entry is [string, string | string[]] =>
      entry[1] !== undefined && !HIDDEN.has(entry[0]) && !nominated?.has(entry[0]),
  );
  return Object.freeze(Object.fromEntries(kept));
}

/** Legacy's headers as they came, hop-by-hop ones apart, then ours; names and values in turn. */
function replyHeaders(
  raw: Dispatcher.DispatchController['rawHeaders'],
  connection: string | undefined,
  { headers: own = {}, requestId }: ForwardExtra,
): string[] {
  const nominated = nominatedBy(connection);
  const out: string[] = [];
  let lacksId = requestId !== undefined && !Object.hasOwn(own, 'x-request-id');
  const given = Array.isArray(raw) ? raw : [];
  let lengths = HIDDEN_LENGTHS;
  for (const name in own) lengths |= lengthsOf([name]);
  for (let n = 0; n < given.length; n += 2) {
    const name = latin1(given[n]);
    if (nominated !== undefined || mayBe(lengths, name.length)) {
      const lower = name.toLowerCase();
      if (HIDDEN.has(lower) || nominated?.has(lower) || Object.hasOwn(own, lower)) continue;
      if (lower === 'x-request-id') lacksId = false;
    }
    out.push(name, latin1(given[n + 1]));
  }
  for (const name in own) out.push(name, own[name] as string);
  if (lacksId) out.push('X-Request-Id', requestId as string);
  return out;
}

const latin1 = (part: Buffer | string | undefined): string =>
  typeof part === 'string' ? part : (part?.toString('latin1') ?? '');

/** What HTTP can carry in a reason phrase (RFC 9112 §4): nobody reads it, and one odd byte must not cost the reply. */
const reasonOf = (text = ''): string => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
