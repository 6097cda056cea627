import { compileRenderer } from '../../src/bindings/render.ts';
import type { RendererOptions } from '../../src/bindings/sources.ts';
import { programOf } from '../../src/bindings/wire/plan.ts';
import type { Program } from '../../src/bindings/wire/program.ts';
import { createShapes } from '../../src/contract/shape.ts';
import type { PageFacts } from '../../src/model/binding.ts';
import type { Item } from '../../src/model/call.ts';

/** Contracts and bindings of which rows say what is written from the bytes of a store. */

type Schema = Readonly<Record<string, unknown>>;
type Sources = Readonly<Record<string, unknown>>;

export type Given = Partial<Omit<RendererOptions, 'shape' | 'sources' | 'shapes'>> & {
  readonly schema: Schema;
  readonly sources?: Sources;
  readonly shapes?: Readonly<Record<string, Sources>>;
};

export interface Row<Sent> {
  readonly what: string;
  readonly given: Given;
  readonly items: readonly Sent[];
  readonly page?: PageFacts;
  /** What is written from the bytes; `undefined` where the plain renderer is to do it. */
  readonly wanted: string | undefined;
}

/** Several items of one contract, by what they are. */
export const each = <Sent>(
  what: string,
  given: Given,
  rows: Readonly<Record<string, readonly [item: Sent, wanted: string | undefined]>>,
): Row<Sent>[] =>
  Object.entries(rows).map(([name, [item, wanted]]) => ({ what: `${what}: ${name}`, given, items: [item], wanted }));

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const object = (properties: Schema, more: Schema = {}): Schema => ({ type: 'object', properties, ...more });
export const listOf = (items: unknown, more: Schema = {}): Schema => ({ type: 'array', items, ...more });
export const text = Object.freeze({ type: 'string' });
export const number = Object.freeze({ type: 'number' });
export const integer = Object.freeze({ type: 'integer' });
export const yes = Object.freeze({ type: 'boolean' });

const COMPONENTS: Readonly<Record<string, Schema>> = Object.freeze({
  Person: object({ name: text, age: integer }),
  Cat: object({ kind: text, lives: integer }),
  Dog: object({ kind: text, good: yes }),
  One: object({ kind: {}, x: text }),
  Two: object({ kind: {}, y: text }),
  Bag: { type: 'object', additionalProperties: text },
  Chain: object({ name: text, next: ref('Chain') }),
  Tree: object({ name: text, below: listOf(ref('Tree')) }),
});

export const either = Object.freeze({
  oneOf: [ref('Cat'), ref('Dog')],
  discriminator: { propertyName: 'kind' },
});

export const PAGE: PageFacts = Object.freeze({ limit: 3, count: 3, more: true, next: 'n"', total: 9, pages: 3 });
const LAST: PageFacts = Object.freeze({ ...PAGE, more: false, next: undefined });

export function optionsOf({ schema, ...given }: Given, onViolation = () => {}): RendererOptions {
  const shape = createShapes((name) => COMPONENTS[name.split('/').at(-1) as string])(schema);
  const all = { where: 'test', shape, store: 'dynamodb', sources: {}, shapes: {}, items: undefined, page: {} };
  return { ...all, ...given, onViolation } as RendererOptions;
}

export function planned(given: Given): Program {
  const program = programOf(optionsOf(given));
  if (program === undefined) throw new Error('there is no plan');
  return program;
}

/** What the plain renderer writes; `undefined` where it cannot, or where something breaks the contract. */
export function plainly(given: Given, decoded: readonly Item[], page: PageFacts = PAGE): string | undefined {
  let violations = 0;
  const count = () => {
    violations += 1;
  };
  const render = compileRenderer(optionsOf(given, count));
  const one = given.items === undefined;
  try {
    const body = render({
      ...{ item: one ? decoded[0] : undefined, items: one ? undefined : decoded },
      ...{ request: {} as never, page },
    });
    return violations > 0 ? undefined : body.toString();
  } catch {
    return undefined;
  }
}

const throws = () => {
  throw new TypeError('no');
};

const around = {
  schema: object(
    {
      kind: { const: 'page' },
      secret: { const: 's', writeOnly: true },
      first: object({ next: text }),
      next: { ...text, nullable: true },
      list: listOf(object({ a: text })),
      last: object({ more: yes, deep: object({ total: integer }) }),
    },
    { required: ['kind', 'secret'] },
  ),
  items: '/list',
};

/** What stands around the items, of whatever store. */
export const PAGES: readonly Omit<Row<never>, 'items'>[] = [
  {
    what: 'all that a page says of itself',
    given: { ...around, page: { next: '/next', more: '/last/more', total: '/last/deep/total' } },
    wanted: '{"kind":"page","next":"n\\"","list":[],"last":{"more":true,"deep":{"total":9}}}',
  },
  {
    what: 'what a page does not say',
    given: { ...around, page: { next: '/first/next' } },
    page: LAST,
    wanted: '{"kind":"page","list":[]}',
  },
  {
    what: 'what a page says deeper',
    given: { ...around, page: { next: '/first/next' } },
    wanted: '{"kind":"page","first":{"next":"n\\""},"list":[]}',
  },
  {
    what: 'null where a page says nothing',
    given: { ...around, page: { next: '/next' }, absentAs: 'null' },
    page: LAST,
    wanted: '{"kind":"page","next":null,"list":[]}',
  },
  {
    what: 'no null where a page says something',
    given: { ...around, page: { next: '/next' }, absentAs: 'null' },
    wanted: '{"kind":"page","next":"n\\"","list":[]}',
  },
  {
    what: 'a page of which the first field is left out',
    given: {
      ...{ schema: object({ next: text, list: listOf(text), total: integer }), items: '/list' },
      page: { next: '/next', total: '/total' },
    },
    page: LAST,
    wanted: '{"list":[],"total":9}',
  },
  {
    what: 'what a page says against the contract',
    given: { schema: object({ next: integer, list: listOf(text) }), items: '/list', page: { next: '/next' } },
    wanted: undefined,
  },
  {
    what: 'what a function of a page throws',
    given: { schema: object({ list: listOf(text), x: text }), items: '/list', sources: { '/x': throws } },
    wanted: undefined,
  },
  {
    what: 'a free object around the list, with a source in it',
    given: {
      schema: object({ x: { type: 'object' }, list: listOf(text) }),
      items: '/list',
      sources: { '/x/y': () => 1 },
    },
    wanted: '{"list":[]}',
  },
  {
    what: 'a recursive component around the list, with a source in it',
    given: {
      ...{ schema: object({ list: listOf(text), tree: ref('Chain') }), items: '/list' },
      ...{ sources: { '/tree/name': () => 'a' }, shapes: { Chain: { '/next/name': () => 'b' } } },
    },
    wanted: '{"list":[],"tree":{"name":"a"}}',
  },
  { what: 'a bare list of none', given: { schema: listOf(text), items: '' }, wanted: '[]' },
  { what: 'one item, where there is none', given: { schema: object({ a: text }) }, wanted: undefined },
];
