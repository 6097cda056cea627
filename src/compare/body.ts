import { isUtf8 } from 'node:buffer';
import type { Difference, Kind } from '../model/comparison.ts';
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  JsonError,
  MAX_DEPTH,
  OPEN_LIST,
  OPEN_OBJECT,
  skipSpace,
  skipValue,
  stringAt,
} from '../model/json.ts';
import type { Shape } from '../model/shape.ts';
import {
  type Aligned,
  alignByKey,
  alignByValue,
  commonKey,
  type ListKey,
  matchMembers,
  NOTHING_MOVED,
} from './align.ts';
import { child, itemsOf } from './place.ts';
import {
  afterKey,
  createRun,
  firstOf,
  itemsFrom,
  keyAt,
  type Member,
  nextOf,
  type Run,
  refuseDuplicates,
  restOf,
  type Span,
  sameBytes,
  sameKey,
  sameNumber,
  skipFast,
  typeAt,
} from './scan.ts';

/** What a comparison of two bodies goes by. */
export interface BodyPlan {
  readonly shape: Shape | undefined;
  /** The list that a page is of: its pointer ('' for a bare array), what tells its items apart, how many fill a page. */
  readonly list:
    | { readonly path: string; readonly key: ListKey | undefined; readonly limit: number | undefined }
    | undefined;
  /** A page token: its pointer, and what it says; `undefined` for one that is not ours. */
  readonly token: { readonly path: string; readonly says: (text: string) => string | undefined } | undefined;
}

/** Takes a difference as it is met; says whether no rule covers it. */
export type Report = (difference: Difference) => boolean;

/** More than can be compared without holding up the process. */
export class TooLarge extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TooLarge';
  }
}

/** Two bodies that are being compared. */
export interface BodyWalk {
  /** Goes on for about so many milliseconds; says whether there is more to do. Throws JsonError and TooLarge. */
  step(milliseconds: number): boolean;
  /** True once keys of one object were met in another order. */
  readonly keyOrder: boolean;
}

/**
 * Two JSON bodies, held together along the contract's shape; each difference goes to `report`. No value
 * is built and no number becomes a double: the bytes are walked side by side, and what is equal is passed over by
 * native compares. Throws JsonError where one is no UTF-8.
 */
export function walkBodies(a: Buffer, b: Buffer, plan: BodyPlan, report: Report): BodyWalk {
  if (!isUtf8(a) || !isUtf8(b)) throw new JsonError('not UTF-8', 0);
  return new Walk(a, b, plan, report);
}

interface Job {
  readonly i: number;
  readonly j: number;
  readonly shape: Shape | undefined;
  readonly path: string;
  readonly at: string;
  readonly depth: number;
}

interface Token {
  readonly left: Span | undefined;
  readonly right: Span | undefined;
  readonly at: string;
}

/**
 * What is not equal in place costs a text or an entry each, and cannot be left half-way: items of one list, members of one
 * object. With more of them a body is refused. Measured: so many take 4 to 12 ms, on a machine that is not too busy.
 */
const MOST = 3_000;
/** Members and items that are equal in place: they cost little, and yet something. */
const MOST_EQUAL = 20_000;
/** So many times the size of both bodies is looked at: lists within lists within lists would take it squared. */
const MOST_WORK = 12;

/** Bytes of two bodies that are compared in one go: a few milliseconds at most. */
const SMALL = 262_144;

/** How far a value may reach to be passed over before it is entered. */
const NEAR = 4_096;

class Walk implements BodyWalk {
  readonly #a: Buffer;
  readonly #b: Buffer;
  readonly #plan: BodyPlan;
  readonly #report: Report;
  readonly #run: Run;
  readonly #jobs: Job[];
  /** Where the walk stands in `a` and in `b`. */
  #i = 0;
  #j = 0;
  #begun = false;
  #page: Aligned | undefined;
  #token: Token | undefined;
  #lastItem: string | undefined;
  #lastItemDiffers = false;
  /** Differences so far that no rule covers. */
  #count = 0;
  readonly #small: boolean;
  /** Bytes of items that were looked at, however often. */
  #work = 0;
  keyOrder = false;

