import { ARRAY, BINARY, DOCUMENT, NULL } from '../../model/bson.ts';
import type { WireItem } from '../../model/wire.ts';
import {
  CLOSE_LIST,
  COLON,
  COMMA,
  close,
  eachOf,
  entriesOf,
  led,
  natural,
  OPEN_LIST,
  tagOf,
  type WriteElement,
  written,
} from './bson-document.ts';
import { compileScalar, writeNull } from './bson-scalar.ts';
import { BAIL, fill, levelOf, type Slots, WIDTH } from './bson-walk.ts';
import type { JsonOut } from './json-out.ts';
import type { Element, Field, Node, ObjectNode, PageField, Program, ScalarNode, Wants } from './program.ts';
import type { RenderWire, WireInput } from './render-wire.ts';
import { type BsonRoom, Room } from './room.ts';

/** Writes a value within an element whose slots begin at `base`. Throws BAIL. */
type WriteNode = (bytes: Buffer, type: number, start: number, end: number, base: number) => void;
/** Writes the fields of an object, each behind a comma. */
type WriteFields = (bytes: Buffer, base: number) => void;
type WriteField = WriteFields;

/** A renderer of BSON documents. Those that share a room are used by one thread. */
export function compileBson(program: Program, room: BsonRoom = new Room().mongodb): RenderWire {
  const render = new Compiler(room).program(program);
  return (input) => {
    try {
      return render(input);
    } catch {
      // Whatever it was, the plain renderer comes upon it too where it is in the data, and says what it is.
      return undefined;
    }
  };
}

/** What is being rendered, for functions of the bindings that are asked of an item. */
interface Now {
  input: WireInput | undefined;
  item: WireItem | undefined;
}

class Compiler {
  readonly #out: JsonOut;
  readonly #slots: Slots;
  readonly #now: Now = { input: undefined, item: undefined };
  readonly #known = new Map<Element, WriteElement>();
  /** Slots of the element that is being compiled, whose names are looked at while slots are filled. */
  #walked: ReadonlySet<number> = new Set();

  constructor({ out, slots }: BsonRoom) {
    this.#out = out;
    this.#slots = slots;
  }

  program(program: Program): RenderWire {
    const out = this.#out;
    const begin = (input: WireInput): void => {
      out.clear();
      this.#slots.table.fill(0, 0, this.#slots.top);
      this.#slots.top = 0;
      this.#now.input = input;
    };
    if (program.kind === 'page') {
      const fields = this.#pageFields(program.fields);
      return (input) => {
        begin(input);
        written(out, () => fields(input));
        return out.take();
      };
    }
    const item = this.#item(program.item);
    if (program.kind === 'list') {
      return (input) => {
        begin(input);
        this.#items(item, input);
        return out.take();
      };
    }
    return (input) => {
      const [only] = input.items;
      if (only === undefined) throw BAIL;
      begin(input);
      item(only);
      return out.take();
    };
  }

