/** Shorter ones are in a pool of Node's, longer ones each of their own. */
const SHORTEST = 4_096;
const LONGEST = 524_288;
/** Bytes of each size that are kept for the next. */
const KEPT = 524_288;

/**
 * Memory for bodies of replies, in stretches whose sizes are powers of two. V8 collects the whole heap for each 64 MB that
 * lie outside of it, however soon they are done with: what is given back is used again.
 */
export class Slab {
  readonly #free = new Map<number, Buffer[]>();
  /** Bodies that nobody gave back yet, and whose they are. */
  readonly #lent = new WeakMap<Buffer, Buffer>();

  /** Bytes that are nobody else's, with anything in them. */
  take(size: number): Buffer {
    if (size < SHORTEST || size > LONGEST) return Buffer.allocUnsafe(size);
    const length = 2 ** (32 - Math.clz32(size - 1));
    const stretch = this.#free.get(length)?.pop() ?? Buffer.allocUnsafeSlow(length);
    const taken = stretch.subarray(0, size);
    this.#lent.set(taken, stretch);
    return taken;
  }

  /** Nobody looks at these bytes any more, nor at what points into them. Does nothing for any that are not lent. */
  giveBack(taken: Buffer): void {
    const stretch = this.#lent.get(taken);
    if (stretch === undefined) return;
    this.#lent.delete(taken);
    const free = this.#free.get(stretch.length);
    if (free === undefined) this.#free.set(stretch.length, [stretch]);
    else if (free.length * stretch.length < KEPT) free.push(stretch);
  }
}
