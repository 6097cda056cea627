import type { Config } from '../config.ts';
import type { StoreName } from '../model/stage.ts';
import type { StoreConfig } from '../operate/stores.ts';
import type { ByStore } from './candidates.ts';
import type { AskMessage, Tells } from './messages.ts';
import type { Ring } from './ring.ts';

/** What the thread is started with. */
export interface Given {
  readonly bindings: string;
  readonly legacy: boolean;
  readonly stores: StoreConfig;
  /** Those of this process, which may have been made for it. */
  readonly cursorSecrets: Config['cursorSecrets'];
  readonly timeout: number;
  readonly concurrency: number;
  readonly version: string;
}

/** What it is started with each time: a ring of its own, in which bodies come back. */
export type Started = Given & { readonly ring: Ring };

/** To the thread: questions, or that it is to end. */
export type Down = readonly AskMessage[] | 'close';

/** Values that were served although they break the contract, since the last time. */
export type Violations = readonly (readonly [operation: string, origin: StoreName, count: number])[];

/** From the thread. */
export type Up =
  /** It can be asked; what it has loaded is evidence of this id. */
  | { readonly up: string }
  | (Tells & { readonly violations: Violations | undefined })
  /** A question that cannot be said anything about, for a reason of ours. */
  | { readonly broken: number; readonly why: string }
  /** Each second: it is well. */
  | { readonly beat: ByStore };

/** As many questions, or answers, as go in one message. */
export const BATCH = 8;

/** Milliseconds between two signs of life. */
export const BEAT = 1_000;
