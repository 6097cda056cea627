import { B, BACKSLASH, BOOL, endOfString, isTrue, N, NULL, plainly, S } from '../../model/attributes.ts';
import { writeNumber } from './numbers.ts';
import type { Out } from './out.ts';
import type { Element, ListNode, Node, ScalarNode, UnionNode } from './program.ts';

export const NULL_TEXT = Buffer.from('null');
const TRUE_TEXT = Buffer.from('true');
const FALSE_TEXT = Buffer.from('false');

/** A scalar of this type by its own nature, up to `end`, if that is not 0; gives whether it is no fraction. */
export function writePlain(out: Out, bytes: Buffer, at: number, type: number, end: number): boolean {
  switch (type) {
    case S:
      if (end === 0) writeString(out, bytes, at + 5);
      else out.copy(bytes, at + 5, end - 1);
      return true;
    case N:
      return writeNumber(out, bytes, at + 6, end === 0 ? endOfString(bytes, at + 5) - 1 : end - 2);
    case BOOL:
      out.whole(isTrue(bytes, at) ? TRUE_TEXT : FALSE_TEXT);
      return true;
    case NULL:
      out.whole(NULL_TEXT);
      return true;
    default:
      writeBinary(out, bytes, at + 5);
      return true;
  }
}

/** Whether a text of this type of the store is what the contract wants; else it is a violation. */
export function isOf(wanted: ScalarNode['type'], type: number): boolean {
  switch (wanted) {
    case 'string':
      return type === S || type === B;
    case 'number':
    case 'integer':
      return type === N;
    case 'boolean':
      return type === BOOL;
    default:
      return true;
  }
}

export function branchOfType(node: UnionNode, type: number): Node {
  switch (type) {
    case NULL:
      return NATURAL;
    case S:
    case N:
    case BOOL:
      return node.scalar;
    case B:
      return plainly();
    default:
      return node.list ?? plainly();
  }
}

/** The string at `at`, its quotes with it: JSON already, but escapes may be others than ours. */
function writeString(out: Out, bytes: Buffer, at: number): void {
  for (let i = at + 1; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (byte === 0x22) {
      out.copy(bytes, at, i + 1);
      return;
    }
    if (byte === BACKSLASH) {
      out.text(JSON.stringify(JSON.parse(bytes.toString('utf8', at, endOfString(bytes, at)))));
      return;
    }
  }
  plainly();
}

function writeBinary(out: Out, bytes: Buffer, at: number): void {
  const end = endOfString(bytes, at);
  const text = bytes.toString('latin1', at + 1, end - 1);
  if (Buffer.from(text, 'base64').toString('base64') !== text) plainly();
  out.copy(bytes, at, end);
}

export const NATURAL: Node = Object.freeze({ kind: 'natural' });
const NATURAL_ELEMENT: Element = Object.freeze({
  wants: Object.freeze({ slot: 0, children: new Map() }),
  slots: 1,
  slot: 0,
  node: NATURAL,
});
export const NATURAL_LIST: ListNode = Object.freeze({ kind: 'list', nullable: false, each: NATURAL_ELEMENT });
export const NATURAL_REST = Object.freeze({ declared: new Set<string>(), values: NATURAL_ELEMENT });
