import { chmod, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Document, isMap, parseDocument, type YAMLMap } from 'yaml';
import type { Stage } from '../model/stage.ts';
import { type Ramp, scalarText } from './ladder.ts';

/** One move in stages.yaml: the whole operation (its ramp ends, its tenants stay), some tenants, or a ramp. */
export type StagesEdit =
  | { readonly operation: string; readonly stage: Stage }
  | { readonly operation: string; readonly stage: Stage; readonly tenants: readonly string[] }
  | { readonly operation: string; readonly ramp: Ramp };

/** The text of stages.yaml with one move made; comments and the order of what is there stay. */
export function editStages(text: string, edit: StagesEdit): string {
  const document: Document = parseDocument(text);
  if (!isMap(document.contents)) document.contents = document.createNode({});
  const top = document.contents as YAMLMap;
  const child = (map: YAMLMap, key: string, flow: boolean): YAMLMap => {
    const pair = map.items.find((item) => scalarText(item.key) === key || item.key === key);
    if (isMap(pair?.value)) return pair.value;
    const made = document.createNode({}, { flow }) as YAMLMap;
    if (pair === undefined) map.items.push(document.createPair(key, made));
    else pair.value = made;
    return made;
  };
  const set = (map: YAMLMap, key: string, value: string | number): void => {
    const pair = map.items.find((item) => scalarText(item.key) === key);
    if (pair === undefined) map.items.push(document.createPair(key, value));
    else if (scalarText(pair.value) !== String(value)) {
      const made = document.createNode(value);
      // A comment after the old value belongs to the line, not to the value.
      made.comment = (pair.value as { comment?: string | null } | null)?.comment ?? null;
      pair.value = made;
    }
  };

  const operations = child(top, 'operations', false);
  // An empty `{}` in flow style would keep all that is added on one line.
  if (operations.items.length === 0) operations.flow = false;
  const operation = child(operations, edit.operation, true);
  if ('ramp' in edit) {
    const ramp = child(operation, 'ramp', true);
    set(ramp, 'to', edit.ramp.to);
    set(ramp, 'percent', edit.ramp.percent);
  } else if ('tenants' in edit) {
    const tenants = child(operation, 'tenants', true);
    for (const tenant of edit.tenants) set(tenants, tenant, edit.stage);
  } else {
    set(operation, 'stage', edit.stage);
    operation.items = operation.items.filter((item) => scalarText(item.key) !== 'ramp');
  }
  return document.toString({ lineWidth: 0 });
}

/** A writer that died leaves its temporary file behind; older than this it is taken away. */
const STALE = 10_000;
const PATIENCE = 3_000;

/**
 * Replaces a file in one step, keeping its mode and what a symbolic link points to. `edit` gets the text ('' where
 * there is none) and gives the new one. Two at once take turns; a change by someone else meanwhile is an error, and
 * nothing is written.
 */
export async function replaceFile(file: string, edit: (text: string) => string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const temporary = join(dirname(target), `.${basename(target)}.crossfade`);
  const handle = await openAlone(temporary);
  try {
    const before = await readOr(target);
    const after = edit(before ?? '');
    await handle.writeFile(after);
    await handle.sync();
    await handle.close();
    if (before !== undefined) await chmod(temporary, (await stat(target)).mode & 0o7777);
    if ((await readOr(target)) !== before)
      throw new Error(`${file} was changed meanwhile: nothing is written, try again`);
    await rename(temporary, target);
  } catch (error) {
    await handle.close().catch(() => {});
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

async function openAlone(temporary: string) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await open(temporary, 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || Date.now() > end) throw error;
    }
    const age = await stat(temporary).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE) await unlink(temporary).catch(() => {});
    else await sleep(20);
  }
}

/** The file's text; `undefined` where there is none. */
export async function readOr(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
