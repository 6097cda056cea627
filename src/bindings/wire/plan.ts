import type { Codec, Source } from '../../model/binding.ts';
import type { Item } from '../../model/call.ts';
import type { ObjectShape, Shape, UnionShape } from '../../model/shape.ts';
import { compileField, constantText, type Write } from '../render.ts';
import {
  absentText,
  codecOf,
  layered,
  NO_RULES,
  namesOf,
  placeOf,
  type RendererOptions,
  type Rules,
  rulesOf,
  type Scope,
  shapeRulesOf,
  sourceOf,
  type Taken,
  take,
} from '../sources.ts';
import { pieceOf } from './out.ts';
import type { Content, Element, Field, Node, ObjectNode, PageField, Program, ScalarNode, Wants } from './program.ts';
import type { WireInput } from './render-wire.ts';

/** There is no plan for this, or not at this place. */
class Unplanned extends Error {}

/** A value broke the contract in a text that was made plainly: the plain renderer does it all, and counts. */
class Violated extends Error {}

type PageFact = 'next' | 'more' | 'total' | 'pages';

/** Rules that reach into each other deeper than this are not planned; what no rule reaches may be of any depth. */
const MAX_DEPTH = 10;

const ANY: Shape = Object.freeze({ kind: 'any', name: undefined, nullable: true });

/** `undefined` where the bindings look at items, or ask for what has no plan: then the plain renderer does it all. */
export function programOf(options: RendererOptions): Program | undefined {
  if (options.shape === undefined || options.variant !== undefined) return undefined;
  try {
    return Object.freeze(new Planner(options).program(options.shape));
  } catch (error) {
    if (error instanceof Unplanned) return undefined;
    throw error;
  }
}

/** The element that is being planned. */
interface Frame {
  readonly wants: Wants;
  slots: number;
  /** Whether it is an item, of which functions may be asked. */
  readonly isItem: boolean;
}

/** A value that is being planned: from where in its frame, `undefined` where no store holds it. */
interface Place {
  readonly frame: Frame;
  readonly path: readonly string[] | undefined;
  readonly pointer: string;
  /** Shapes that are being put together around this place. */
  readonly chain: readonly Shape[];
  readonly depth: number;
}

class Planner {
  readonly #options: RendererOptions;
  readonly #shapeRules: ReadonlyMap<string, Rules>;
  readonly #plainField: (shape: Shape, source: Source | undefined, rules: Rules, at: string) => Write;
  /** Elements of shapes that no rule of the operation reaches: a recursive shape is a cyclic plan. */
  #known = new Map<Shape, Element>();

