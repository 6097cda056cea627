import { createHash } from 'node:crypto';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadContract } from '../contract/load.ts';
import { compileBody, compileParameters, type ParseParameters } from '../contract/parameters.ts';
import { type Compile, createCompile } from '../contract/schema.ts';
import { ConfigError, type Problem } from '../errors.ts';
import type { BindingsSpec, HeaderSource, OperationSpec, StoreBinding } from '../model/binding.ts';
import type { Contract, Operation } from '../model/operation.ts';
import { type OriginName, offeredStages, type Stage, type StoreName } from '../model/stage.ts';
import { compileErrors } from './errors.ts';
import { checkWaivers } from './gate.ts';
import { fixedHeaders, madeHeaders, replyHeaders } from './headers.ts';
import { type BoundPage, compilePage } from './page.ts';
import { checkSpec } from './problems.ts';
import { compileRenderer, type Render } from './render.ts';
import { checkSources, type RendererOptions } from './sources.ts';
import { compileBson } from './wire/bson.ts';
import { compileDynamoDb } from './wire/dynamodb.ts';
import { programOf } from './wire/plan.ts';
import type { RenderWire } from './wire/render-wire.ts';
import { Room } from './wire/room.ts';

/** A store's part in an operation: the pure call, and how its items become the body. */
export interface BoundStore {
  readonly call: StoreBinding;
  readonly render: Render;
  /** The same from items as the store sent them; absent where the bindings look at items. */
  readonly renderWire?: RenderWire | undefined;
  /** For a body that `renderWire` gave and nobody looks at any more. */
  readonly giveBack?: ((body: Buffer) => void) | undefined;
}

/** One operation of the contract with what the bindings say of it, compiled at boot. */
export interface BoundOperation {
  readonly index: number;
  readonly id: string;
  readonly flag: string;
  readonly contract: Operation;
  readonly kind: 'read' | 'write';
  /** `undefined` where the operation has no bindings: it passes through to legacy in every stage. */
  readonly spec: OperationSpec | undefined;
  readonly stores: Readonly<Partial<Record<StoreName, BoundStore>>>;
  readonly offered: readonly Stage[];
  readonly initial: Stage;
  readonly parse: ParseParameters;
  readonly parseBody: ((body: Buffer, contentType: string | undefined) => unknown) | undefined;
  readonly page: BoundPage | undefined;
  readonly errors: ReturnType<typeof compileErrors>;
  readonly status: number;
  /** Headers of every reply of ours, errors too. */
  readonly fixed: Readonly<Record<string, string>>;
  /** Those of a success to which nothing is added. */
  readonly usualHeaders: Readonly<Record<string, string>>;
  readonly headers: HeaderSource | undefined;
  readonly refusesUnknown: boolean;
  readonly maxItems: number;
  readonly isList: boolean;
}

/** A bindings module and its contract, compiled. */
export interface Bindings {
  readonly file: string;
  readonly name: string;
  readonly spec: BindingsSpec;
  readonly contract: Contract;
  readonly basePath: string;
  readonly operations: readonly BoundOperation[];
  /** Error replies for what belongs to no operation: unknown paths. */
  readonly errors: ReturnType<typeof compileErrors>;
}

export interface LoadOptions {
  /** Whether there is a legacy service to pass through to. */
  readonly legacy: boolean;
  /** A value was served although it breaks the contract. */
  readonly onViolation?: (operation: string, origin: OriginName) => void;
}

const MAX_ITEMS = 1_000;

/**
 * Imports a bindings module, reads its contract and compiles both.
 * Throws a ConfigError with every mistake found, each with the file and the place.
 */
export async function loadBindings(file: string, options: LoadOptions): Promise<Bindings> {
  const path = resolve(file);
  const spec = await importSpec(path);
  const contract = await loadContract(resolve(dirname(path), spec.contract), {
    ...(spec.basePath === undefined ? {} : { basePath: spec.basePath }),
  });
  const problems: Problem[] = [...checkSpec(path, spec, contract)];
  if (problems.length > 0) throw new ConfigError(problems);
  const name = spec.name ?? basename(path).replace(/(\.bindings)?\.[cm]?[jt]s$/, '');
  const flags = flagNames(
    name,
    contract.operations.map(({ id }) => id),
  );
  // Each has the whole of JSON Schema compiled: one for all operations.
  const compile = createCompile(contract.openapi);
  const room = new Room();
  const operations = contract.operations.map((operation, index) =>
    bindOperation(path, flags[index] as string, spec, operation, index, { compile, room }, options, problems),
  );
  checkWaivers(spec.gate, operations, (pointer, message) => problems.push({ where: `${path}#${pointer}`, message }));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({
    file: path,
    name,
    spec,
    contract,
    basePath: contract.basePath,
    operations: Object.freeze(operations),
    errors: compileErrors(spec.errors, undefined, fixedHeaders(spec.headers, undefined)),
  });
}

