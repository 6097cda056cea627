import { CLOSE_OBJECT, OPEN_OBJECT, parseJson, printJson, QUOTE, skipValue, stringAt } from '../model/json.ts';
import { decimalKey } from '../model/number.ts';
import {
  afterKey,
  FEW,
  firstOf,
  isContainer,
  isEscaped,
  isName,
  keyAt,
  type Member,
  nextOf,
  type Range,
  type Span,
  sameBytes,
} from './scan.ts';

/** Items of two lists that are no equals at the same place, brought together. */
export interface Aligned {
  readonly pairs: readonly { readonly left: Span; readonly right: Span; readonly name: string }[];
  readonly missing: readonly Item[];
  readonly extra: readonly Item[];
  /** The items that both have come in another order. */
  readonly order: boolean;
  /** Without keys nobody can say which item is missing: only that one list is longer. */
  readonly length: boolean;
  /** Both hold the same items, whatever their order. */
  readonly sameItems: boolean;
  /** What the pages hold is not the same, so that neither is what follows from their ends. */
  readonly moved: boolean;
}

interface Item {
  readonly name: string;
  readonly span: Span;
}

/** What is known of the whole lists: how many items they have, and the last place at which both have the same. */
export interface Lists {
  readonly countA: number;
  readonly countB: number;
  readonly lastEqual: number;
}

export const NOTHING_MOVED: Aligned = Object.freeze({
  pairs: [],
  missing: [],
  extra: [],
  order: false,
  length: false,
  sameItems: true,
  moved: false,
});

/** Pointers, as their tokens, of what tells the items of a list apart. */
export type ListKey = readonly (readonly string[])[];

/**
 * Brings items with the same key together. Where pages are full (`limit`), items that one side's missing or extra ones
 * have pushed over the page's edge are no differences of their own.
 */
export function alignByKey(
  a: Buffer,
  left: readonly Span[],
  b: Buffer,
  right: readonly Span[],
  key: ListKey,
  lists: Lists,
  limit: number | undefined,
): Aligned {
  const ours = named(a, left, key);
  const theirs = named(b, right, key);
  const other = new Map(theirs.map((item) => [item.name, item]));
  const names = new Set(ours.map(({ name }) => name));
  const common = ours.filter(({ name }) => other.has(name));
  const missing = ours.filter(({ name }) => !other.has(name));
  const extra = theirs.filter(({ name }) => !names.has(name));
  const inBoth = theirs.filter(({ name }) => names.has(name));
  const order = common.some(({ name }, at) => name !== inBoth[at]?.name);
  const edge = pageEdge(common, inBoth, missing, extra, lists, limit);
  return {
    pairs: common.map(({ name, span }) => ({ left: span, right: (other.get(name) as Item).span, name })),
    missing: missing.filter((item) => !edge.has(item)),
    extra: extra.filter((item) => !edge.has(item)),
    order,
    length: false,
    sameItems: missing.length === 0 && extra.length === 0,
    moved: order || missing.length > 0 || extra.length > 0,
  };
}

function pageEdge(
  common: readonly Item[],
  inBoth: readonly Item[],
  missing: readonly Item[],
  extra: readonly Item[],
  { countA, countB, lastEqual }: Lists,
  limit: number | undefined,
): ReadonlySet<Item> {
  const lastA = common.reduce((last, { span }) => Math.max(last, span.index), lastEqual);
  const lastB = inBoth.reduce((last, { span }) => Math.max(last, span.index), lastEqual);
  const tailA = missing.filter(({ span }) => span.index > lastA);
  const tailB = extra.filter(({ span }) => span.index > lastB);
  if (tailB.length === 0) return new Set(countA === limit && tailA.length <= extra.length ? tailA : []);
  return new Set(countB === limit && tailB.length <= missing.length ? tailB : []);
}

/** Items under their keys; one that has none, or whose key came before, is told apart by its number among those alike. */
function named(bytes: Buffer, spans: readonly Span[], key: ListKey): readonly Item[] {
  const counts = new Map<string, number>();
  return spans.map((span) => {
    const parts = key.map((tokens) => textOf(bytes, scalarAt(bytes, span.start, tokens)));
    const text = parts.includes(undefined) ? '?' : parts.join('\u0000');
    const count = counts.get(text) ?? 0;
    counts.set(text, count + 1);
    return { name: count === 0 ? `[${text}]` : `[${text}]${count}`, span };
  });
}

/** The name of two items at the same place that have the same key; `undefined` where they have not. */
export function commonKey(a: Buffer, i: number, b: Buffer, j: number, key: ListKey): string | undefined {
  const parts: string[] = [];
  for (const tokens of key) {
    const ours = scalarAt(a, i, tokens);
    const part = textOf(a, ours);
    if (ours === undefined || part === undefined) return undefined;
    // One byte more: 1 and 12 begin alike.
    const length = ours.end + 1 - i;
    const isWithin = i + length <= a.length && j + length <= b.length;
    const isAlike = isWithin && sameBytes(a, { start: i, end: i + length }, b, { start: j, end: j + length });
    if (!isAlike && part !== textOf(b, scalarAt(b, j, tokens))) return undefined;
    parts.push(part);
  }
  return `[${parts.join('\u0000')}]`;
}

