import {
  B,
  BOOL,
  CLOSE,
  CLOSE_LIST,
  COMMA,
  endOfString,
  endOfValue,
  innerOf,
  L,
  M,
  N,
  NULL,
  OPEN,
  OPEN_LIST,
  PLAINLY,
  plainly,
  S,
  typeAt,
} from '../../model/attributes.ts';
import type { Item } from '../../model/call.ts';
import type { Marks, WireItem } from '../../model/wire.ts';
import { codedWriter } from './coded.ts';
import { find, findMarked, type Wanted, wantedOf } from './find.ts';
import { isMade, made } from './made.ts';
import type { Out } from './out.ts';
import type {
  Element,
  Field,
  ListNode,
  Node,
  ObjectNode,
  PageField,
  Program,
  ScalarNode,
  UnionNode,
} from './program.ts';
import type { RenderWire, WireInput } from './render-wire.ts';
import { type DynamoDbRoom, Room } from './room.ts';
import { branchOfType, isOf, NATURAL, NATURAL_LIST, NATURAL_REST, NULL_TEXT, writePlain } from './scalars.ts';
import { writeSet } from './sets.ts';

/** DynamoDB JSON → the body, by the plan. Renderers that share a room are used by one thread. */
export function compileDynamoDb(program: Program, room: DynamoDbRoom = new Room().dynamodb): RenderWire {
  const renderer = new Renderer(room);
  return (input) => {
    try {
      return renderer.body(program, input);
    } catch (error) {
      renderer.reset();
      if (error === PLAINLY || isMade(error)) return undefined;
      throw error;
    }
  };
}

class Renderer {
  readonly #out: Out;
  readonly #places: Int32Array;
  readonly #ends: Int32Array;
  #top = 0;
  #bytes: Buffer = NULL_TEXT;
  #input: WireInput | undefined;
  #item: WireItem | undefined;
  #decoded: Item | undefined;
  readonly #wanted = new Map<Element, Wanted>();
  readonly #tags = new Map<UnionNode, Element>();
  readonly #coded = new Map<ScalarNode, ReturnType<typeof codedWriter>>();

  constructor({ out, places, ends }: DynamoDbRoom) {
    [this.#out, this.#places, this.#ends] = [out, places, ends];
  }

  reset(): void {
    this.#out.clear();
    [this.#top, this.#bytes] = [0, NULL_TEXT];
    [this.#input, this.#item, this.#decoded] = [undefined, undefined, undefined];
  }

  body(program: Program, input: WireInput): Buffer {
    this.#input = input;
    if (program.kind === 'one') this.#writeItem(program.item, input.items[0] ?? plainly());
    else if (program.kind === 'list') this.#writeItems(program.item, input.items);
    else this.#writePage(program.fields, input);
    const body = this.#out.take();
    this.reset();
    return body;
  }

  /** Gives how many fields were written. */
  #writePage(fields: readonly PageField[], input: WireInput): number {
    const out = this.#out;
    let count = 0;
    out.byte(OPEN);
    for (const field of fields) {
      const start = out.length;
      if (count > 0) out.byte(COMMA);
      out.whole(field.key);
      if (this.#writePageField(field, input)) count += 1;
      else out.length = start;
    }
    out.byte(CLOSE);
    return count;
  }

  #writePageField(field: PageField, input: WireInput): boolean {
    switch (field.kind) {
      case 'items':
        this.#writeItems(field.item, input.items);
        return true;
      case 'text':
        this.#out.whole(field.text);
        return true;
      case 'object':
        return this.#writePage(field.fields, input) > 0;
      case 'made': {
        const text = made(() => field.make(input));
        if (text !== undefined) this.#out.text(text);
        else if (field.missing !== undefined) this.#out.whole(field.missing);
        return text !== undefined || field.missing !== undefined;
      }
    }
  }

  #writeItems(element: Element, items: readonly WireItem[]): void {
    const out = this.#out;
    out.byte(OPEN_LIST);
    for (let i = 0; i < items.length; i += 1) {
      if (i > 0) out.byte(COMMA);
      this.#writeItem(element, items[i] as WireItem);
    }
    out.byte(CLOSE_LIST);
  }

  #writeItem(element: Element, item: WireItem): void {
    this.#bytes = item.bytes;
    this.#item = item;
    this.#decoded = undefined;
    this.#writeMap(element, item.start, item.marks);
  }