async function importSpec(path: string): Promise<BindingsSpec> {
  const { href } = pathToFileURL(path);
  const module = await import(href).catch((error: Error & { readonly url?: string }) => {
    // Its own message names the module too where it is one that the module imports.
    const missing = error.url === href;
    throw new ConfigError([
      { where: path, message: missing ? 'there is no such file' : `cannot be imported: ${error.message}` },
    ]);
  });
  const spec = module.default;
  if (typeof spec !== 'object' || spec === null || typeof spec.contract !== 'string') {
    throw new ConfigError([
      { where: path, message: 'must export by default what bind({ contract, tenant, operations }) gives' },
    ]);
  }
  return spec;
}

/** Of the API's other two flags. */
const RESERVED = ['kill', 'sampling'];

/**
 * Names of the operations' flags: `<api>.<operationId>`, with `-` for what no flag's name can have. Where that is another
 * operation's too, or one of the API's own, a digest of the id is added: the contract is not ours to change.
 */
export function flagNames(api: string, ids: readonly string[]): readonly string[] {
  const clean = (text: string): string => text.replace(/[^A-Za-z0-9._~-]/g, '-');
  const plain = ids.map(clean);
  return plain.map((name, index) => {
    const shared = RESERVED.includes(name) || plain.some((other, at) => at !== index && other === name);
    const digest = createHash('sha256')
      .update(ids[index] as string)
      .digest('hex')
      .slice(0, 6);
    return `${clean(api)}.${shared ? `${name}~${digest}` : name}`;
  });
}

/** What all operations of an API are compiled with. */
interface Shared {
  readonly compile: Compile;
  readonly room: Room;
}

function bindOperation(
  file: string,
  flag: string,
  spec: BindingsSpec,
  contract: Operation,
  index: number,
  { compile, room }: Shared,
  options: LoadOptions,
  problems: Problem[],
): BoundOperation {
  const own = spec.operations[contract.id];
  const safe = contract.method === 'GET' || contract.method === 'HEAD';
  const kind = safe || own?.kind === 'read' ? 'read' : 'write';
  const has = (store: StoreName) => own?.[store] !== undefined;
  const offered = offeredStages({
    legacy: options.legacy,
    dynamodb: has('dynamodb'),
    mongodb: has('mongodb'),
    freshness: (own?.freshness ?? spec.freshness) !== undefined,
  });
  const where = `${file}#/operations/${contract.id}`;
  const fixed = fixedHeaders(spec.headers, own?.headers);
  const stores: Partial<Record<StoreName, BoundStore>> = {};
  for (const store of ['dynamodb', 'mongodb'] as const) {
    const call = own?.[store];
    if (own === undefined || call === undefined) continue;
    const renderer = rendererOptions(where, spec, own, contract, store, options);
    const wrong = checkSources(renderer);
    problems.push(...wrong);
    if (wrong.length === 0)
      stores[store] = Object.freeze({
        call,
        render: compileRenderer(renderer),
        renderWire: wireRenderer(renderer, room),
        giveBack: (body: Buffer) => room[store].out.giveBack(body),
      });
  }
  return Object.freeze({
    index,
    id: contract.id,
    flag,
    contract,
    kind,
    spec: own,
    stores: Object.freeze(stores),
    offered,
    initial: offered[0] ?? 'legacy',
    parse: compileParameters(contract, compile),
    parseBody: own === undefined ? undefined : compileBody(contract, compile),
    page: own?.page === undefined ? undefined : compilePage(own.page),
    errors: compileErrors(spec.errors, own?.errors, fixed),
    status: own?.status ?? contract.success.status,
    fixed,
    usualHeaders: replyHeaders(contract.success.type, fixed, undefined),
    headers: madeHeaders(spec.headers, own?.headers),
    refusesUnknown: (own?.unknownParameters ?? spec.unknownParameters) === 'refuse',
    maxItems: own?.maxItems ?? MAX_ITEMS,
    isList: own?.items !== undefined || contract.success.shape?.kind === 'array',
  });
}

function wireRenderer(options: RendererOptions, room: Room): RenderWire | undefined {
  const program = programOf(options);
  if (program === undefined) return undefined;
  return options.store === 'dynamodb' ? compileDynamoDb(program, room.dynamodb) : compileBson(program, room.mongodb);
}

function rendererOptions(
  where: string,
  api: BindingsSpec,
  own: OperationSpec,
  contract: Operation,
  store: StoreName,
  options: LoadOptions,
): RendererOptions {
  const page = own.page ?? {};
  const bare = own.items === undefined && contract.success.shape?.kind === 'array';
  const absentAs = own.absentAs ?? api.absentAs;
  return {
    where,
    shape: contract.success.shape,
    store,
    sources: own.response ?? {},
    shapes: api.shapes ?? {},
    items: bare ? '' : own.items,
    page: {
      ...(page.next === undefined ? {} : { next: page.next }),
      ...(page.more === undefined ? {} : { more: page.more }),
      ...(page.total === undefined ? {} : { total: page.total }),
      ...(page.pages === undefined ? {} : { pages: page.pages }),
    },
    ...(absentAs === undefined ? {} : { absentAs }),
    ...(own.open === undefined ? {} : { open: own.open }),
    ...(own.variant === undefined ? {} : { variant: own.variant }),
    onViolation: () => options.onViolation?.(contract.id, store),
  };
}
