import { type Document, isMap, parseDocument, type YAMLMap } from 'yaml';
import type { Stage } from '../model/stage.ts';
import type { OperationStages, Ramp, StagesState } from './api.ts';
import { scalarText } from './stages.ts';

/** One change of the stages, whoever holds them. */
export type StagesEdit =
  /** Everybody: the ramp ends; tenants that have a stage of their own keep it, unless `all`. */
  | { readonly operation: string; readonly stage: Stage; readonly all?: boolean }
  | { readonly operation: string; readonly stage: Stage; readonly tenants: readonly string[] }
  | { readonly operation: string; readonly ramp: Ramp }
  /** `rest`: the stage as it is; where a file does not say it, it would follow the floor. */
  | { readonly operation: string; readonly floor: Stage; readonly rest: Stage }
  | { readonly operation: string; readonly stages: OperationStages }
  | { readonly kill: boolean }
  | { readonly sampling: number };

/** The state with one change made. Names of operations that it does not have change nothing. */
export function edited(state: StagesState, edit: StagesEdit): StagesState {
  if ('kill' in edit) return Object.freeze({ ...state, kill: edit.kill });
  if ('sampling' in edit) return Object.freeze({ ...state, sampling: edit.sampling });
  const operations = state.operations.map((operation) =>
    operation.id === edit.operation ? Object.freeze({ ...editedOperation(operation, edit), named: true }) : operation,
  );
  return Object.freeze({ ...state, operations: Object.freeze(operations) });
}

type OperationEdit = Extract<StagesEdit, { readonly operation: string }>;

function editedOperation(before: OperationStages, edit: OperationEdit): OperationStages {
  if ('stages' in edit) return edit.stages;
  if ('floor' in edit) return { ...before, floor: edit.floor };
  if ('ramp' in edit) return { ...before, ramp: edit.ramp };
  if ('tenants' in edit) {
    const tenants = new Map([...before.tenants, ...edit.tenants.map((tenant) => [tenant, edit.stage] as const)]);
    return { ...before, tenants };
  }
  const tenants = edit.all === true ? new Map<string, Stage>() : before.tenants;
  return { ...before, stage: edit.stage, ramp: undefined, tenants };
}

/** The text of stages.yaml with one change made; comments and the order of what is there stay. */
export function editStages(text: string, edit: StagesEdit): string {
  // Every word stays as it is written: `00123` is a tenant, not a number.
  // Names that stand twice are found by who reads it; looking for them here takes seconds where there are 10,000.
  const document: Document = parseDocument(text, { schema: 'failsafe', uniqueKeys: false });
  if (!isMap(document.contents)) document.contents = document.createNode({});
  const top = document.contents as YAMLMap;
  if ('kill' in edit) set(document, top, 'kill', edit.kill);
  else if ('sampling' in edit) set(document, top, 'sampling', edit.sampling);
  else {
    const operations = child(document, top, 'operations', false);
    // An empty `{}` in flow style would keep all that is added on one line.
    if (operations.items.length === 0) operations.flow = false;
    editOperation(document, child(document, operations, edit.operation, true), edit);
  }
  const written = document.toString({ lineWidth: 0 });
  const marked = text.startsWith('\uFEFF') && !written.startsWith('\uFEFF') ? `\uFEFF${written}` : written;
  return /\r\n/.test(text) ? marked.replace(/\r?\n/g, '\r\n') : marked;
}

function editOperation(document: Document, operation: YAMLMap, edit: OperationEdit): void {
  if ('stages' in edit) {
    replaceOperation(document, operation, edit.stages);
    return;
  }
  if ('floor' in edit) {
    set(document, operation, 'stage', edit.rest);
    set(document, operation, 'floor', edit.floor);
    return;
  }
  if ('ramp' in edit) {
    setRamp(document, operation, edit.ramp);
    return;
  }
  if ('tenants' in edit) {
    const tenants = child(document, operation, 'tenants', true);
    setAll(
      document,
      tenants,
      edit.tenants.map((tenant) => [tenant, edit.stage]),
    );
    return;
  }
  set(document, operation, 'stage', edit.stage);
  remove(operation, 'ramp');
  if (edit.all === true) remove(operation, 'tenants');
}

function replaceOperation(document: Document, operation: YAMLMap, { stage, floor, ramp, tenants }: OperationStages) {
  set(document, operation, 'stage', stage);
  set(document, operation, 'floor', floor);
  if (ramp === undefined) remove(operation, 'ramp');
  else setRamp(document, operation, ramp);
  if (tenants.size === 0) {
    remove(operation, 'tenants');
    return;
  }
  const map = child(document, operation, 'tenants', true);
  map.items = map.items.filter((item) => tenants.has(scalarText(item.key) ?? ''));
  setAll(document, map, tenants);
}

function setRamp(document: Document, operation: YAMLMap, { to, percent }: Ramp): void {
  const ramp = child(document, operation, 'ramp', true);
  set(document, ramp, 'to', to);
  set(document, ramp, 'percent', percent);
}

const pairOf = (map: YAMLMap, key: string) =>
  map.items.find((item) => scalarText(item.key) === key || item.key === key);

function remove(map: YAMLMap, key: string): void {
  map.items = map.items.filter((item) => scalarText(item.key) !== key);
}

function child(document: Document, map: YAMLMap, key: string, flow: boolean): YAMLMap {
  const pair = pairOf(map, key);
  if (isMap(pair?.value)) return pair.value;
  const made = document.createNode({}, { flow }) as YAMLMap;
  const old = pair?.value as { comment?: string | null; commentBefore?: string | null } | null | undefined;
  if (old?.comment != null) made.commentBefore = old.comment;
  if (old?.commentBefore != null) made.commentBefore = old.commentBefore;
  // Above entries in one line there is no room for a comment.
  if (made.commentBefore != null) made.flow = false;
  if (pair === undefined) map.items.push(document.createPair(key, made));
  else pair.value = made;
  return made;
}

/** Of as many as there may be: what is there is looked through once. */
function setAll(document: Document, map: YAMLMap, entries: Iterable<readonly [string, Stage]>): void {
  const there = new Map(map.items.map((item) => [scalarText(item.key) ?? item.key, item]));
  for (const [key, value] of entries) setPair(document, map, there.get(key), key, value);
}

function set(document: Document, map: YAMLMap, key: string, value: string | number | boolean): void {
  setPair(document, map, pairOf(map, key), key, value);
}

function setPair(
  document: Document,
  map: YAMLMap,
  pair: ReturnType<typeof pairOf>,
  key: string,
  value: string | number | boolean,
): void {
  if (pair === undefined) map.items.push(document.createPair(key, String(value)));
  else if (scalarText(pair.value) !== String(value)) {
    const made = document.createNode(String(value));
    // A comment after the old value belongs to the line, not to the value.
    made.comment = (pair.value as { comment?: string | null } | null)?.comment ?? null;
    pair.value = made;
  }
}
