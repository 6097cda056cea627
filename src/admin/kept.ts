/** What was read last, and why it is not of now. */
export interface Told<T> {
  readonly value: T | undefined;
  readonly problem: string | undefined;
  /** Counts the readings that gave something. */
  readonly version: number;
}

/** A reading that is kept for a while: one at a time, however many ask. */
export interface Kept<T> {
  /** Reads anew where the last one is too old, and waits for it, at most so many milliseconds. Never rejects. */
  get(patience?: number): Promise<Told<T>>;
  /** What was read last; begins a reading where that is too old, and does not wait. */
  now(): Told<T>;
  /** What is known is no longer true. */
  forget(): void;
}

export interface KeptOptions {
  /** Milliseconds for which a reading is good; at least ten times as long as it took. */
  readonly ttl: number;
  /** Milliseconds that somebody waits for the first one; default 2,000. */
  readonly patience?: number;
  readonly now?: () => number;
}

const READING = 'the results are still being read; ask again';

export function createKept<T>(read: () => Promise<T>, options: KeptOptions): Kept<T> {
  const { ttl, patience: usual = 2_000, now = () => performance.now() } = options;
  let told: Told<T> = { value: undefined, problem: READING, version: 0 };
  let until = Number.NEGATIVE_INFINITY;
  let generation = 0;
  let reading: Promise<void> | undefined;

  const readOnce = async (): Promise<void> => {
    const began = now();
    const of = generation;
    try {
      const value = await read();
      told = Object.freeze({ value, problem: undefined, version: told.version + 1 });
      until = now() + Math.max(ttl, 10 * (now() - began));
    } catch (error) {
      told = Object.freeze({ ...told, problem: (error as Error).message });
      until = now() + ttl;
    }
    if (of !== generation) until = Number.NEGATIVE_INFINITY;
  };
  const refresh = (): Promise<void> => {
    reading ??= readOnce().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  return Object.freeze<Kept<T>>({
    async get(patience = usual) {
      const end = now() + patience;
      // What was under way when something was forgotten is of before, and read again.
      while (now() >= until && now() < end) await within(refresh(), end - now());
      return told;
    },
    now() {
      if (now() >= until) void refresh();
      return told;
    },
    forget() {
      generation += 1;
      until = Number.NEGATIVE_INFINITY;
    },
  });
}

async function within(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((done) => {
    timer = setTimeout(done, Math.max(0, milliseconds)).unref();
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