/** The scalar that `tokens` lead to within the value at `at`. */
function scalarAt(bytes: Buffer, at: number, tokens: readonly string[]): Range | undefined {
  let value = at;
  for (const token of tokens) {
    const found = bytes[value] === OPEN_OBJECT ? memberOf(bytes, value, token) : undefined;
    if (found === undefined) return undefined;
    value = found;
  }
  return isContainer(bytes[value]) ? undefined : { start: value, end: skipValue(bytes, value) };
}

/** Where the value of the object's first member of this name begins. */
function memberOf(bytes: Buffer, at: number, name: string): number | undefined {
  for (let more = firstOf(bytes, at, CLOSE_OBJECT); more >= 0; ) {
    const key = keyAt(bytes, more);
    const value = afterKey(bytes, key.end);
    if (isName(bytes, key, name)) return value;
    more = nextOf(bytes, skipValue(bytes, value), CLOSE_OBJECT);
  }
  return undefined;
}

/** Equal scalars have one text. */
function textOf(bytes: Buffer, scalar: Range | undefined): string | undefined {
  if (scalar === undefined) return undefined;
  const { start, end } = scalar;
  if (bytes[start] === QUOTE) return stringAt(bytes, start, end);
  const text = bytes.toString('latin1', start, end);
  return decimalKey(text) ?? text;
}

/** Members of two objects under the same names. */
export interface MatchedMembers {
  readonly pairs: readonly (readonly [Member, Member])[];
  readonly onlyLeft: readonly Member[];
  readonly onlyRight: readonly Member[];
  /** Names that both have stand in another order. */
  readonly reordered: boolean;
}

export function matchMembers(a: Buffer, left: readonly Member[], b: Buffer, right: readonly Member[]): MatchedMembers {
  const find = left.length <= FEW && right.length <= FEW ? finderByBytes(a, b, right) : finderByName(a, b, right);
  const pairs: [Member, Member][] = [];
  const onlyLeft: Member[] = [];
  const taken = new Set<number>();
  let reordered = false;
  let furthest = -1;
  for (const member of left) {
    const at = find(member.key);
    if (at === -1) onlyLeft.push(member);
    else {
      pairs.push([member, right[at] as Member]);
      taken.add(at);
      if (at < furthest) reordered = true;
      furthest = Math.max(furthest, at);
    }
  }
  return { pairs, onlyLeft, onlyRight: right.filter((_, at) => !taken.has(at)), reordered };
}

function finderByBytes(a: Buffer, b: Buffer, right: readonly Member[]): (key: Span) => number {
  let near = right.length;
  return (key) => {
    // Names that are reordered at all are often reversed or shifted: go on from where the last one was.
    for (let step = 0; step < right.length; step += 1) {
      near = near === 0 ? right.length - 1 : near - 1;
      if (sameBytes(a, key, b, (right[near] as Member).key)) return near;
    }
    return isEscaped(a, key) || right.some((member) => isEscaped(b, member.key)) ? finderByName(a, b, right)(key) : -1;
  };
}

function finderByName(a: Buffer, b: Buffer, right: readonly Member[]): (key: Span) => number {
  const places = new Map(right.map(({ key }, at) => [stringAt(b, key.start, key.end), at]));
  return ({ start, end }) => places.get(stringAt(a, start, end)) ?? -1;
}

/**
 * Brings items with the same value together, as many times as both have it; what is left is paired in its order where
 * the lists are equally long.
 */
export function alignByValue(
  a: Buffer,
  left: readonly Span[],
  b: Buffer,
  right: readonly Span[],
  { countA, countB }: Lists,
): Aligned {
  const [one] = left;
  const [other] = right;
  // The only ones that differ stand at one place: nothing else could be their twin.
  if (one !== undefined && other !== undefined && left.length + right.length === 2)
    return { ...NOTHING_MOVED, pairs: [{ left: one, right: other, name: String(one.index) }] };
  const ours = left.map((span) => ({ name: valueText(a, span), span }));
  const theirs = right.map((span) => ({ name: valueText(b, span), span }));
  const [common, onlyA] = split(ours, countsOf(theirs));
  const [inBoth, onlyB] = split(theirs, countsOf(ours));
  const length = countA !== countB;
  // Of lists that are not equally long, the order of what both have can be an artefact of which twin was taken.
  const displaced = onlyA.some(({ span }, at) => span.index !== onlyB[at]?.span.index);
  const order = !length && (displaced || common.some(({ name }, at) => name !== inBoth[at]?.name));
  return {
    pairs: length
      ? []
      : onlyA.map(({ span }, at) => ({ left: span, right: (onlyB[at] as Item).span, name: String(span.index) })),
    missing: [],
    extra: [],
    order,
    length,
    sameItems: !length,
    moved: order || length,
  };
}

/** A value's text, the same for objects whose keys stand in another order. */
const valueText = (bytes: Buffer, { start, end }: Span): string =>
  isContainer(bytes[start])
    ? printJson(parseJson(bytes.subarray(start, end)), { sorted: true })
    : bytes[start] === QUOTE
      ? `"${stringAt(bytes, start, end)}`
      : bytes.toString('latin1', start, end);

function countsOf(items: readonly Item[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of items) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function split(items: readonly Item[], counts: Map<string, number>): [Item[], Item[]] {
  const common: Item[] = [];
  const only: Item[] = [];
  for (const item of items) {
    const left = counts.get(item.name) ?? 0;
    counts.set(item.name, left - 1);
    (left > 0 ? common : only).push(item);
  }
  return [common, only];
}