  /** Writes of the map at `at`. */
  #writeMap(element: Element, at: number, marks?: Marks): void {
    const base = this.#top;
    const places = this.#places;
    const ends = this.#ends;
    const top = base + element.slots;
    this.#top = top;
    if (top > places.length) plainly();
    for (let i = base; i < top; i += 1) {
      places[i] = 0;
      ends[i] = 0;
    }
    const wanted = this.#wantedOf(element);
    if (marks === undefined) find(this.#bytes, at, wanted, places, base);
    else findMarked(this.#bytes, marks, wanted, places, ends, base);
    if (element.slot === 0) this.#writeMapNode(element.node, at, base);
    else {
      const place = places[base + element.slot] as number;
      if (place === 0) this.#out.whole(NULL_TEXT);
      else this.#writeNode(element.node, place, base, ends[base + element.slot] as number);
    }
    this.#top = base;
  }

  #wantedOf(element: Element): Wanted {
    const known = this.#wanted.get(element);
    if (known !== undefined) return known;
    const wanted = wantedOf(element.wants);
    this.#wanted.set(element, wanted);
    return wanted;
  }

  /** Of an attribute value that is an element. */
  #writeElement(element: Element, at: number): void {
    if (typeAt(this.#bytes, at) === M) this.#writeMap(element, at + 5);
    else if (element.slot !== 0) plainly();
    else this.#writeNode(element.node, at, this.#top, 0);
  }

  #writeMapNode(node: Node, at: number, base: number): void {
    switch (node.kind) {
      case 'object':
        this.#writeObject(node, at, base);
        return;
      case 'inner':
        this.#writeMap(node.element, at);
        return;
      case 'natural':
        this.#writeNaturalMap(at);
        return;
      case 'union':
        this.#writeMapNode(this.#branchOf(node, at), at, base);
        return;
      default:
        plainly();
    }
  }

  /** `end` is where a string without escapes ends, 0 for not known. */
  #writeNode(node: Node, at: number, base: number, end: number): void {
    const type = typeAt(this.#bytes, at);
    if (type === M) this.#writeMapNode(node, at + 5, base);
    else
      switch (node.kind) {
        case 'scalar':
          this.#writeScalar(node, at, type, end);
          return;
        case 'list':
          this.#writeList(node, at, type);
          return;
        case 'natural':
          this.#writeNatural(at, type);
          return;
        case 'union':
          this.#writeNode(branchOfType(node, type), at, base, end);
          return;
        default: {
          const inner = node.kind === 'inner' ? node.element.node : node;
          if (type !== NULL || inner.kind !== 'object' || !inner.nullable) plainly();
          this.#out.whole(NULL_TEXT);
        }
      }
  }

  /** Gives how many fields were written. */
  #writeObject(node: ObjectNode, at: number, base: number): number {
    const out = this.#out;
    const { fields, rest } = node;
    let count = 0;
    out.byte(OPEN);
    for (let i = 0; i < fields.length; i += 1) {
      const field = fields[i] as Field;
      const start = out.length;
      if (count > 0) out.byte(COMMA);
      out.piece(field.piece);
      if (this.#writeField(field, base)) count += 1;
      else out.length = start;
    }
    if (rest !== undefined) count += this.#writeRest(rest, at, count);
    out.byte(CLOSE);
    return count;
  }

  #writeField({ slot, content, missing, assembled }: Field, base: number): boolean {
    const at = slot === -1 ? 0 : (this.#places[base + slot] as number);
    if (content.kind === 'made') {
      const text = this.#made(content.make);
      if (text !== undefined) {
        this.#out.text(text);
        return true;
      }
    } else if (at !== 0) {
      this.#writeNode(content, at, base, this.#ends[base + slot] as number);
      return true;
    }
    if (missing !== undefined) {
      this.#out.whole(missing);
      return true;
    }
    if (assembled === undefined) return false;
    if (assembled === 'plain') plainly();
    return this.#writeObject(assembled, 0, base) > 0;
  }

