/** Several bodies share one stretch of memory: to allocate it costs as much as to read a page. */
const SLAB = 131_072;
/** Shorter ones are in a pool of Node's, longer ones each of their own. */
const SHORTEST = 4_096;
const LONGEST = SLAB / 2;

/** Memory for bodies that are soon done with: a slab stays as long as one of its bodies. */
export class Slab {
  #left: Buffer = Buffer.alloc(0);

  /** Bytes that are nobody else's, with anything in them. */
  take(size: number): Buffer {
    if (size < SHORTEST || size > LONGEST) return Buffer.allocUnsafe(size);
    if (this.#left.length < size) this.#left = Buffer.allocUnsafeSlow(SLAB);
    const taken = this.#left.subarray(0, size);
    this.#left = this.#left.subarray(size);
    return taken;
  }
}
