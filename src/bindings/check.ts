import fc from 'fast-check';
import { patternsOf, unsafePattern } from '../contract/pattern.ts';
import { NoSuchItem, type Problem, RequestError } from '../errors.ts';
import type { Request } from '../model/binding.ts';
import type { Call, Item } from '../model/call.ts';
import type { StoreName } from '../model/stage.ts';
import { authNote } from './auth.ts';
import { HOSTILE, requestsOf, withTexts } from './generate.ts';
import type { Bindings, BoundOperation } from './load.ts';
import { RESERVED_WORDS } from './reserved.ts';

export interface CheckOptions {
  readonly runs: number;
  readonly seed: number;
}

export interface Checked {
  readonly problems: readonly Problem[];
  /** What is no mistake but good to know. */
  readonly notes: readonly Problem[];
  /** One generated call per operation and store, for `--connect`. */
  readonly calls: readonly { readonly where: string; readonly store: StoreName; readonly call: Call }[];
}

type Say = (message: string) => void;

const NAMES: Readonly<Record<StoreName, readonly string[]>> = Object.freeze({
  dynamodb: ['GetItem', 'BatchGetItem', 'Query', 'Scan'],
  mongodb: ['findOne', 'find', 'aggregate'],
});

/** Two tenants whose names are in no request. */
const TENANTS = Object.freeze(['tenant-a7f3', 'tenant-b9e1']);

/**
 * Calls every binding with requests generated from the contract and holds what it gives against the rules: it must not
 * throw, give a valid reading call, carry the tenant, render distinct inputs to distinct keys, and keep values values.
 */
export async function checkBindings(bindings: Bindings, { runs, seed }: CheckOptions): Promise<Checked> {
  const problems = new Map<string, Problem>();
  const notes = new Map<string, Problem>();
  const calls: Checked['calls'][number][] = [];
  const hasTenants = !isConstant(bindings);
  const note = authNote(bindings.spec, bindings.contract);
  if (note !== undefined) notes.set('auth', { where: `${bindings.file}#/auth`, message: note });
  for (const operation of bindings.operations) {
    checkPatterns(bindings.contract.file, operation, problems);
    for (const store of ['dynamodb', 'mongodb'] as const) {
      if (operation.stores[store] === undefined) continue;
      const where = `${bindings.file}#/operations/${operation.id}/${store}`;
      const add = (target: Map<string, Problem>) => (message: string) => {
        // The inputs differ from run to run; one example of a mistake is enough.
        const kind = where + message.replace(/[{"].*[}"]/g, '');
        if (!target.has(kind)) target.set(kind, { where, message });
      };
      const seen = await checkOne(operation, store, hasTenants, { runs, seed }, add(problems), add(notes));
      for (const call of seen) calls.push({ where, store, call });
    }
    checkCursor(bindings.file, operation, calls, problems, notes);
  }
  return Object.freeze({
    problems: Object.freeze([...problems.values()]),
    notes: Object.freeze([...notes.values()]),
    calls: Object.freeze(calls),
  });
}

/** A tenant rule that gives the same for whatever it is shown: an API with no tenants. */
function isConstant({ spec }: Bindings): boolean {
  const ask = (value: string) => {
    const any = new Proxy({}, { get: () => value });
    try {
      return spec.tenant({ headers: any, path: any, query: any, claims: any });
    } catch {
      return undefined;
    }
  };
  const [first, second] = [ask('one'), ask('two')];
  return first !== undefined && first === second;
}

async function checkOne(
  operation: BoundOperation,
  store: StoreName,
  hasTenants: boolean,
  { runs, seed }: CheckOptions,
  say: Say,
  note: Say,
): Promise<Call[]> {
  const [tenant = '', other = ''] = TENANTS;
  const requests = fc.sample(requestsOf(operation, tenant), { numRuns: runs, seed });
  const byKey = new Map<string, string>();
  const first: Call[] = [];
  for (const request of requests) {
    const calls = await callsOf(operation, store, request, say);
    for (const call of calls) {
      if (!checkCall(call, store, say, note)) return [];
      if (first.length === 0) first.push(call);
    }
    if (hasTenants && operation.spec?.tenantScope === undefined) {
      const same = await callsOf(operation, store, { ...request, tenant: other }, say);
      for (const [index, call] of calls.entries()) checkTenant(call, same[index], tenant, other, say);
    }
    checkDistinct(request, calls[0], byKey, say);
    await checkHostile(operation, store, request, calls, say);
  }
  return first;
}

/** The calls that a binding makes for a request; of an async one those it reads by, up to where made-up items lead. */
async function callsOf(operation: BoundOperation, store: StoreName, request: Request, say: Say): Promise<Call[]> {
  const calls: Call[] = [];
  try {
    const given = operation.stores[store]?.call(request, async (call) => {
      calls.push(call);
      return Object.keys(call).some((name) => name === 'GetItem' || name === 'findOne') ? undefined : [];
    });
    if (!(given instanceof Promise)) return given === undefined ? [] : [given];
    const found = await given;
    if (isCall(found)) calls.push(found);
  } catch (error) {
    const expected =
      error instanceof NoSuchItem || error instanceof RequestError || (error as Error).name === 'BSONError';
    // An async binding was given no item where a store might have one: what it makes of that is its own affair.
    if (!expected && calls.length === 0) say(`throws ${(error as Error).message} for ${shown(request)}`);
  }
  return calls;
}

const WRITES = /^(Put|Update|Delete|Transact|BatchWrite|insert|update|delete|replace|bulk|findOneAnd)/;

const isCall = (value: unknown): value is Call =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).length === 1 &&
  /^[A-Za-z]+$/.test(Object.keys(value)[0] ?? '') &&
  typeof Object.values(value)[0] === 'object' &&
  !Array.isArray(Object.values(value)[0]);