  #made(make: (item: Item, input: WireInput) => string | undefined): string | undefined {
    const input = this.#input as WireInput;
    this.#decoded ??= input.decode(this.#item as WireItem);
    const item = this.#decoded;
    return made(() => make(item, input));
  }

  /** Further attributes, by the code units of their names. */
  #writeRest({ declared, values }: NonNullable<ObjectNode['rest']>, at: number, before: number): number {
    const entries = this.#entriesOf(at).filter(({ name }) => !declared.has(name));
    for (let i = 0; i < entries.length; i += 1) {
      const { name, place } = entries[i] as Entry;
      if (before + i > 0) this.#out.byte(COMMA);
      this.#out.text(`${JSON.stringify(name)}:`);
      this.#writeElement(values, place);
    }
    return entries.length;
  }

  #entriesOf(at: number): Entry[] {
    const bytes = this.#bytes;
    const entries: Entry[] = [];
    if (bytes[at + 1] === CLOSE) return entries;
    for (let i = at + 1; ; i += 1) {
      const end = endOfString(bytes, i);
      const name = bytes.toString('utf8', i + 1, end - 1);
      // What JavaScript makes of such a name is not what the store has.
      if (name === '__proto__' || name.includes('\\')) plainly();
      entries.push({ name, place: end + 1 });
      i = endOfValue(bytes, end + 1);
      if (bytes[i] !== COMMA) break;
    }
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (let i = 1; i < entries.length; i += 1) if (entries[i]?.name === entries[i - 1]?.name) plainly();
    return entries;
  }

  #branchOf(node: UnionNode, at: number): Node {
    const { discriminator, object } = node;
    if (discriminator !== undefined) {
      const tag = this.#tagOf(node, discriminator.property, at);
      const branch = tag === undefined ? undefined : discriminator.branches.get(tag);
      if (branch !== undefined) return branch;
    }
    return object ?? plainly();
  }

  #tagOf(node: UnionNode, property: string, at: number): string | undefined {
    let element = this.#tags.get(node);
    if (element === undefined) {
      const wants = { slot: -1, children: new Map([[property, { slot: 1, children: new Map() }]]) };
      element = { wants, slots: 2, slot: 1, node: { kind: 'natural' } };
      this.#tags.set(node, element);
    }
    const base = this.#top;
    if (base + 2 > this.#places.length) plainly();
    this.#places[base + 1] = 0;
    find(this.#bytes, at, this.#wantedOf(element), this.#places, base);
    const place = this.#places[base + 1] as number;
    if (place === 0) return undefined;
    if (typeAt(this.#bytes, place) !== S) plainly();
    const text = this.#bytes.toString('utf8', place + 6, endOfString(this.#bytes, place + 5) - 1);
    return text.includes('\\') ? plainly() : text;
  }

  #writeList({ each, nullable }: ListNode, at: number, type: number): void {
    const out = this.#out;
    if (type === L) {
      const bytes = this.#bytes;
      out.byte(OPEN_LIST);
      let i = at + 6;
      while (bytes[i] !== CLOSE_LIST) {
        this.#writeElement(each, i);
        i = endOfValue(bytes, i);
        if (bytes[i] !== COMMA) break;
        out.byte(COMMA);
        i += 1;
      }
      out.byte(CLOSE_LIST);
    } else if (type === NULL && nullable) out.whole(NULL_TEXT);
    else if (each.slot === 0) writeSet(out, this.#bytes, innerOf(at, type), type, each.node);
    else plainly();
  }

  #writeScalar(node: ScalarNode, at: number, type: number, end: number): void {
    if (type === NULL && (node.nullable || node.type === 'null')) this.#out.whole(NULL_TEXT);
    else if (node.codec !== undefined) {
      let write = this.#coded.get(node);
      if (write === undefined) {
        write = codedWriter(node);
        this.#coded.set(node, write);
      }
      write(this.#out, this.#bytes, at, type);
    } else if (type !== S && type !== N && type !== BOOL && type !== B) plainly();
    else if (isOf(node.type, type)) {
      const whole = writePlain(this.#out, this.#bytes, at, type, end);
      if (!whole && node.type === 'integer') plainly();
    } else plainly();
  }

  /** Of what is no map. */
  #writeNatural(at: number, type: number): void {
    switch (type) {
      case L:
        this.#writeList(NATURAL_LIST, at, type);
        return;
      case S:
      case N:
      case BOOL:
      case NULL:
      case B:
        writePlain(this.#out, this.#bytes, at, type, 0);
        return;
      default:
        writeSet(this.#out, this.#bytes, innerOf(at, type), type, NATURAL);
    }
  }

  #writeNaturalMap(at: number): void {
    this.#out.byte(OPEN);
    this.#writeRest(NATURAL_REST, at, 0);
    this.#out.byte(CLOSE);
  }
}

interface Entry {
  readonly name: string;
  readonly place: number;
}
