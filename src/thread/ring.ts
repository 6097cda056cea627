/** Bytes that one thread writes and another reads, in turn, in memory that both have. */
export interface Ring {
  readonly bytes: SharedArrayBuffer;
  /** How far it has been read, by a count that begins anew after 2³² bytes. */
  readonly read: SharedArrayBuffer;
}

/** At most 2³¹. */
const SIZE = 2 * 1024 * 1024;

export const createRing = (size = SIZE): Ring =>
  Object.freeze({ bytes: new SharedArrayBuffer(size), read: new SharedArrayBuffer(4) });

/** The side that writes. */
export interface RingWriter {
  /** Where the bytes stand now, until they are read; `undefined` where there is no room for them. */
  put(body: Uint8Array): number | undefined;
  /** How far it is written: what the reader says once it has read all that was put so far. */
  written(): number;
}

export function writeTo({ bytes, read }: Ring): RingWriter {
  const into = new Uint8Array(bytes);
  const seen = new Uint32Array(read);
  const size = into.length;
  let written = 0;
  let at = 0;
  return Object.freeze<RingWriter>({
    put(body) {
      const { length } = body;
      // What does not fit before the end begins anew at the start.
      const anew = at + length > size;
      const skipped = anew ? size - at : 0;
      const held = (written - Atomics.load(seen, 0)) >>> 0;
      if (held + skipped + length > size) return undefined;
      const from = anew ? 0 : at;
      into.set(body, from);
      at = from + length;
      written = (written + skipped + length) >>> 0;
      return from;
    },
    written: () => written,
  });
}

/** The side that reads. */
export interface RingReader {
  /** A look at what stands there, which is over when it has been read. */
  look(from: number, length: number): Buffer;
  /** All up to here has been read. */
  done(written: number): void;
}

export function readFrom({ bytes, read }: Ring): RingReader {
  const from = Buffer.from(bytes);
  const seen = new Uint32Array(read);
  return Object.freeze<RingReader>({
    look: (at, length) => from.subarray(at, at + length),
    done: (written) => void Atomics.store(seen, 0, written),
  });
}
