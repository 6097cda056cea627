/** So many places, and a line for them. Whoever leaves the line is forgotten at once: it holds nobody who has gone. */
export class Places {
  #free: number;
  readonly #line = new Set<() => void>();

  constructor(most: number) {
    this.#free = most;
  }

  /** Calls `begin` when its turn comes. What is returned takes it out of the line, if it still stands there. */
  take(begin: () => void): () => void {
    if (this.#free === 0) this.#line.add(begin);
    else {
      this.#free -= 1;
      begin();
    }
    return () => void this.#line.delete(begin);
  }

  /** How many stand in line. */
  get waiting(): number {
    return this.#line.size;
  }

  /** A place is free again: the next in line has it. */
  give(): void {
    const [next] = this.#line;
    if (next === undefined) this.#free += 1;
    else {
      this.#line.delete(next);
      next();
    }
  }
}
