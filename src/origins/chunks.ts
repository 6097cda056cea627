const NOTHING = Buffer.alloc(0);

/** Keeps what goes by: references to the chunks, up to so many bytes, and beyond them nothing. */
export class Chunks {
  readonly #maxBytes: number;
  #chunks: Buffer[] | undefined = [];
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) this.#chunks = undefined;
    this.#chunks?.push(chunk);
  }

  bytes(): Buffer | 'too_large' {
    if (this.#chunks === undefined) return 'too_large';
    const [only = NOTHING] = this.#chunks;
    return this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : only;
  }
}
