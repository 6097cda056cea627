import { isAlias, isMap, isScalar, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { ConfigError, type Problem } from '../errors.ts';
import { compareStages, isStage, later, STAGES, type Stage } from '../model/stage.ts';
import type { FlagApi, FlagOperation, OperationStages, Ramp, StagesState } from './api.ts';
import { suggestion, tenantProblem, whyNotOffered } from './api.ts';

/**
 * The text of stages.yaml → its state. Everything is optional; an operation that is not named is at its initial stage.
 * Throws a ConfigError with `file:line` for every mistake at once.
 */
export function parseStages(text: string, api: FlagApi, file: string): StagesState {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const problems: Problem[] = [];
  const say: Say = (offset, message) => {
    problems.push({ where: `${file}:${offset === undefined ? 1 : lines.linePos(offset).line}`, message });
  };
  for (const error of [...document.errors, ...document.warnings]) say(error.pos[0], error.message);
  if (problems.length > 0) throw new ConfigError(problems);
  const top = entries(document.contents, 'stages.yaml', say, ['kill', 'sampling', 'operations']);
  const kill = boolean(top.get('kill'), 'kill', say) ?? false;
  const sampling = percent(top.get('sampling'), 'sampling', say) ?? 100;
  const given = entries(top.get('operations')?.value, 'operations', say);
  const ids = api.operations.map((operation) => operation.id);
  const known = new Set(ids);
  for (const [id, { offset }] of given) {
    if (!known.has(id)) say(offset, `${api.name} has no operation \`${id}\`${suggestion(id, ids)}`);
  }
  const operations = api.operations.map((operation) => parseOperation(operation, given.get(operation.id), say));
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({ kill, sampling, operations: Object.freeze(operations) });
}

type Say = (offset: number | undefined, message: string) => void;
type Entry = { readonly value: ParsedNode | null; readonly offset: number | undefined };

function parseOperation(operation: FlagOperation, entry: Entry | undefined, say: Say): OperationStages {
  const { id, initial } = operation;
  const keys = entries(entry?.value, id, say, ['stage', 'floor', 'ramp', 'tenants']);
  const read = (one: Entry | undefined, what: string) => stage(one, `${id}: ${what}`, operation, say);
  const floor = read(keys.get('floor'), 'floor') ?? initial;
  // An operation that says only its floor rests there: its initial stage may be below.
  const rest = read(keys.get('stage'), 'stage') ?? later(initial, floor);
  const above = (asked: Stage, one: Entry | undefined, what: string) => {
    if (compareStages(asked, floor) < 0) say(one?.offset, `${id}: ${what} ${asked} is below the floor, ${floor}`);
  };
  above(rest, keys.get('stage'), 'stage');
  const ramp = parseRamp(keys.get('ramp'), operation, rest, say);
  const tenants = new Map<string, Stage>();
  for (const [tenant, one] of entries(keys.get('tenants')?.value, `${id}: tenants`, say)) {
    const wrong = tenantProblem(tenant);
    if (wrong !== undefined) say(one.offset, `${id}: tenant \`${tenant}\` ${wrong}`);
    const asked = read(one, `tenant ${tenant}`);
    if (asked === undefined) continue;
    above(asked, one, `tenant ${tenant}: stage`);
    tenants.set(tenant, asked);
  }
  return Object.freeze({ id, stage: rest, floor, ramp, tenants, named: entry !== undefined });
}

function parseRamp(entry: Entry | undefined, operation: FlagOperation, rest: Stage, say: Say): Ramp | undefined {
  if (entry === undefined || entry.value === null || isNull(entry.value)) return undefined;
  const { id } = operation;
  const keys = entries(entry.value, `${id}: ramp`, say, ['to', 'percent']);
  for (const key of ['to', 'percent']) if (!keys.has(key)) say(entry.offset, `${id}: ramp lacks \`${key}\``);
  const to = stage(keys.get('to'), `${id}: ramp to`, operation, say);
  const share = percent(keys.get('percent'), `${id}: ramp percent`, say);
  if (to === undefined || share === undefined) return undefined;
  if (compareStages(to, rest) <= 0) {
    say(keys.get('to')?.offset, `${id}: ramp goes from ${rest} to ${to}: it must go forward`);
    return undefined;
  }
  return Object.freeze({ to, percent: share });
}

function stage(entry: Entry | undefined, what: string, operation: FlagOperation, say: Say): Stage | undefined {
  if (entry === undefined) return undefined;
  const word = scalarText(entry.value);
  if (!isStage(word)) {
    say(entry.offset, `${what}: \`${word ?? ''}\` is no stage${suggestion(word ?? '', STAGES)}`);
    return undefined;
  }
  const refusal = whyNotOffered(operation, word);
  if (refusal !== undefined) say(entry.offset, `${what}: ${refusal}`);
  return refusal === undefined ? word : undefined;
}

/** A map's entries by the text of their keys: `42` and `true` are names of tenants as any other. */
function entries(node: unknown, what: string, say: Say, known?: readonly string[]): Map<string, Entry> {
  const found = new Map<string, Entry>();
  if (node === undefined || node === null || isNull(node)) return found;
  if (!isMap<ParsedNode, ParsedNode | null>(node)) {
    const where = (node as ParsedNode).range?.[0];
    const hint = isAlias(node) ? ': write it out, aliases are not read' : '';
    say(where, `${what} must be a map (\`name: value\`)${hint}`);
    return found;
  }
  for (const { key, value } of node.items) {
    const offset = key.range?.[0];
    const name = scalarText(key);
    if (name === undefined) say(offset, `${what}: a name must be a plain text`);
    else if (found.has(name)) say(offset, `${what}: \`${name}\` stands here twice`);
    else if (known !== undefined && !known.includes(name)) {
      say(offset, `${what}: unknown key \`${name}\`${suggestion(name, known)}`);
    } else found.set(name, { value, offset });
  }
  return found;
}

/** A scalar as it was written, so that `007` is not 7. */
export function scalarText(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}

const isNull = (node: unknown): boolean => isScalar(node) && node.value === null;

function boolean(entry: Entry | undefined, what: string, say: Say): boolean | undefined {
  if (entry === undefined) return undefined;
  const value = isScalar(entry.value) ? entry.value.value : undefined;
  if (typeof value === 'boolean') return value;
  say(entry.offset, `${what} must be true or false`);
  return undefined;
}

function percent(entry: Entry | undefined, what: string, say: Say): number | undefined {
  if (entry === undefined) return undefined;
  const value = isScalar(entry.value) ? entry.value.value : undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 100) return value;
  say(entry.offset, `${what} must be a whole number from 0 to 100`);
  return undefined;
}
