import {
  BACKSLASH,
  BOOL,
  behindColon,
  CLOSE,
  CLOSE_LIST,
  COMMA,
  endOfString,
  endOfValue,
  isWord,
  L,
  M,
  MARK,
  NULL,
  OPEN,
  plainly,
  S,
  typeAt,
} from '../../model/attributes.ts';
import type { Marks } from '../../model/wire.ts';
import type { Wants } from './program.ts';

/** A name that was met at a certain place of a map, and what is wanted of its value. */
interface Met {
  /** `"name":` */
  readonly text: Buffer;
  readonly wanted: Wanted | undefined;
}

/** What is wanted of the inside of one map. */
export interface Wanted {
  readonly slot: number;
  /** By name as it is written between its quotes. */
  readonly names: ReadonlyMap<string, Wanted>;
  /** Names of the last maps, by place: the next map most likely has the same there. */
  readonly met: (Met | undefined)[];
  /** What is wanted of the names of marks; `null` for nothing. */
  known: { readonly names: readonly string[]; readonly wanted: (Wanted | null | undefined)[] };
}

const NO_NAMES: readonly string[] = Object.freeze([]);

export function wantedOf({ slot, children }: Wants): Wanted {
  const names = new Map([...children].map(([name, inner]) => [name, wantedOf(inner)]));
  return { slot, names, met: [], known: { names: NO_NAMES, wanted: [] } };
}

/** Places and names beyond these are not remembered. */
const MET = 64;

/** Notes where the wanted values of a map are, by its marks: `places[base + slot]`. */
export function findMarked(
  bytes: Buffer,
  { tape, from, to, names }: Marks,
  wanted: Wanted,
  places: Int32Array,
  ends: Int32Array,
  base: number,
): void {
  if (wanted.known.names !== names) wanted.known = { names, wanted: [] };
  const known = wanted.known.wanted;
  for (let mark = from; mark < to; mark += MARK) {
    const name = tape[mark + 3] as number;
    const value = tape[mark + 1] as number;
    let inner: Wanted | null | undefined = name === -1 ? undefined : known[name >> 1];
    if (inner === undefined) {
      inner = name === -1 ? written(bytes, tape[mark] as number, value - 1, wanted) : named(names, name >> 1, wanted);
      inner ??= null;
      if (name !== -1) known[name >> 1] = inner;
    }
    if (inner === null) continue;
    if (inner.slot !== -1) ends[base + inner.slot] = (name & 1) === 1 && name !== -1 ? (tape[mark + 2] as number) : 0;
    note(bytes, value, inner, places, base);
  }
}

const named = (names: readonly string[], at: number, wanted: Wanted): Wanted | undefined => {
  const name = names[at] as string;
  return name === '__proto__' ? plainly() : wanted.names.get(name);
};

/** The same of a map without marks. Gives the end of the map. */
export function find(bytes: Buffer, at: number, wanted: Wanted, places: Int32Array, base: number): number {
  if (bytes[at] !== OPEN) plainly();
  if (bytes[at + 1] === CLOSE) return at + 2;
  let i = at + 1;
  for (let place = 0; ; place += 1) {
    const known = wanted.met[place];
    let inner: Wanted | undefined;
    if (known !== undefined && isWord(bytes, i, known.text)) {
      inner = known.wanted;
      i += known.text.length;
    } else {
      const end = endOfString(bytes, i);
      const value = behindColon(bytes, end);
      inner = lookUp(bytes, i, end, wanted, place);
      i = value;
    }
    if (inner !== undefined) note(bytes, i, inner, places, base);
    i = endOfValue(bytes, i);
    if (bytes[i] === CLOSE) return i + 1;
    if (bytes[i] !== COMMA) plainly();
    i += 1;
  }
}

function lookUp(bytes: Buffer, start: number, end: number, wanted: Wanted, place: number): Wanted | undefined {
  const inner = written(bytes, start, end, wanted);
  if (place < MET && end - start < MET)
    wanted.met[place] = { text: Buffer.from(bytes.subarray(start, end + 1)), wanted: inner };
  return inner;
}

/** By the name that stands there, its quotes with it. */
function written(bytes: Buffer, start: number, end: number, wanted: Wanted): Wanted | undefined {
  // A name that is written with escapes may be any name.
  for (let i = start; i < end; i += 1) if (bytes[i] === BACKSLASH) plainly();
  const name = bytes.toString('utf8', start + 1, end - 1);
  // To JavaScript a map with such a name may be something else than a map.
  return name === '__proto__' ? plainly() : wanted.names.get(name);
}

function note(bytes: Buffer, at: number, wanted: Wanted, places: Int32Array, base: number): void {
  if (wanted.slot !== -1) {
    // Of a name that is there twice, the last would count.
    if (places[base + wanted.slot] !== 0) plainly();
    places[base + wanted.slot] = at;
  }
  if (wanted.names.size === 0) return;
  switch (typeAt(bytes, at)) {
    case M:
      find(bytes, at + 5, wanted, places, base);
      return;
    case L:
      findInList(bytes, at + 5, wanted, places, base);
      return;
    case S:
    case BOOL:
    case NULL:
      return;
    default:
      plainly();
  }
}

function findInList(bytes: Buffer, at: number, wanted: Wanted, places: Int32Array, base: number): void {
  for (const name of wanted.names.keys()) if (!/^(0|[1-9]\d*)$/.test(name)) plainly();
  if (bytes[at + 1] === CLOSE_LIST) return;
  let i = at + 1;
  for (let index = 0; ; index += 1) {
    const inner = wanted.names.get(String(index));
    if (inner !== undefined) note(bytes, i, inner, places, base);
    i = endOfValue(bytes, i);
    if (bytes[i] !== COMMA) return;
    i += 1;
  }
}
