import type { Problem } from '../errors.ts';
import type { BindingsSpec, OperationSpec, Sources } from '../model/binding.ts';
import { isMoment } from '../model/date.ts';
import type { Contract, Operation } from '../model/operation.ts';
import { checkAuth, checkCors } from './auth.ts';
import { checkGateSpec } from './gate.ts';
import { headerProblem } from './headers.ts';
import { nearest } from './nearest.ts';
import { codecOf } from './sources.ts';

const API_KEYS = [
  'contract',
  'name',
  'tenant',
  'auth',
  'cors',
  'basePath',
  'trailingSlash',
  'errors',
  'headers',
  'freshness',
  'shapes',
  'absentAs',
  'unknownParameters',
  'compare',
  'reveal',
  'gate',
  'operations',
];

const OPERATION_KEYS = [
  'dynamodb',
  'mongodb',
  'kind',
  'auth',
  'tenantScope',
  'allow',
  'items',
  'page',
  'maxItems',
  'response',
  'errors',
  'status',
  'headers',
  'empty',
  'key',
  'open',
  'variant',
  'absentAs',
  'unknownParameters',
  'repeatable',
  'freshness',
  'compare',
  'gate',
];

const PAGE_KEYS = ['limit', 'cursor', 'position', 'next', 'more', 'total', 'pages', 'links'];

const RULES = ['ignore', 'unordered', 'within', 'absentEqualsNull', 'tolerance'];

/** What is wrong with a bindings module as it stands, before any of it is called; each with file and path. */
export function checkSpec(file: string, spec: BindingsSpec, contract: Contract): readonly Problem[] {
  const problems: Problem[] = [];
  const say = (pointer: string, message: string) => problems.push({ where: `${file}#${pointer}`, message });
  unknownKeys(spec, API_KEYS, '', say);
  if (typeof spec.tenant !== 'function') {
    say('/tenant', "must be a function that gives the tenant, such as ({ headers }) => headers['x-tenant-id']");
  }
  for (const [name, sources] of Object.entries(spec.shapes ?? {})) {
    codecs(sources, `/shapes/${name}`, say);
    if (!contract.schemas.includes(name)) {
      say(`/shapes/${name}`, `the contract has no such component schema${nearest(name, contract.schemas)}`);
    }
  }
  rules(spec.compare, '/compare', say);
  headers(spec.headers, '/headers', say);
  checkGateSpec(spec.gate, '/gate', say);
  if (typeof spec.operations !== 'object' || spec.operations === null) {
    say('/operations', 'must be an object: operationId → bindings');
    return problems;
  }
  const known = new Map(contract.operations.map((operation) => [operation.id, operation]));
  for (const [id, own] of Object.entries(spec.operations)) {
    const operation = known.get(id);
    if (operation === undefined) {
      say(`/operations/${id}`, `the contract has no such operation${nearest(id, [...known.keys()])}`);
      continue;
    }
    checkOperation(`/operations/${id}`, own, operation, say);
  }
  checkAuth(spec, contract, say);
  checkCors(spec.cors, say);
  return problems;
}

type Say = (pointer: string, message: string) => void;

function checkOperation(at: string, own: OperationSpec, operation: Operation, say: Say): void {
  unknownKeys(own, OPERATION_KEYS, at, say);
  const safe = operation.method === 'GET' || operation.method === 'HEAD';
  const stores = (['dynamodb', 'mongodb'] as const).filter((store) => own[store] !== undefined);
  for (const store of stores) {
    if (typeof own[store] !== 'function') say(`${at}/${store}`, 'must be a function from the request to a call');
  }
  if (!safe && stores.length > 0 && own.kind !== 'read') {
    say(at, `${operation.method} is a write, and writes pass to legacy; say kind: 'read' where it only reads`);
  }
  if (own.tenantScope !== undefined && !own.tenantScope.none) {
    say(`${at}/tenantScope`, "must be { none: 'the reason' }");
  }
  codecs(own.response, `${at}/response`, say);
  rules(own.compare, `${at}/compare`, say);
  headers(own.headers, `${at}/headers`, say);
  checkGateSpec(own.gate, `${at}/gate`, say);
  if (own.page === undefined) return;
  unknownKeys(own.page, PAGE_KEYS, `${at}/page`, say);
  const { cursor, position, next, links } = own.page;
  const queries = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  if (next !== undefined && position === undefined) {
    say(`${at}/page/position`, 'is missing: a next cursor says where the page ended, such as position: ["sk"]');
  }
  if (position !== undefined && cursor === undefined) {
    say(
      `${at}/page/cursor`,
      'is missing: say where the client sends the cursor back, such as ({ query }) => query.cursor',
    );
  }
  if (links !== undefined && !queries.includes(links.replace(/\[.*$/, ''))) {
    say(`${at}/page/links`, `the operation has no query parameter "${links}"${nearest(links, queries)}`);
  }
  const isArray = operation.success.shape?.kind === 'array';
  if (own.items === undefined && !isArray) say(`${at}/items`, 'is missing: say where the list stands in the response');
}

function headers(given: BindingsSpec['headers'], at: string, say: Say): void {
  const problem = headerProblem(given);
  if (problem !== undefined) say(at, problem);
}

function unknownKeys(value: object, known: readonly string[], at: string, say: Say): void {
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) say(`${at}/${name}`, `is not known${nearest(name, known)}`);
  }
}

const CODECS =
  'date, iso8601-seconds, iso8601-millis, epoch-seconds, epoch-millis, decimal(n), decimal-string, number, string, uuid, hex, json'.split(
    ', ',
  );

function codecs(sources: Sources | undefined, at: string, say: Say): void {
  for (const [pointer, source] of Object.entries(sources ?? {})) {
    for (const store of ['dynamodb', 'mongodb'] as const) {
      const codec: unknown = codecOf(source, store);
      if (codec === undefined || CODECS.includes(String(codec).replace(/^decimal\(\d+\)$/, 'decimal(n)'))) continue;
      say(`${at}/${pointer}/${store}/as`, `there is no codec "${codec}"; there are ${CODECS.join(', ')}`);
    }
  }
}

function rules(list: BindingsSpec['compare'], at: string, say: Say): void {
  const known = new Map<string, number>();
  for (const [index, rule] of (list ?? []).entries()) {
    const here = `${at}/${index}`;
    // What an ended rule once covered is a mismatch now: nobody could tell it from what the other covers.
    const id = JSON.stringify([rule.rule, rule.path, rule.pair]);
    if (known.has(id))
      say(here, `is counted as one with ${at}/${known.get(id)}, of the same rule, path and pair: keep one`);
    else known.set(id, index);
    if (!RULES.includes(rule.rule)) say(`${here}/rule`, `"${rule.rule}" is not one of ${RULES.join(', ')}`);
    if (!rule.reason) say(`${here}/reason`, 'is missing: say why this difference is right');
    if (rule.path === '' || rule.path === '/' || rule.path?.includes('**')) {
      say(`${here}/path`, 'a rule on the root or on ** would hide everything; name the property');
    }
    if (rule.until !== undefined && !isMoment(rule.until)) {
      say(`${here}/until`, `"${rule.until}" is no date; write it as 2027-01-31`);
    }
  }
}
