import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

/** Wrong credentials of the last minute. */
export interface Guesses {
  /** Counts one of an address. */
  count(address: string): Promise<Guess>;
}

export interface Guess {
  /** Seconds; `undefined` while there are not too many. */
  readonly wait: number | undefined;
  /** Whether it is worth a line: all are until there are too many, then the first that is too many. */
  readonly told: boolean;
}

const MINUTE = 60;

/** `each`: of one address in a minute; `all`: of all of them. */
export function createGuesses({ each = 10, all = 100 } = {}): Guesses {
  const ofAll = new RateLimiterMemory({ points: all, duration: MINUTE });
  const ofEach = new RateLimiterMemory({ points: each, duration: MINUTE });
  return Object.freeze<Guesses>({
    async count(address) {
      // Beyond what is taken of all, addresses are not counted one by one: whoever has many fills no memory.
      const beyond = (await beyondOf(ofAll, 'all', all)) ?? (await beyondOf(ofEach, address, each));
      return beyond ?? { wait: undefined, told: true };
    },
  });
}

async function beyondOf(limiter: RateLimiterMemory, key: string, points: number): Promise<Guess | undefined> {
  try {
    await limiter.consume(key);
    return undefined;
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    return { wait: Math.max(1, Math.ceil(error.msBeforeNext / 1000)), told: error.consumedPoints === points + 1 };
  }
}
