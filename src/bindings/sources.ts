import type { Problem } from '../errors.ts';
import type {
  AttributeSource,
  Codec,
  FunctionSource,
  PageFacts,
  Request,
  Source,
  SourceContext,
  Sources,
} from '../model/binding.ts';
import type { Item } from '../model/call.ts';
import type { Shape } from '../model/shape.ts';
import type { StoreName } from '../model/stage.ts';
import { Undecodable } from './codecs.ts';

export interface RendererOptions {
  /** Where the operation's bindings stand, for messages. */
  readonly where: string;
  readonly shape: Shape | undefined;
  readonly store: StoreName;
  readonly sources: Sources;
  readonly shapes: Readonly<Record<string, Sources>>;
  /** Pointer of the list; '' for a bare array; `undefined` for one item. */
  readonly items: string | undefined;
  /** Pointers for what a page says of itself. */
  readonly page: Readonly<Partial<Record<'next' | 'more' | 'total' | 'pages', string>>>;
  readonly absentAs?: 'null';
  readonly open?: boolean;
  readonly variant?: (item: unknown) => string;
  /** A value was served although it breaks the contract. */
  readonly onViolation?: (pointer: string) => void;
}

export interface RenderInput {
  readonly item: Item | undefined;
  readonly items: readonly Item[] | undefined;
  readonly request: Request;
  readonly page: PageFacts;
}

/** Rules below one place: `own` is the source of the place itself. */
export interface Rules {
  own: Source | undefined;
  readonly children: Map<string, Rules>;
}

/** What a value is written with: `element` is what attribute paths are relative to. */
export interface Scope {
  readonly input: RenderInput;
  readonly element: unknown;
  readonly parent: unknown;
  readonly item: unknown;
  /** Shapes that are being put together around this place although no store holds them: a recursive one ends here. */
  readonly chain: readonly Shape[];
}

export const NO_RULES: Rules = { own: undefined, children: new Map() };

/** What is wrong with the response pointers of an operation: places that the schema lacks. */
export function checkSources({ where, shape, sources, items, page }: RendererOptions): readonly Problem[] {
  const problems: Problem[] = [];
  const check = (pointer: string, key: string) => {
    if (pointer !== '' && !pointer.startsWith('/'))
      problems.push({ where: `${where}/${key}`, message: `"${pointer}" is no JSON pointer; it begins with /` });
    else if (shape === undefined || !reaches(shape, tokensOf(pointer))) {
      problems.push({ where: `${where}/${key}`, message: `the response schema has no ${pointer}` });
    }
  };
  for (const pointer of Object.keys(sources)) check(pointer, `response/${pointer}`);
  for (const [name, pointer] of Object.entries(page)) check(pointer, `page/${name}`);
  if (items !== undefined && items !== '') {
    check(items, 'items');
    const list = shape === undefined ? undefined : shapeAt(shape, tokensOf(items));
    if (list !== undefined && !mayBeArray(list)) {
      problems.push({ where: `${where}/items`, message: `${items} is no array in the response schema` });
    }
  }
  return problems;
}

const mayBeArray = (shape: Shape): boolean =>
  shape.kind === 'array' || shape.kind === 'any' || (shape.kind === 'union' && shape.branches.some(mayBeArray));

/** The declared place that plain property names lead to; `undefined` where the way is not so plain. */
function shapeAt(shape: Shape, [token, ...rest]: readonly string[]): Shape | undefined {
  if (token === undefined) return shape;
  const property = shape.kind === 'object' ? shape.properties.find(({ name }) => name === token) : undefined;
  return property === undefined ? undefined : shapeAt(property.shape, rest);
}

function reaches(shape: Shape, [token, ...rest]: readonly string[]): boolean {
  if (token === undefined) return true;
  switch (shape.kind) {
    case 'object': {
      const property = shape.properties.find(({ name }) => name === token);
      if (property !== undefined) return reaches(property.shape, rest);
      return shape.free || (shape.values !== undefined && reaches(shape.values, rest));
    }
    case 'array':
      return (token === '*' || /^\d+$/.test(token)) && reaches(shape.items, rest);
    case 'union':
      return shape.branches.some((branch) => reaches(branch, [token, ...rest]));
    default:
      return shape.kind === 'any';
  }
}

