import { CLOSE_LIST, CLOSE_OBJECT, OPEN_OBJECT, skipSpace, skipValue, stringAt } from '../model/json.ts';
import { afterKey, firstOf, isContainer, keyAt, nextOf } from './scan.ts';

/**
 * JSON pointers (RFC 6901) of the values of a body that begin at `offsets`: a difference's own bytes say where in its body
 * it stands, whatever the comparison brought together. No two values begin at one byte. The body must be JSON.
 */
export function pointersAt(body: Buffer, offsets: Iterable<number>): ReadonlyMap<number, string> {
  const wanted = [...new Set(offsets)].sort((a, b) => a - b);
  const found = new Map<number, string>();
  let next = 0;

  const look = (at: number, pointer: string): number => {
    while ((wanted[next] ?? Number.POSITIVE_INFINITY) < at) next += 1;
    if (wanted[next] === at) {
      found.set(at, pointer);
      next += 1;
    }
    const end = skipValue(body, at);
    if (!isContainer(body[at]) || (wanted[next] ?? end) >= end) return end;
    if (body[at] === OPEN_OBJECT) {
      for (let more = firstOf(body, at, CLOSE_OBJECT); more >= 0; ) {
        const key = keyAt(body, more);
        const name = stringAt(body, key.start, key.end).replaceAll('~', '~0').replaceAll('/', '~1');
        more = nextOf(body, look(afterKey(body, key.end), `${pointer}/${name}`), CLOSE_OBJECT);
      }
    } else {
      let index = 0;
      for (let more = firstOf(body, at, CLOSE_LIST); more >= 0; index += 1)
        more = nextOf(body, look(more, `${pointer}/${index}`), CLOSE_LIST);
    }
    return end;
  };
  if (wanted.length > 0) look(skipSpace(body, 0), '');
  return found;
}

/** Where in `body` these bytes stand, if they are a part of it and no copy; else -1. */
export function offsetIn(body: Buffer, part: Buffer | undefined): number {
  if (part === undefined || part.buffer !== body.buffer) return -1;
  const at = part.byteOffset - body.byteOffset;
  return at >= 0 && at + part.length <= body.length ? at : -1;
}
