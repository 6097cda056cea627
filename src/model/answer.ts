import type { OriginName } from './stage.ts';

/** Status, headers (lower-case names) and body of one origin, as the client would get it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
  /** How many items it holds, where it is a list that a store gave. */
  readonly items?: number | undefined;
}

/** An answer or an error, with its duration in milliseconds. A candidate's failure is data, never thrown. */
export type Observation =
  | { readonly origin: OriginName; readonly ok: true; readonly answer: Answer; readonly duration: number }
  | { readonly origin: OriginName; readonly ok: false; readonly error: Error; readonly duration: number };