export function rulesOf({ sources, items, page }: RendererOptions): Rules {
  const rules: Rules = { own: undefined, children: new Map() };
  for (const [pointer, source] of Object.entries(sources)) placeOf(rules, pointer).own = source;
  const facts = { next: 'next', more: 'more', total: 'total', pages: 'pages' } as const;
  for (const name of Object.values(facts)) {
    const pointer = page[name];
    if (pointer !== undefined)
      placeOf(rules, pointer).own = (_element: unknown, context: SourceContext) => context.page[name];
  }
  if (items !== undefined && items !== '') {
    placeOf(rules, items).own ??= ITEMS;
  }
  return rules;
}

/** Stands where the list stands. */
const ITEMS: FunctionSource = () => undefined;

/** Rules of component schemas, by name. */
export const shapeRulesOf = (shapes: RendererOptions['shapes']): ReadonlyMap<string, Rules> =>
  new Map(
    Object.entries(shapes).map(([name, sources]) => {
      const rules: Rules = { own: undefined, children: new Map() };
      for (const [pointer, source] of Object.entries(sources)) placeOf(rules, pointer).own = source;
      return [name, rules];
    }),
  );

export function placeOf(rules: Rules, pointer: string): Rules {
  let place = rules;
  for (const token of tokensOf(pointer)) {
    let next = place.children.get(token);
    if (next === undefined) {
      next = { own: undefined, children: new Map() };
      place.children.set(token, next);
    }
    place = next;
  }
  return place;
}

const tokensOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

/** The component schemas whose sources hold for a shape: its own, then those it was merged from. */
export function namesOf(shape: Shape): string[] {
  const parts = shape.kind === 'object' ? (shape.parts ?? []) : [];
  return shape.name === undefined ? [...parts] : [shape.name, ...parts];
}

/** Rules of a component schema lie under those of the operation, place by place. */
export function layered(upper: Rules, lower: Rules): Rules {
  if (upper.children.size === 0 && upper.own === undefined) return lower;
  const children = new Map(lower.children);
  for (const [token, rules] of upper.children) {
    const below = children.get(token);
    children.set(token, below === undefined ? rules : layered(rules, below));
  }
  return { own: upper.own ?? lower.own, children };
}

export type Taken = {
  readonly path: readonly string[] | undefined;
  readonly fn: FunctionSource | undefined;
  readonly list: boolean;
  /** Place in the response, for messages. */
  readonly at: string;
};

export const LIST: Taken = { path: undefined, fn: undefined, list: true, at: '' };

function isPerStore(source: Source): source is { dynamodb?: AttributeSource; mongodb?: AttributeSource } {
  return typeof source === 'object' && ('dynamodb' in source || 'mongodb' in source);
}

const oneOf = (source: Source, store: StoreName) => (isPerStore(source) ? source[store] : source);

export function sourceOf(source: Source, store: StoreName, at: string): Taken | undefined {
  const one = oneOf(source, store);
  if (one === undefined) return undefined;
  if (typeof one === 'function') return { path: undefined, fn: one, list: false, at };
  const path = typeof one === 'string' ? one : (one as { from?: string }).from;
  return path === undefined ? undefined : { path: path.split('.'), fn: undefined, list: false, at };
}

export function codecOf(source: Source | undefined, store: StoreName): Codec | undefined {
  const one = source === undefined ? undefined : oneOf(source, store);
  return typeof one === 'object' ? (one as { as?: Codec }).as : undefined;
}

export function absentText(source: Source | undefined, store: StoreName): string | undefined {
  const one = source === undefined ? undefined : oneOf(source, store);
  const absent = typeof one === 'object' ? (one as { absent?: unknown }).absent : undefined;
  return absent === undefined ? undefined : JSON.stringify(absent);
}

/** The value that a source gives. Throws Undecodable where its function does: the store holds what the author did not expect. */
export function take(taken: Taken | undefined, value: unknown, element: unknown, scope: Scope): unknown {
  if (taken === undefined) return value;
  if (taken.list) return scope.input.items;
  if (taken.path !== undefined) return taken.path.reduce<unknown>(get, element);
  const { input, item, parent } = scope;
  try {
    return taken.fn?.(element, { item: item ?? element, parent, request: input.request, page: input.page });
  } catch (error) {
    throw new Undecodable(`${taken.at || '/'}: the source threw ${String(error)}`);
  }
}

export function get(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
