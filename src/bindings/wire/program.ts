import type { Codec } from '../../model/binding.ts';
import type { Item } from '../../model/call.ts';
import type { Piece } from './out.ts';
import type { WireInput } from './render-wire.ts';

/**
 * The plan of a body, made at boot from shape and bindings; it knows nothing of how a store sends its items. A renderer of
 * a wire form walks it. Where the store sent something else than the plan has a place for (another type, a null that may
 * not be), the plain renderer does that body, for it knows what a violation looks like.
 *
 * Covered: properties in the contract's order, attribute paths of any depth, objects put together from several attributes,
 * components with sources of their own, recursive ones, lists in lists, maps, free objects, unions, codecs, constants,
 * `absent`, `absentAs`, what a page says of itself. A function, `as: 'json'` or what has no plan is carried out on the
 * decoded item where it stands in a field of the item (`made`). No plan: `variant`, a source of the whole body, functions
 * inside lists of an item or below a bare array, sources for single list elements or for whole components.
 */
export type Program = OneProgram | ListProgram | PageProgram;

/** The body is what is written of the first item. */
export interface OneProgram {
  readonly kind: 'one';
  readonly item: Element;
}

/** The body is an array, one element for each item. */
export interface ListProgram {
  readonly kind: 'list';
  readonly item: Element;
}

/** The body is an object that has the list somewhere in it. */
export interface PageProgram {
  readonly kind: 'page';
  readonly fields: readonly PageField[];
}

export type PageField =
  | { readonly kind: 'items'; readonly key: Buffer; readonly item: Element }
  /** JSON text, or nothing to write: then `missing`, if there is one. Throws where the plain renderer is to do it. */
  | {
      readonly kind: 'made';
      readonly key: Buffer;
      readonly make: (input: WireInput) => string | undefined;
      readonly missing: Buffer | undefined;
    }
  | { readonly kind: 'text'; readonly key: Buffer; readonly text: Buffer }
  /** Left out where nothing in it is written. */
  | { readonly kind: 'object'; readonly key: Buffer; readonly fields: readonly PageField[] };

/** One value of the store and what is wanted of its inside. Every element numbers its slots anew, from 0. */
export interface Element {
  /** Which attributes go to which slot. */
  readonly wants: Wants;
  readonly slots: number;
  /** Where the value stands that `node` writes; nothing there writes `null`. */
  readonly slot: number;
  readonly node: Node;
}

/** The slot that a value goes to, and its attributes' (of a list: its elements', by index). */
export interface Wants {
  /** -1 where only something inside is wanted. */
  slot: number;
  readonly children: Map<string, Wants>;
}

export type Node = ObjectNode | InnerNode | ListNode | ScalarNode | NaturalNode | UnionNode;

/** A map of the store, its fields from the slots of the element it stands in. `null` is written where it may be. */
export interface ObjectNode {
  readonly kind: 'object';
  readonly nullable: boolean;
  readonly fields: readonly Field[];
  /** Further attributes behind the fields, by the code units of their names; only for a map that is the element itself. */
  readonly rest: { readonly declared: ReadonlySet<string>; readonly values: Element } | undefined;
}

export interface Field {
  readonly name: string;
  /** `"name":` */
  readonly key: Buffer;
  readonly piece: Piece;
  /** -1 where no store holds it. */
  readonly slot: number;
  readonly content: Content;
  /** Written where the slot is empty. */
  readonly missing: Buffer | undefined;
  /** Where the slot is empty and there is no `missing`: an object of other attributes, left out where it stays empty. */
  readonly assembled: ObjectNode | 'plain' | undefined;
}

/** `made` is of fields of the item itself: JSON text, or nothing. It throws where the plain renderer is to do it. */
export type Content =
  | Node
  | { readonly kind: 'made'; readonly make: (item: Item, input: WireInput) => string | undefined };

/** A value that is an element of its own. */
export interface InnerNode {
  readonly kind: 'inner';
  readonly element: Element;
}

export interface ListNode {
  readonly kind: 'list';
  readonly nullable: boolean;
  readonly each: Element;
}

export interface ScalarNode {
  readonly kind: 'scalar';
  /** The contract's type; another kind of text than this breaks the contract. `any` where a codec stands for no scalar. */
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'any';
  readonly format: string | undefined;
  readonly codec: Codec | undefined;
  readonly nullable: boolean;
}

/** Any value by its own nature. */
export interface NaturalNode {
  readonly kind: 'natural';
}

/** By what the value is; `null` is always written. `undefined` where the plain renderer is to do it. */
export interface UnionNode {
  readonly kind: 'union';
  readonly scalar: ScalarNode | NaturalNode;
  readonly list: Node | undefined;
  /** Text of the attribute → how the map is written; one that is not here, or absent: `object`. */
  readonly discriminator: { readonly property: string; readonly branches: ReadonlyMap<string, Node> } | undefined;
  readonly object: Node | undefined;
}