function checkCall(call: Call, store: StoreName, say: Say, note: Say): boolean {
  const [name = ''] = Object.keys(call ?? {});
  const input = (Object.values(call ?? {})[0] ?? {}) as Record<string, unknown>;
  if (WRITES.test(name)) say(`${name} is a writing call; a binding only reads`);
  else if (!NAMES[store].includes(name)) say(`"${name}" is no call of ${store}; it has ${NAMES[store].join(', ')}`);
  if (!NAMES[store].includes(name)) return false;
  const wants = store === 'dynamodb' ? 'TableName' : 'collection';
  if (typeof input[wants] !== 'string') say(`${name} has no ${wants}`);
  if (input.count === true) note(`${name} counts all that match for every page (count: true)`);
  if (store === 'dynamodb') checkExpressions(name, input, say);
  else checkOperators(input, say);
  return true;
}

const EXPRESSIONS = ['KeyConditionExpression', 'FilterExpression', 'ProjectionExpression'];
/** Of the reserved words those that expressions are made of. */
const OPERATORS = new Set(['AND', 'OR', 'NOT', 'BETWEEN', 'IN', 'SIZE']);

function checkExpressions(name: string, input: Record<string, unknown>, say: Say): void {
  const text = EXPRESSIONS.map((one) => input[one] ?? '').join(' ');
  const used = new Set(text.match(/[:#][A-Za-z0-9_]+/g) ?? []);
  const defined = [
    ...Object.keys(input.ExpressionAttributeNames ?? {}),
    ...Object.keys(input.ExpressionAttributeValues ?? {}),
  ];
  for (const one of used) if (!defined.includes(one)) say(`${name} uses ${one}, which is not defined`);
  for (const one of defined) if (!used.has(one)) say(`${name} defines ${one}, which no expression uses`);
  for (const word of text.match(/(?<![:#A-Za-z0-9_])[A-Za-z][A-Za-z0-9_]*/g) ?? []) {
    const upper = word.toUpperCase();
    if (RESERVED_WORDS.has(upper) && !OPERATORS.has(upper))
      say(`"${word}" is a reserved word of DynamoDB; write #${word} and name it in ExpressionAttributeNames`);
  }
}

const FORBIDDEN = new Set(['$where', '$function', '$accumulator', '$out', '$merge']);

function checkOperators(value: unknown, say: Say): void {
  if (typeof value !== 'object' || value === null || '_bsontype' in value) return;
  for (const [key, inner] of Object.entries(value)) {
    if (FORBIDDEN.has(key))
      say(`${key} ${key === '$out' || key === '$merge' ? 'writes' : 'runs code in the store'}; a binding only reads`);
    checkOperators(inner, say);
  }
}

/** The tenant is the whole partition key or its first component, or a top-level equality of the filter. */
function checkTenant(call: Call, twin: Call | undefined, tenant: string, other: string, say: Say): void {
  const scope = scopeOf(call);
  const same = twin === undefined ? undefined : scopeOf(twin);
  const cure = "; or say tenantScope: { none: 'the reason' }";
  if (scope === undefined) {
    say(`no key or filter carries the tenant${cure}`);
    return;
  }
  for (const [index, value] of scope.entries()) {
    const text = String(value);
    const at = text.indexOf(tenant);
    const ok =
      at !== -1 &&
      String(same?.[index]).replace(other, tenant) === text &&
      /^([A-Za-z_-]+[^A-Za-z0-9])?$/.test(text.slice(0, at));
    if (!ok) {
      say(
        `the tenant is neither the partition key, nor its first component, nor a top-level equality of the filter${cure}`,
      );
      return;
    }
  }
}

/** Where a tenant must be: partition keys for DynamoDB (the first attribute of a Key), equal values of a filter. */
function scopeOf(call: Call): unknown[] | undefined {
  if ('GetItem' in call) return Object.values(call.GetItem.Key).slice(0, 1);
  if ('BatchGetItem' in call) return call.BatchGetItem.Keys.flatMap((key) => Object.values(key).slice(0, 1));
  if ('Query' in call) {
    const { KeyConditionExpression = '', ExpressionAttributeValues = {} } = call.Query;
    const equal = /(?<![<>])=\s*(:\w+)/.exec(KeyConditionExpression)?.[1];
    return equal === undefined ? undefined : [ExpressionAttributeValues[equal]];
  }
  if ('Scan' in call) return undefined;
  const filter =
    'aggregate' in call
      ? ((call.aggregate.pipeline[0]?.$match ?? {}) as Item)
      : 'find' in call
        ? call.find.filter
        : call.findOne.filter;
  const scoped = Object.values(filter).filter(
    (value) => typeof value === 'string' && TENANTS.some((one) => value.includes(one)),
  );
  return scoped.length === 0 ? undefined : scoped.slice(0, 1);
}

/** Two requests with other path parameters must not ask for one key. */
function checkDistinct(request: Request, call: Call | undefined, byKey: Map<string, string>, say: Say): void {
  if (call === undefined || !('GetItem' in call)) return;
  const path = JSON.stringify(request.path);
  const rendered = JSON.stringify(call.GetItem.Key);
  const known = byKey.get(rendered);
  if (known !== undefined && known !== path)
    say(`${known} and ${path} ask for one key, ${rendered}; build it with key\`…\``);
  byKey.set(rendered, path);
}

/** A hostile text may change leaf values only: the same keys, operators and expressions as an ordinary one gives. */
async function checkHostile(
  operation: BoundOperation,
  store: StoreName,
  request: Request,
  calls: readonly Call[],
  say: Say,
): Promise<void> {
  const [call] = calls;
  if (call === undefined) return;
  const shape = structureOf(call, undefined);
  const path = Object.values(request.path).filter((value) => typeof value === 'string');
  for (const text of HOSTILE) {
    const changed = withTexts(request, text, operation.contract);
    const [hostile] = await callsOf(operation, store, changed, say);
    if (hostile === undefined) continue;
    if (structureOf(hostile, undefined) !== shape)
      say(`a value such as ${JSON.stringify(text.slice(0, 20))} changes the structure of the call`);
    if (path.length > 1 && ['#', '|', ':', '/'].includes(text))
      await checkSeparator(operation, store, changed, text, say);
  }
}

/** `a`, `x#b` and `a#x`, `b` are other inputs: where both render one key the template has no guard. */
async function checkSeparator(
  operation: BoundOperation,
  store: StoreName,
  request: Request,
  by: string,
  say: Say,
): Promise<void> {
  const names = Object.keys(request.path);
  const [left = '', right = ''] = names;
  const ask = async (a: string, b: string) => {
    const [call] = await callsOf(
      operation,
      store,
      { ...request, path: { ...request.path, [left]: a, [right]: b } },
      say,
    );
    return call === undefined ? undefined : JSON.stringify(Object.values(call)[0]);
  };
  const one = await ask('a', `x${by}b`);
  const depends = (await ask('a', 'b')) !== (await ask('q', 'r'));
  if (depends && one !== undefined && one === (await ask(`a${by}x`, 'b'))) {
    say(
      `{"${left}":"a","${right}":"x${by}b"} and {"${left}":"a${by}x","${right}":"b"} ask for one key; build it with key\`…\``,
    );
  }
}

const STRUCTURAL = new Set(['TableName', 'IndexName', 'collection', ...EXPRESSIONS]);

/** Keys and expression texts of a call, leaf values left out. */
function structureOf(value: unknown, key: string | undefined): string {
  if (Array.isArray(value)) return `[${value.map((inner) => structureOf(inner, undefined)).join()}]`;
  if (
    typeof value !== 'object' ||
    value === null ||
    '_bsontype' in value ||
    value instanceof Date ||
    value instanceof RegExp
  ) {
    return key !== undefined && STRUCTURAL.has(key) ? String(value) : '.';
  }
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${entries.map(([name, inner]) => `${name}:${structureOf(inner, name)}`).join()}}`;
}

/** A pattern that backtracks without bound would let one client hold the event loop. */
function checkPatterns(file: string, { contract, spec }: BoundOperation, problems: Map<string, Problem>): void {
  if (spec === undefined) return;
  for (const pattern of patternsOf(contract)) {
    const message = unsafePattern(pattern);
    const where = `${file}${contract.pointer}`;
    if (message !== undefined) problems.set(where + pattern, { where, message });
  }
}

/** Whether the cursors of an operation can go from store to store, and whether they skip or repeat. */
function checkCursor(
  file: string,
  operation: BoundOperation,
  calls: Checked['calls'],
  problems: Map<string, Problem>,
  notes: Map<string, Problem>,
): void {
  const position = operation.spec?.page?.position;
  if (position === undefined || operation.page?.issues !== true) return;
  const where = `${file}#/operations/${operation.id}/page/position`;
  const own = calls.filter((one) => one.where.startsWith(`${file}#/operations/${operation.id}/`));
  if (own.some(({ call }) => 'Scan' in call)) {
    notes.set(where, {
      where,
      message: 'a Scan has an order of its own: the cursor stays with the store that issued it',
    });
  }
  for (const { call } of own) {
    if (!('find' in call)) continue;
    const { sort = {} } = call.find;
    const keys = Object.keys(sort);
    if (keys.length === 0)
      problems.set(where, { where, message: 'MongoDB’s find has no sort: a cursor cannot say where its page ended' });
    if (!Array.isArray(position)) continue;
    const missing = keys.filter((name) => !position.includes(name));
    const strangers = position.filter((name) => !keys.includes(name) && !(name in call.find.filter));
    if (missing.length > 0)
      problems.set(where, {
        where,
        message: `lacks ${missing.join(', ')} of MongoDB’s sort: a cursor cannot travel, pages would skip or repeat`,
      });
    else if (strangers.length > 0)
      problems.set(where, {
        where,
        message: `${strangers.join(', ')} is not in MongoDB’s sort: a cursor cannot travel`,
      });
  }
}

const shown = ({ path, query }: Request): string => JSON.stringify({ path, query }).slice(0, 200);
