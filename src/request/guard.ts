import { type Rest, Resting, StoreError, type StoreFailure } from '../errors.ts';
import type { OriginName } from '../model/stage.ts';
import type { Legacy } from '../origins/legacy.ts';

/** What an asking says of its origin: that it is there, that it may not be, or nothing. */
export type Sign = 'well' | 'ill' | 'none';

/**
 * What a failure says of its origin. Throttling is of one table or partition, and whoever asks for less is there. What is
 * `refused` may have been so by the client library, before it was sent.
 */
export const SIGNS: Readonly<Record<StoreFailure, Sign>> = Object.freeze({
  unavailable: 'ill',
  timeout: 'ill',
  throttled: 'none',
  refused: 'none',
  undecodable: 'well',
  tooMany: 'well',
  tooLarge: 'well',
  coding: 'well',
});

/** Any outcome but an answer → what it says. An error reply of ours says nothing: it may come before the asking. */
export const signOf = (error: unknown): Sign => (error instanceof StoreError ? SIGNS[error.failure] : 'none');

export interface GuardOptions {
  readonly ping: (signal: AbortSignal) => Promise<void>;
  /** Requests that it may have under way, so that one that hangs leaves room for what others answer; default: no bound. */
  readonly most?: number;
  /** Called for each that is not asked for that reason. */
  readonly onFull?: () => void;
  /** Called when it answers again after it was down. */
  readonly onBack?: (() => void) | undefined;
  /** Milliseconds without any answer after which those that wait are a reason to look; without it failures alone are. */
  readonly patience?: number | undefined;
  /** Failures in a row that are a reason to look; default 5. As many must wait for patience to run out. */
  readonly failures?: number;
  /** Milliseconds between looks; default 500. */
  readonly every?: number;
  /** How long a look may take, in milliseconds; default 1,000. */
  readonly pingTimeout?: number;
  /** How often a request is let through while it is down, one at a time, in milliseconds; default 5,000. */
  readonly trialEvery?: number;
}

/**
 * Whether an origin is there. Requests alone never say that it is not: they are a reason to ask it, and only where it
 * does not answer that either is it down, until it answers a look or a request.
 */
export interface Guard {
  /** Why this is not to be asked; `undefined`: it may be, and `end` is owed. `now`: by the clock of `performance.now()`. */
  begin(now?: number): Rest | undefined;
  end(sign: Sign, now?: number): void;
  isDown(): boolean;
  close(): void;
}

export function createGuard(options: GuardOptions): Guard {
  const { ping, most = Number.POSITIVE_INFINITY, onFull, onBack, patience } = options;
  const { failures: many = 5, every = 500, pingTimeout = 1_000, trialEvery = 5_000 } = options;
  const closing = new AbortController();
  let failures = 0;
  let underWay = 0;
  let down = false;
  let looking: NodeJS.Timeout | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  /** When it last showed that it is there, or was first asked since nothing was under way. */
  let since = 0;
  let trialAt = 0;
  let trying = false;

  const well = (now: number): void => {
    failures = 0;
    since = now;
    if (down) onBack?.();
    down = false;
    if (looking === undefined) return;
    clearInterval(looking);
    looking = undefined;
  };
  const look = async (): Promise<void> => {
    lookedAt = performance.now();
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(pingTimeout)]);
    const sign = await ping(signal).then(() => 'well' as const, signOf);
    if (closing.signal.aborted) return;
    if (sign !== 'ill') well(performance.now());
    else if (looking !== undefined && !down) {
      down = true;
      trialAt = performance.now() + trialEvery;
    }
  };
  /** Looks overlap: one that hangs must not keep the next from finding that all is well. */
  const suspect = (): void => {
    if (looking !== undefined || closing.signal.aborted || performance.now() - lookedAt < every) return;
    looking = setInterval(() => void look(), every);
    looking.unref();
    void look();
  };

  return Object.freeze<Guard>({
    begin(now = performance.now()) {
      if (patience !== undefined && underWay >= many && now - since > patience) suspect();
      if (underWay >= most) {
        onFull?.();
        return 'requests';
      }
      if (down) {
        if (trying || now < trialAt) return 'down';
        trying = true;
        trialAt = now + trialEvery;
      }
      if (underWay === 0) since = now;
      underWay += 1;
      return undefined;
    },
    end(sign, now = performance.now()) {
      underWay -= 1;
      if (down) trying = false;
      if (sign === 'well') well(now);
      if (sign !== 'ill') return;
      failures += 1;
      if (failures >= many) suspect();
    },
    isDown: () => down,
    close() {
      closing.abort();
      clearInterval(looking);
    },
  });
}

export type Guards = Readonly<Partial<Record<OriginName, Guard>>>;

/** Passes on to legacy unless it is down or full; rejects with `Resting` where it is. A client that leaves says nothing of it. */
export function guardLegacy(legacy: Legacy, guard: Guard): Legacy {
  return Object.freeze<Legacy>({
    ...legacy,
    forward(message, reply, extra) {
      const rest = guard.begin();
      if (rest !== undefined) return Promise.reject(new Resting('legacy', rest));
      const forwarding = legacy.forward(message, reply, extra);
      forwarding.then(
        ({ status }) => guard.end(status === 499 ? 'none' : 'well'),
        (error: unknown) => guard.end(signOf(error)),
      );
      return forwarding;
    },
  });
}
