import type { OriginName } from './stage.ts';

/** Status, headers (lower-case names) and body of one origin, as the client would get it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Of an answer that has a `text` made when it is looked at, so that a spread loses it: `withHeaders` and `withBody` copy. */
  readonly body: Buffer;
  /** The same as a text, where it was made as one. */
  readonly text?: string | undefined;
  /** To be called with the body once nobody looks at it any more: its memory is written on again. */
  readonly giveBack?: ((body: Buffer) => void) | undefined;
  /** How many items it holds, where it is a list that a store gave. */
  readonly items?: number | undefined;
}

/** One whose body is written as text: bytes are made of it only for who compares. */
export class TextAnswer implements Answer {
  readonly status: number;
  readonly headers: Answer['headers'];
  readonly text: string;
  readonly items: number | undefined;
  #body: Buffer | undefined;

  constructor(status: number, headers: Answer['headers'], text: string, items: number | undefined) {
    this.status = status;
    this.headers = headers;
    this.text = text;
    this.items = items;
    Object.freeze(this);
  }

  get body(): Buffer {
    this.#body ??= Buffer.from(this.text);
    return this.#body;
  }
}

/** The same answer with other headers. */
export const withHeaders = (answer: Answer, headers: Answer['headers']): Answer =>
  answer.text === undefined
    ? Object.freeze({ ...answer, headers })
    : new TextAnswer(answer.status, headers, answer.text, answer.items);

/** The same answer with another body; nothing is left of the one before. */
export const withBody = (answer: Answer, body: Buffer): Answer =>
  Object.freeze({ ...answer, text: undefined, giveBack: undefined, body });

/** An answer or an error, with its duration in milliseconds. A candidate's failure is data, never thrown. */
export type Observation =
  | { readonly origin: OriginName; readonly ok: true; readonly answer: Answer; readonly duration: number }
  | { readonly origin: OriginName; readonly ok: false; readonly error: Error; readonly duration: number };