  constructor(a: Buffer, b: Buffer, plan: BodyPlan, report: Report) {
    this.#a = a;
    this.#b = b;
    this.#plan = plan;
    this.#report = report;
    this.#run = createRun(a, b);
    this.#small = a.length + b.length <= SMALL;
    this.#jobs = [{ i: skipSpace(a, 0), j: skipSpace(b, 0), shape: plan.shape, path: '', at: '', depth: 0 }];
  }

  step(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    for (let job = this.#jobs.pop(); job !== undefined; job = this.#jobs.pop()) {
      this.#i = job.i;
      this.#j = job.j;
      this.#pair(job.shape, job.path, job.at, job.depth);
      if (!this.#begun) {
        this.#begun = true;
        refuseTrailing(this.#a, this.#i);
        refuseTrailing(this.#b, this.#j);
      }
      if (this.#jobs.length > 0 && performance.now() > end) return true;
    }
    this.#endToken();
    return false;
  }

  #pair(shape: Shape | undefined, path: string, at: string, depth: number): void {
    if (depth > MAX_DEPTH) throw new JsonError(`nested deeper than ${MAX_DEPTH}`, this.#i);
    const first = this.#a[this.#i];
    if (first === this.#b[this.#j]) {
      if (first === OPEN_OBJECT || first === OPEN_LIST) {
        if (first === OPEN_OBJECT) this.#object(shape, path, at, depth);
        else this.#list(shape, path, at, depth);
        return;
      }
    }
    const left = { start: this.#i, end: skipValue(this.#a, this.#i), index: 0 };
    const right = { start: this.#j, end: skipValue(this.#b, this.#j), index: 0 };
    this.#i = left.end;
    this.#j = right.end;
    this.#leaf(left, right, path, at);
  }

  #leaf(left: Span, right: Span, path: string, at: string): void {
    const a = this.#a;
    const b = this.#b;
    const type = typeAt(a, left.start);
    if (type !== typeAt(b, right.start)) this.#found('type', path, at, left, right);
    else if (sameBytes(a, left, b, right)) return;
    else if (type === 'number')
      this.#found(sameNumber(a, left, b, right) ? 'notation' : 'value', path, at, left, right);
    else if (type === 'string' && stringAt(a, left.start, left.end) === stringAt(b, right.start, right.end)) return;
    else if (type === 'string' && path === this.#plan.token?.path) this.#token = { left, right, at };
    else this.#found('value', path, at, left, right);
  }

  #object(shape: Shape | undefined, path: string, at: string, depth: number): void {
    const a = this.#a;
    const b = this.#b;
    const seen: Span[] = [];
    let differs = false;
    let moreA = firstOf(a, this.#i, CLOSE_OBJECT);
    let moreB = firstOf(b, this.#j, CLOSE_OBJECT);
    while (moreA >= 0 && moreB >= 0) {
      const key = keyAt(a, moreA);
      if (!sameKey(a, key, b, moreB)) break;
      seen.push(key);
      if (seen.length > (differs ? MOST : MOST_EQUAL)) throw new TooLarge(`an object of more than ${MOST} members`);
      this.#i = afterKey(a, key.end);
      this.#j = afterKey(b, moreB + key.end - key.start);
      if (!this.#skipEqual()) {
        differs = true;
        const place = child(shape, path, stringAt(a, key.start, key.end));
        this.#pair(place.shape, place.path, `${at}/${place.name}`, depth + 1);
      }
      moreA = nextOf(a, this.#i, CLOSE_OBJECT);
      moreB = nextOf(b, this.#j, CLOSE_OBJECT);
    }
    if (moreA < 0 && moreB < 0) {
      this.#i = ~moreA;
      this.#j = ~moreB;
      if (differs && seen.length > 1) refuseDuplicates(a, seen, a, []);
      return;
    }
    const left = restOf(a, moreA);
    const right = restOf(b, moreB);
    if (Math.max(left.members.length, right.members.length) > MOST)
      throw new TooLarge(`more than ${MOST} members of an object differ`);
    this.#i = left.end;
    this.#j = right.end;
    refuseDuplicates(a, seen, a, left.members);
    refuseDuplicates(a, seen, b, right.members);
    this.#strays(left.members, right.members, shape, path, at, depth);
  }

  /** Passes over a value that is the same on both sides, where that is seen without looking far. */
  #skipEqual(): boolean {
    const i = this.#i;
    const limit = Math.min(i + NEAR, this.#run.limit(i, this.#j));
    const end = skipFast(this.#a, i, limit);
    // One byte more: 1 and 12 begin alike.
    if (end >= limit || !this.#run.same(i, this.#j, end + 1)) return false;
    this.#i = end;
    this.#j += end - i;
    return true;
  }

  /** Members from the first key on that does not stand at the same place. */
  #strays(
    left: readonly Member[],
    right: readonly Member[],
    shape: Shape | undefined,
    path: string,
    at: string,
    depth: number,
  ): void {
    const { pairs, onlyLeft, onlyRight, reordered } = matchMembers(this.#a, left, this.#b, right);
    if (reordered) this.keyOrder = true;
    for (const [one, other] of pairs) {
      if (sameBytes(this.#a, one.value, this.#b, other.value)) continue;
      const place = child(shape, path, stringAt(this.#a, one.key.start, one.key.end));
      const [i, j] = [one.value.start, other.value.start];
      const here = `${at}/${place.name}`;
      this.#jobs.push({ i, j, shape: place.shape, path: place.path, at: here, depth: depth + 1 });
    }
    for (const { key, value } of onlyLeft) {
      const place = child(shape, path, stringAt(this.#a, key.start, key.end));
      const here = `${at}/${place.name}`;
      if (place.path === this.#plan.token?.path) this.#token = { left: value, right: undefined, at: here };
      else this.#found('missing', place.path, here, value, undefined);
    }
    for (const { key, value } of onlyRight) {
      const place = child(shape, path, stringAt(this.#b, key.start, key.end));
      const here = `${at}/${place.name}`;
      if (place.path === this.#plan.token?.path) this.#token = { left: undefined, right: value, at: here };
      else this.#found('extra', place.path, here, undefined, value);
    }
  }

  #list(shape: Shape | undefined, path: string, at: string, depth: number): void {
    const a = this.#a;
    const b = this.#b;
    const from = { i: this.#i, j: this.#j };
    const left: Span[] = [];
    const right: Span[] = [];
    const page = path === this.#plan.list?.path ? this.#plan.list : undefined;
    const inner = itemsOf(shape);
    const below = `${path}/*`;
    // Large bodies are compared item by item, in jobs, so that there are places to stop at.
    const inPlace = this.#small ? page?.key : undefined;
    let last: { readonly index: number; readonly at: string; readonly differs: boolean } | undefined;
    let index = 0;
    let lastEqual = -1;
    let moreA = firstOf(a, this.#i, CLOSE_LIST);
    let moreB = firstOf(b, this.#j, CLOSE_LIST);
    while (moreA >= 0 && moreB >= 0) {
      const limit = Math.min(a.length, this.#run.limit(moreA, moreB));
      const fast = skipFast(a, moreA, limit);
      let endA = fast;
      let endB = moreB + fast - moreA;
      if (fast < limit && this.#run.same(moreA, moreB, fast + 1)) lastEqual = index;
      else {
        const key = inPlace ? commonKey(a, moreA, b, moreB, inPlace) : undefined;
        if (key !== undefined) {
          this.#i = moreA;
          this.#j = moreB;
          const here = `${at}/${key}`;
          const before = this.#count;
          this.#pair(inner, below, here, depth + 1);
          last = { index, at: here, differs: this.#count > before };
          endA = this.#i;
          endB = this.#j;
          lastEqual = index;
        } else {
          endA = skipValue(a, moreA);
          endB = skipValue(b, moreB);
          left.push({ start: moreA, end: endA, index });
          right.push({ start: moreB, end: endB, index });
        }
      }
      index += 1;
      this.#work += endA - moreA;
      if (index > MOST_EQUAL || this.#work > MOST_WORK * (a.length + b.length))
        throw new TooLarge('too much to look at');
      moreA = nextOf(a, endA, CLOSE_LIST);
      moreB = nextOf(b, endB, CLOSE_LIST);
    }
    const ours = itemsFrom(a, moreA, index, left);
    const theirs = itemsFrom(b, moreB, index, right);
    this.#i = ours.end;
    this.#j = theirs.end;
    if (last?.index === ours.count - 1) {
      this.#lastItem = last.at;
      this.#lastItemDiffers = last.differs;
    }
    if (left.length === 0 && right.length === 0) {
      if (page !== undefined) this.#page = NOTHING_MOVED;
      return;
    }
    const lists = { countA: ours.count, countB: theirs.count, lastEqual };
    if (Math.max(left.length, right.length) > MOST) throw new TooLarge(`more than ${MOST} items of a list differ`);
    const aligned =
      page?.key === undefined
        ? alignByValue(a, left, b, right, lists)
        : alignByKey(a, left, b, right, page.key, lists, page.limit);
    if (page !== undefined) this.#page = aligned;
    for (const { left: one, right: other, name } of aligned.pairs) {
      const here = `${at}/${name}`;
      if (page !== undefined && one.index === lists.countA - 1) this.#lastItem = here;
      if (sameBytes(a, one, b, other)) continue;
      this.#jobs.push({ i: one.start, j: other.start, shape: inner, path: below, at: here, depth: depth + 1 });
    }
    for (const { name, span } of aligned.missing) this.#found('missing', below, `${at}/${name}`, span, undefined);
    for (const { name, span } of aligned.extra) this.#found('extra', below, `${at}/${name}`, undefined, span);
    const wholeA = { start: from.i, end: ours.end, index: 0 };
    const wholeB = { start: from.j, end: theirs.end, index: 0 };
    if (aligned.order) this.#found('order', path, at, wholeA, wholeB);
    if (aligned.length) this.#found('length', path, at, wholeA, wholeB);
  }

  /** A token says where its page ended: where the pages differ it follows from them, and is no difference of its own. */
  #endToken(): void {
    if (this.#token === undefined || this.#plan.token === undefined) return;
    const { left, right, at } = this.#token;
    // Whether there is more to come does not hang on the order of the page's items, or on what is in them.
    const lost = left === undefined || right === undefined;
    const follows = lost ? this.#page?.sameItems === false : this.#page?.moved === true || this.#lastItemDiffers;
    if (follows) return;
    const { path, says } = this.#plan.token;
    if (left === undefined || right === undefined) {
      this.#found(left === undefined ? 'extra' : 'missing', path, at, left, right);
      return;
    }
    const ours = says(stringAt(this.#a, left.start, left.end));
    const theirs = says(stringAt(this.#b, right.start, right.end));
    if (ours !== undefined && theirs !== undefined && ours !== theirs) this.#found('value', path, at, left, right);
  }

  #found(kind: Kind, path: string, at: string, left: Span | undefined, right: Span | undefined): void {
    const stands = this.#report({
      kind,
      path,
      at,
      leftType: left === undefined ? 'absent' : typeAt(this.#a, left.start),
      rightType: right === undefined ? 'absent' : typeAt(this.#b, right.start),
      left: left === undefined ? undefined : this.#a.subarray(left.start, left.end),
      right: right === undefined ? undefined : this.#b.subarray(right.start, right.end),
    });
    if (!stands) return;
    this.#count += 1;
    const last = this.#lastItem;
    if (last !== undefined && (at === last || at.startsWith(`${last}/`))) this.#lastItemDiffers = true;
  }
}

function refuseTrailing(bytes: Buffer, at: number): void {
  const end = skipSpace(bytes, at);
  if (end < bytes.length) throw new JsonError('text behind the value', end);
}
