/** Two answers held together, as rows to be shown. Pure. @import { Tree, Child } from './json-tree.js' */

/**
 * A place in either answer, or in both. `mark` is the index of its difference; `marked` how many are at it and below.
 * @typedef {{
 *   key: string, id: string, left: Tree | undefined, right: Tree | undefined,
 *   leftKey: string | undefined, rightKey: string | undefined,
 *   mark: number | undefined, marked: number, children: readonly Place[]
 * }} Place
 * @typedef {{ leftPointer?: string, rightPointer?: string }} Pointers
 * @typedef {{ left: Map<string, number>, right: Map<string, number>, pairs: Map<string, string>, rights: Set<string>, alone: Set<string> }} Marks
 */

/**
 * @param {Tree | undefined} left @param {Tree | undefined} right @param {readonly Pointers[]} differences
 * @returns {Place}
 */
export function alignTrees(left, right, differences) {
  return place({ key: '', id: '', left, right, leftKey: undefined, rightKey: undefined }, '', '', marksOf(differences));
}

/** @param {readonly Pointers[]} differences @returns {Marks} */
function marksOf(differences) {
  /** @type {Marks} */
  const marks = { left: new Map(), right: new Map(), pairs: new Map(), rights: new Set(), alone: new Set() };
  differences.forEach(({ leftPointer, rightPointer }, index) => {
    if (leftPointer !== undefined) marks.left.set(leftPointer, marks.left.get(leftPointer) ?? index);
    if (rightPointer !== undefined) marks.right.set(rightPointer, marks.right.get(rightPointer) ?? index);
    if (leftPointer !== undefined && rightPointer !== undefined) pairUp(marks, leftPointer, rightPointer);
    else marks.alone.add(leftPointer === undefined ? `right${rightPointer}` : `left${leftPointer}`);
  });
  return marks;
}

/** Whoever compared has aligned the lists already: its pointers say which items belong together. */
function pairUp(/** @type {Marks} */ marks, /** @type {string} */ leftPointer, /** @type {string} */ rightPointer) {
  const left = leftPointer.split('/');
  const right = rightPointer.split('/');
  if (left.length !== right.length) return;
  for (let depth = 2; depth <= left.length; depth++) {
    const to = right.slice(0, depth).join('/');
    marks.pairs.set(left.slice(0, depth).join('/'), to);
    marks.rights.add(to);
  }
}

/**
 * @param {Pick<Place, 'key' | 'id' | 'left' | 'right' | 'leftKey' | 'rightKey'>} at
 * @param {string} leftPointer @param {string} rightPointer @param {Marks} marks @returns {Place}
 */
function place(at, leftPointer, rightPointer, marks) {
  const { left, right } = at;
  const couples = couplesOf(left, right, leftPointer, rightPointer, marks);
  const children = couples.map(([one, other]) => {
    const key = (one ?? other)?.key ?? '';
    const id = `${at.id}/${escaped(one?.key ?? '')}~${escaped(other?.key ?? '')}`;
    const inner = { key, id, left: one?.node, right: other?.node, leftKey: one?.key, rightKey: other?.key };
    return place(inner, `${leftPointer}/${escaped(one?.key)}`, `${rightPointer}/${escaped(other?.key)}`, marks);
  });
  const mark =
    (left === undefined ? undefined : marks.left.get(leftPointer)) ??
    (right === undefined ? undefined : marks.right.get(rightPointer));
  const below = children.reduce((sum, child) => sum + child.marked, 0);
  return { ...at, mark, marked: below + (mark === undefined ? 0 : 1), children };
}

/** @typedef {readonly [Child | undefined, Child | undefined]} Couple */

/**
 * @param {Tree | undefined} left @param {Tree | undefined} right
 * @param {string} leftPointer @param {string} rightPointer @param {Marks} marks @returns {readonly Couple[]}
 */
function couplesOf(left, right, leftPointer, rightPointer, marks) {
  if (left === undefined || right === undefined || left.type !== right.type) {
    const lefts = (left?.children ?? []).map((child) => /** @type {Couple} */ ([child, undefined]));
    return [...lefts, ...(right?.children ?? []).map((child) => /** @type {Couple} */ ([undefined, child]))];
  }
  if (left.type === 'object') return coupleKeys(left.children, right.children);
  return coupleItems(left.children, right.children, leftPointer, rightPointer, marks);
}

/** By key, in the left's order; what only the right has stands after the key it follows there. */
function coupleKeys(/** @type {readonly Child[]} */ lefts, /** @type {readonly Child[]} */ rights) {
  const byKey = new Map(rights.map((child) => [child.key, child]));
  const known = new Set(lefts.map(({ key }) => key));
  /** @type {Map<string, Child[]>} */
  const following = new Map();
  let last = '';
  for (const child of rights) {
    if (known.has(child.key)) last = child.key;
    else following.set(last, [...(following.get(last) ?? []), child]);
  }
  const additions = (/** @type {string} */ key) =>
    (following.get(key) ?? []).map((child) => /** @type {Couple} */ ([undefined, child]));
  const first = known.has('') ? [] : additions('');
  return [
    ...first,
    ...lefts.flatMap((child) => [/** @type {Couple} */ ([child, byKey.get(child.key)]), ...additions(child.key)]),
  ];
}

