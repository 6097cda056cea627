/** A line without its end; `undefined` where it is longer than `most` bytes. */
export interface Line {
  readonly line: number;
  readonly bytes: Buffer | undefined;
}

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** Lines of a stream, one at a time, holding at most one. A last line needs no end. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, most: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let held = 0;
  let line = 0;
  const take = (): Line => {
    line += 1;
    const whole = held > most ? undefined : Buffer.concat(parts);
    parts = [];
    held = 0;
    return { line, bytes: whole?.at(-1) === RETURN ? whole.subarray(0, -1) : whole };
  };
  const keep = (part: Buffer): void => {
    held += part.length;
    // What is too long is counted, not kept.
    if (held <= most) parts.push(part);
    else parts = [];
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, from)) {
      keep(chunk.subarray(from, end));
      from = end + 1;
      yield take();
    }
    keep(chunk.subarray(from));
  }
  if (held > 0) yield take();
}