  constructor(options: RendererOptions) {
    this.#options = options;
    this.#shapeRules = shapeRulesOf(options.shapes);
    this.#plainField = compileField({
      ...options,
      onViolation: (pointer) => {
        throw new Violated(pointer);
      },
    });
  }

  program(shape: Shape): Program {
    const { items } = this.#options;
    const rules = rulesOf({ ...this.#options, page: {} });
    if (rules.own !== undefined) throw new Unplanned();
    if (items === undefined) {
      this.#factsIn(rules);
      return { kind: 'one', item: this.#element(shape, rules, '', true, 0) };
    }
    if (items === '') {
      if (shape.kind !== 'array') throw new Unplanned();
      // Not as items: a function would be given all of them as its parent.
      return { kind: 'list', item: this.#each(shape.items, this.#merged(shape, rules), '', false, 0) };
    }
    this.#factsIn(rules);
    return { kind: 'page', fields: this.#pageFields(shape, rules, '', []) };
  }

  /** What a page says of itself is a function of the page. */
  #factsIn(rules: Rules): void {
    for (const [name, pointer] of Object.entries(this.#options.page) as [PageFact, string][])
      placeOf(rules, pointer).own = (_element: unknown, { page }: { page: WireInput['page'] }) => page[name];
  }

  #entered = (shape: Shape): boolean => namesOf(shape).some((name) => this.#shapeRules.has(name));

  #merged = (shape: Shape, rules: Rules): Rules =>
    namesOf(shape).reduce((upper, name) => layered(upper, this.#shapeRules.get(name) ?? NO_RULES), rules);

  /** No store holds what stands around the list. */
  #pageFields(shape: Shape, given: Rules, pointer: string, chain: readonly Shape[]): PageField[] {
    if (shape.kind !== 'object') throw new Unplanned();
    const rules = this.#merged(shape, given);
    return shape.properties
      .filter(({ writeOnly }) => !writeOnly)
      .flatMap((property): PageField[] => {
        const inner = rules.children.get(property.name) ?? NO_RULES;
        const at = `${pointer}/${property.name}`;
        const key = Buffer.from(`${JSON.stringify(property.name)}:`);
        if (at === this.#options.items) {
          if (property.shape.kind !== 'array' || this.#entered(property.shape)) throw new Unplanned();
          if (codecOf(inner.own, this.#options.store) !== undefined) throw new Unplanned();
          return [{ kind: 'items', key, item: this.#each(property.shape.items, inner, at, true, 0) }];
        }
        const source = this.#sourceOf(property.shape, inner);
        const missing = this.#missing(property, source);
        const taken = source === undefined ? undefined : sourceOf(source, this.#options.store, at);
        if (taken?.fn !== undefined) {
          if (missing === undefined && inner.children.size > 0) throw new Unplanned();
          const write = this.#plainField(property.shape, source, inner, at);
          const make = (input: WireInput) => textOf(taken, write, undefined, input, chain);
          return [{ kind: 'made', key, make, missing }];
        }
        if (missing !== undefined) return [{ kind: 'text', key, text: missing }];
        if (inner.children.size === 0 || chain.includes(property.shape)) return [];
        if (codecOf(source, this.#options.store) !== undefined) throw new Unplanned();
        const fields = this.#pageFields(property.shape, inner, at, [...chain, property.shape]);
        return [{ kind: 'object', key, fields }];
      });
  }

  #element(shape: Shape, rules: Rules, pointer: string, isItem: boolean, depth: number): Element {
    if (rules.children.size === 0 && !isItem) return this.#bare(shape, pointer, depth);
    if (depth > MAX_DEPTH) throw new Unplanned();
    return this.#elementAt([], isItem, (place) => this.#node(shape, rules, place), pointer, depth);
  }

  #bare(shape: Shape, pointer: string, depth: number): Element {
    const known = this.#known.get(shape);
    if (known !== undefined) return known;
    const element = {} as Element;
    this.#known.set(shape, element);
    const node = (place: Place): Node => this.#node(shape, NO_RULES, place);
    return Object.assign(element, this.#elementAt([], false, node, pointer, depth));
  }

  #elementAt(
    path: readonly string[],
    isItem: boolean,
    plan: (place: Place) => Node,
    pointer: string,
    depth: number,
  ): Element {
    const frame: Frame = { wants: { slot: 0, children: new Map() }, slots: 1, isItem };
    const slot = slotOf(frame, path);
    const node = plan({ frame, path, pointer, chain: [], depth });
    return { wants: frame.wants, slots: frame.slots, slot, node };
  }

  /** What is written of each element of a list with these rules; `codec` where the list has one for all of them. */
  #each(shape: Shape, rules: Rules, pointer: string, isItem: boolean, depth: number, codec?: Codec): Element {
    for (const token of rules.children.keys()) if (token !== '*') throw new Unplanned();
    const star = rules.children.get('*') ?? NO_RULES;
    const taken = star.own === undefined ? undefined : sourceOf(star.own, this.#options.store, pointer);
    if (taken?.fn !== undefined) throw new Unplanned();
    const at = `${pointer}/*`;
    if (star.own === undefined && codec === undefined) return this.#element(shape, star, at, isItem, depth);
    if (depth > MAX_DEPTH) throw new Unplanned();
    const plan = (place: Place): Node =>
      codec === undefined ? this.#content(shape, star.own, star, place) : scalarOf(shape, codec);
    return this.#elementAt(taken?.path ?? [], isItem, plan, at, depth);
  }

  #node(shape: Shape, given: Rules, place: Place): Node {
    switch (shape.kind) {
      case 'object':
        return this.#map(shape, given, place);
      case 'array': {
        const each = this.#each(shape.items, this.#merged(shape, given), place.pointer, false, place.depth + 1);
        return { kind: 'list', nullable: shape.nullable, each };
      }
      case 'union':
        return this.#union(shape, given, place);
      case 'any':
        return { kind: 'natural' };
      default:
        return scalarOf(shape, undefined);
    }
  }

  #map(shape: ObjectShape, given: Rules, place: Place): Node {
    const rules = this.#merged(shape, given);
    if (shape.free && rules.children.size === 0) return { kind: 'natural' };
    if (place.path?.length === 0) return this.#object(shape, rules, place);
    // Sources of a component are relative to the value that is written with it, all others to the element.
    const own = given.children.size === 0 || this.#entered(shape);
    if (!own) return this.#object(shape, rules, place);
    return { kind: 'inner', element: this.#element(shape, given, place.pointer, false, place.depth + 1) };
  }

  #object(shape: ObjectShape, rules: Rules, place: Place): ObjectNode {
    const fields = shape.properties
      .filter(({ writeOnly }) => !writeOnly)
      .map((property) => this.#field(property, rules.children.get(property.name) ?? NO_RULES, place));
    return { kind: 'object', nullable: shape.nullable, fields, rest: this.#rest(shape, rules, place) };
  }

  #rest(shape: ObjectShape, rules: Rules, { path, pointer, depth }: Place): ObjectNode['rest'] {
    const open = this.#options.open === true;
    if ((shape.values === undefined && !open) || path === undefined) return undefined;
    if (path.length > 0) throw new Unplanned();
    const star = rules.children.get('*') ?? NO_RULES;
    const shapeOfRest: Shape = shape.values ?? ANY;
    const values = this.#element(shapeOfRest, { ...star, own: undefined }, `${pointer}/*`, false, depth + 1);
    return { declared: new Set(shape.properties.map(({ name }) => name)), values };
  }

  #field(property: ObjectShape['properties'][number], inner: Rules, around: Place): Field {
    const { frame } = around;
    const { name, shape } = property;
    const at = `${around.pointer}/${name}`;
    const source = this.#sourceOf(shape, inner);
    const missing = this.#missing(property, source);
    const taken = source === undefined ? undefined : sourceOf(source, this.#options.store, at);
    const path = taken?.path ?? (around.path === undefined ? undefined : [...around.path, name]);
    const place: Place = { ...around, path, pointer: at };
    const key = Buffer.from(`${JSON.stringify(name)}:`);
    const assembled =
      missing === undefined && inner.children.size > 0 ? this.#assembled(shape, source, inner, place) : undefined;
    const field = { name, key, piece: pieceOf(key), missing, assembled };
    if (taken?.fn !== undefined) return { ...field, slot: -1, content: this.#made(shape, source, inner, place, taken) };
    if (path === undefined) return { ...field, slot: -1, content: { kind: 'natural' } };
    try {
      const content = this.#content(shape, source, inner, place);
      return { ...field, slot: slotOf(frame, path), content };
    } catch (error) {
      if (!(error instanceof Unplanned) || !frame.isItem) throw error;
      this.#known = new Map();
      const whole = { path, fn: undefined, list: false, at };
      return { ...field, slot: -1, content: this.#made(shape, source, inner, place, whole) };
    }
  }

  #content(shape: Shape, source: Source | undefined, inner: Rules, place: Place): Node {
    const codec = codecOf(source, this.#options.store);
    if (codec === undefined) return this.#node(shape, inner, place);
    if (codec === 'json') throw new Unplanned();
    if (shape.kind !== 'array') return scalarOf(shape, codec);
    // A codec of a list is its elements'.
    const each = this.#each(shape.items, inner, place.pointer, false, place.depth + 1, codec);
    return { kind: 'list', nullable: shape.nullable, each };
  }

  #made(shape: Shape, source: Source | undefined, inner: Rules, place: Place, taken: Taken): Content {
    if (!place.frame.isItem) throw new Unplanned();
    const write = this.#plainField(shape, source, inner, place.pointer);
    return { kind: 'made', make: (item, input) => textOf(taken, write, item, input, place.chain) };
  }

  /** An object that its attribute does not give, from sources below it. */
  #assembled(shape: Shape, source: Source | undefined, inner: Rules, place: Place): Field['assembled'] {
    if (place.chain.includes(shape)) return undefined;
    // A codec has nothing to write of.
    if (shape.kind !== 'object' || codecOf(source, this.#options.store) !== undefined) return 'plain';
    const chain = [...place.chain, shape];
    return this.#object(shape, this.#merged(shape, inner), { ...place, path: undefined, chain });
  }

  #union(shape: UnionShape, given: Rules, place: Place): Node {
    if (given.children.size > 0 || this.#entered(shape)) throw new Unplanned();
    const nodes = new Map(
      shape.branches.map((branch) => [branch, this.#node(branch, given, { ...place, path: undefined })]),
    );
    const objects = shape.branches.filter(({ kind }) => kind === 'object');
    const list = shape.branches.find(({ kind }) => kind === 'array');
    const scalars = shape.branches.filter(({ kind }) => kind !== 'object' && kind !== 'array');
    const only = scalars.length === 1 ? nodes.get(scalars[0] as Shape) : undefined;
    if (only !== undefined && only.kind !== 'scalar' && only.kind !== 'natural') throw new Unplanned();
    const whole = objects.length === 1 ? objects[0] : shape.merged;
    const branchNode = (branch: Shape): Node =>
      nodes.get(branch) ?? this.#node(branch, given, { ...place, path: undefined });
    return {
      kind: 'union',
      scalar: only ?? { kind: 'natural' },
      list: list === undefined ? undefined : nodes.get(list),
      discriminator:
        shape.discriminator === undefined
          ? undefined
          : {
              property: shape.discriminator.property,
              branches: new Map([...shape.discriminator.branches].map(([tag, branch]) => [tag, branchNode(branch)])),
            },
      object: whole === undefined ? undefined : branchNode(whole),
    };
  }

  #sourceOf(shape: Shape, inner: Rules): Source | undefined {
    const component = shape.name === undefined ? undefined : this.#shapeRules.get(shape.name)?.own;
    if (component !== undefined) throw new Unplanned();
    return inner.own;
  }

  #missing(property: ObjectShape['properties'][number], source: Source | undefined): Buffer | undefined {
    const { store, absentAs } = this.#options;
    const text =
      (property.required ? constantText(property.shape) : undefined) ??
      absentText(source, store) ??
      (absentAs === 'null' && property.shape.nullable ? 'null' : undefined);
    return text === undefined ? undefined : Buffer.from(text);
  }
}

function textOf(
  taken: Taken,
  write: Write,
  item: Item | undefined,
  { request, page }: WireInput,
  chain: readonly Shape[],
): string | undefined {
  const scope: Scope = {
    input: { item, items: undefined, request, page },
    element: item,
    parent: undefined,
    item,
    chain,
  };
  const value = take(taken, item, item, scope);
  return value === undefined ? undefined : write(value, scope);
}

function slotOf(frame: Frame, path: readonly string[]): number {
  let wants = frame.wants;
  for (const name of path) {
    // Of such a name an object of JavaScript may not have what the store has.
    if (name === '__proto__') throw new Unplanned();
    let next = wants.children.get(name);
    if (next === undefined) {
      next = { slot: -1, children: new Map() };
      wants.children.set(name, next);
    }
    wants = next;
  }
  if (wants.slot === -1) {
    wants.slot = frame.slots;
    frame.slots += 1;
  }
  return wants.slot;
}

function scalarOf(shape: Shape, codec: Codec | undefined): ScalarNode {
  const { kind, nullable } = shape;
  const type = kind === 'object' || kind === 'array' || kind === 'union' ? 'any' : kind;
  return { kind: 'scalar', type, format: 'format' in shape ? shape.format : undefined, codec, nullable };
}