/**
 * By what the pointers pair, then by equal content, then by equal identity, then by position where as many are left on
 * both sides; always in both orders, so that an item which moved is shown on either side.
 * @param {readonly Child[]} lefts @param {readonly Child[]} rights
 * @param {string} leftPointer @param {string} rightPointer @param {Marks} marks
 */
function coupleItems(lefts, rights, leftPointer, rightPointer, marks) {
  const partner = lefts.map((_child, index) => {
    const pointer = marks.pairs.get(`${leftPointer}/${index}`);
    return pointer?.startsWith(`${rightPointer}/`) ? Number(pointer.slice(rightPointer.length + 1)) : undefined;
  });
  const anchors = increasing(
    partner.flatMap((to, from) => (to === undefined || to >= rights.length ? [] : [{ from, to }])),
  );
  /** @type {Couple[]} */
  const couples = [];
  let from = 0;
  let to = 0;
  for (const anchor of [...anchors, { from: lefts.length, to: rights.length }]) {
    couples.push(
      ...coupleGap(lefts.slice(from, anchor.from), rights.slice(to, anchor.to), leftPointer, rightPointer, marks),
    );
    if (anchor.from < lefts.length) couples.push([lefts[anchor.from], rights[anchor.to]]);
    from = anchor.from + 1;
    to = anchor.to + 1;
  }
  return couples;
}

/**
 * @param {readonly Child[]} lefts @param {readonly Child[]} rights
 * @param {string} leftPointer @param {string} rightPointer @param {Marks} marks
 */
function coupleGap(lefts, rights, leftPointer, rightPointer, marks) {
  /** @type {Couple[]} */
  const couples = [];
  const alone = (/** @type {Child | undefined} */ child, /** @type {string} */ side) =>
    child !== undefined && marks.alone.has(`${side}${side === 'left' ? leftPointer : rightPointer}/${child.key}`);
  const places = new Map(rights.map((child, index) => [identity(child.node), index]));
  const hashes = new Map(rights.map((child, index) => [child.node.hash, index]));
  let to = 0;
  lefts.forEach((child, index) => {
    const found = hashes.get(child.node.hash) ?? places.get(identity(child.node));
    const byPosition =
      lefts.length - index === rights.length - to && !alone(child, 'left') && !alone(rights[to], 'right');
    const target = found !== undefined && found >= to ? found : byPosition && found === undefined ? to : undefined;
    if (target === undefined || alone(child, 'left')) {
      couples.push([child, undefined]);
      return;
    }
    for (; to < target; to++) couples.push([undefined, rights[to]]);
    couples.push([child, rights[to]]);
    to++;
  });
  for (; to < rights.length; to++) couples.push([undefined, rights[to]]);
  return couples;
}

/** What an item calls itself, or nothing that another could have. @param {Tree} node */
function identity(node) {
  const own = node.children.find(({ key }) => node.type === 'object' && /^_?(id|key|uuid|name)$/i.test(key));
  return own?.node.type === 'leaf' ? `${own.key}:${own.node.text}` : node;
}

/** The longest run of anchors that stands in both orders. @param {{ from: number, to: number }[]} anchors */
function increasing(anchors) {
  /** @type {number[]} */
  const tails = [];
  /** @type {number[]} */
  const before = [];
  anchors.forEach(({ to }, index) => {
    let length = tails.findIndex((tail) => /** @type {any} */ (anchors[tail]).to >= to);
    if (length === -1) length = tails.length;
    before[index] = length === 0 ? -1 : /** @type {number} */ (tails[length - 1]);
    tails[length] = index;
  });
  /** @type {{ from: number, to: number }[]} */
  const run = [];
  for (let at = tails.at(-1) ?? -1; at !== -1; at = /** @type {number} */ (before[at])) run.unshift(anchors[at]);
  return run;
}

const escaped = (/** @type {string | undefined} */ key) =>
  (key ?? '\u0000').replaceAll('~', '~0').replaceAll('/', '~1');

/** @typedef {{ place: Place, depth: number, inside: number | undefined, opened: boolean | undefined }} Row */

/**
 * The rows of what is open. `inside` is the difference of a container around it: what only one side has is marked whole.
 * @param {Place} root @param {(place: Place) => boolean} isOpen @returns {Row[]}
 */
export function rowsOf(root, isOpen) {
  /** @type {Row[]} */
  const rows = [];
  const walk = (/** @type {Place} */ place, /** @type {number} */ depth, /** @type {number | undefined} */ inside) => {
    const opened = place.children.length === 0 ? undefined : isOpen(place);
    rows.push({ place, depth, inside, opened });
    if (!opened) return;
    for (const child of place.children) walk(child, depth + 1, place.mark ?? inside);
  };
  walk(root, 0, undefined);
  return rows;
}

/** Small answers stand open; of large ones, what differs. @param {Place} root */
export function openAtFirst(root) {
  const small = sizeOf(root, 400) < 400;
  return (/** @type {Place} */ place) => place === root || place.marked > 0 || (small && place.mark === undefined);
}

/** @param {Place} place @param {number} most */
function sizeOf(place, most) {
  let size = 1;
  for (const child of place.children) {
    if (size >= most) break;
    size += sizeOf(child, most - size);
  }
  return size;
}