  #item(element: Element): (item: WireItem) => void {
    const write = this.#element(element);
    return (item) => {
      this.#now.item = item;
      this.#slots.view = this.#out.viewFrom(item.bytes);
      write(item.bytes, DOCUMENT, item.start, item.end);
    };
  }

  #items(write: (item: WireItem) => void, { items }: WireInput): void {
    const out = this.#out;
    out.byte(OPEN_LIST);
    for (let i = 0; i < items.length; i += 1) {
      if (i > 0) out.byte(COMMA);
      write(items[i] as WireItem);
    }
    out.byte(CLOSE_LIST);
  }

  #pageFields(fields: readonly PageField[]): (input: WireInput) => void {
    const writers = fields.map((field) => this.#pageField(field));
    return (input) => {
      for (const write of writers) write(input);
    };
  }

  #pageField(field: PageField): (input: WireInput) => void {
    const out = this.#out;
    const key = led(field.key);
    switch (field.kind) {
      case 'items': {
        const item = this.#item(field.item);
        return (input) => {
          out.piece(key);
          this.#items(item, input);
        };
      }
      case 'made': {
        const { make } = field;
        const missing = field.missing && led(field.key, field.missing);
        return (input) => {
          const text = make(input);
          if (text !== undefined) {
            out.piece(key);
            out.text(text);
          } else if (missing !== undefined) out.piece(missing);
        };
      }
      case 'text': {
        const text = led(field.key, field.text);
        return () => out.piece(text);
      }
      case 'object': {
        const inner = this.#pageFields(field.fields);
        return (input) => {
          const before = out.length;
          out.piece(key);
          if (!written(out, () => inner(input))) out.length = before;
        };
      }
    }
  }

  /** Compiled when first met: a recursive shape is a cyclic plan. */
  #element(element: Element): WriteElement {
    const known = this.#known.get(element);
    if (known !== undefined) return known;
    // Nothing in it can lead back to it, and no slots are needed to find it.
    if (isScalar(element)) return compileScalar(element.node, this.#out);
    let made: WriteElement | undefined;
    const lazy: WriteElement = (bytes, type, start, end) => {
      made ??= this.#compiled(element);
      made(bytes, type, start, end);
    };
    this.#known.set(element, lazy);
    return lazy;
  }

  #compiled({ wants, slots: count, slot, node }: Element): WriteElement {
    const out = this.#out;
    const slots = this.#slots;
    const level = levelOf(wants);
    this.#walked = walkedIn(wants);
    const write = this.#node(node, this.#walked.has(slot));
    if (isWhole(wants)) return (bytes, type, start, end) => write(bytes, type, start, end, -1);
    const width = count * WIDTH;
    return (bytes, type, start, end) => {
      const base = slots.top;
      if (base + width > slots.table.length) slots.table = grown(slots.table, base + width);
      slots.top = base + width;
      fill(level, slots, base, bytes, type, start, end);
      const at = base + slot * WIDTH;
      const found = slots.table[at] as number;
      if (found === 0) writeNull(out);
      else write(bytes, found, slots.table[at + 1] as number, slots.table[at + 2] as number, base);
      // The types are all that tells whether a slot is taken.
      for (let i = base; i < base + width; i += WIDTH) slots.table[i] = 0;
      slots.top = base;
    };
  }

  /** `walked`: the names of a document here have been looked at. */
  #node(node: Node, walked: boolean): WriteNode {
    const out = this.#out;
    switch (node.kind) {
      case 'scalar':
        return compileScalar(node, out);
      case 'natural':
        return (bytes, type, start, end) => natural(out, bytes, type, start, end);
      case 'inner':
        return this.#element(node.element);
      case 'list':
        return this.#list(node);
      case 'object':
        return this.#object(node, walked);
      case 'union':
        return this.#union(node);
    }
  }

  #list({ nullable, each }: Extract<Node, { kind: 'list' }>): WriteNode {
    const out = this.#out;
    const write = this.#element(each);
    return (bytes, type, start, end) => {
      if (type === NULL && nullable) {
        writeNull(out);
        return;
      }
      if (type !== ARRAY) throw BAIL;
      eachOf(out, bytes, start, end, write);
    };
  }

  #object(node: ObjectNode, walked: boolean): WriteNode {
    const out = this.#out;
    const fields = this.#fields(node.fields);
    const rest = node.rest === undefined ? undefined : this.#rest(node.rest);
    return (bytes, type, start, end, base) => {
      if (type !== DOCUMENT) {
        if (type !== NULL || !node.nullable) throw BAIL;
        writeNull(out);
        return;
      }
      if (!walked) entriesOf(bytes, start, end);
      const open = out.length;
      fields(bytes, base);
      rest?.(bytes, start, end);
      close(out, open);
    };
  }

  #fields(fields: readonly Field[]): WriteFields {
    const writers = fields.map((field) => this.#field(field));
    return (bytes, base) => {
      for (let i = 0; i < writers.length; i += 1) (writers[i] as WriteField)(bytes, base);
    };
  }

  #field({ key: name, slot, content, missing, assembled }: Field): WriteField {
    const out = this.#out;
    const key = led(name);
    const absent = this.#absent(name, missing, assembled);
    if (content.kind === 'made') {
      const { make } = content;
      const now = this.#now;
      return (bytes, base) => {
        const input = now.input as WireInput;
        const text = make(input.decode(now.item as WireItem), input);
        if (text === undefined) absent(bytes, base);
        else {
          out.piece(key);
          out.text(text);
        }
      };
    }
    if (slot === -1) return absent;
    const held = this.#slots;
    const write = this.#node(content, this.#walked.has(slot));
    const at = slot * WIDTH;
    return (bytes, base) => {
      const slots = held.table;
      const type = slots[base + at] as number;
      if (type === 0) {
        absent(bytes, base);
        return;
      }
      out.piece(key);
      write(bytes, type, slots[base + at + 1] as number, slots[base + at + 2] as number, base);
    };
  }

  #absent(name: Buffer, missing: Buffer | undefined, assembled: Field['assembled']): WriteField {
    const out = this.#out;
    if (missing !== undefined) {
      const text = led(name, missing);
      return () => out.piece(text);
    }
    if (assembled === undefined) return () => {};
    if (assembled === 'plain')
      return () => {
        throw BAIL;
      };
    const key = led(name);
    const fields = this.#fields(assembled.fields);
    return (bytes, base) => {
      const before = out.length;
      out.piece(key);
      const open = out.length;
      fields(bytes, base);
      if (out.length === open) out.length = before;
      else close(out, open);
    };
  }

  /** Attributes that the contract does not declare, in the order of their names. */
  #rest({ declared, values }: NonNullable<ObjectNode['rest']>): (bytes: Buffer, start: number, end: number) => void {
    const out = this.#out;
    const write = this.#element(values);
    return (bytes, start, end) => {
      for (const { name, type, at, end: behind } of entriesOf(bytes, start, end)) {
        if (declared.has(name)) continue;
        out.byte(COMMA);
        out.text(JSON.stringify(name));
        out.byte(COLON);
        write(bytes, type, at, behind);
      }
    };
  }

  #union({ scalar, list, discriminator, object }: Extract<Node, { kind: 'union' }>): WriteNode {
    const out = this.#out;
    const writeScalar = this.#node(scalar, false);
    const writeList = list === undefined ? undefined : this.#node(list, false);
    const writeObject = object === undefined ? undefined : this.#node(object, false);
    const branches = new Map(
      [...(discriminator?.branches ?? [])].map(([tag, branch]) => [tag, this.#node(branch, false)]),
    );
    return (bytes, type, start, end, base) => {
      if (type === NULL) writeNull(out);
      else if (type === ARRAY) (writeList ?? bail)(bytes, type, start, end, base);
      // Bytes are no scalar of a union: the plain renderer looks for an object in them.
      else if (type === BINARY) throw BAIL;
      else if (type !== DOCUMENT) writeScalar(bytes, type, start, end, base);
      else {
        const tag = discriminator === undefined ? undefined : tagOf(bytes, start, end, discriminator.property);
        const branch = tag === undefined ? undefined : branches.get(tag);
        (branch ?? writeObject ?? bail)(bytes, type, start, end, base);
      }
    };
  }
}

/** Nothing is wanted but the value itself: no slots are needed to find it. */
const isWhole = ({ children }: Wants): boolean => children.size === 0;

const isScalar = (element: Element): element is Element & { readonly node: ScalarNode } =>
  element.node.kind === 'scalar' && isWhole(element.wants);

function walkedIn({ slot, children }: Wants): ReadonlySet<number> {
  const inner = [...children.values()].flatMap((wants) => [...walkedIn(wants)]);
  return new Set(children.size > 0 ? [slot, ...inner] : inner);
}

function bail(): never {
  throw BAIL;
}

function grown(table: Int32Array, least: number): Int32Array {
  const next = new Int32Array(Math.max(table.length * 2, least));
  next.set(table);
  return next;
}
