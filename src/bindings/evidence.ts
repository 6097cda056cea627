import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { GATE_BOUNDS, WAIVER_KEYS } from '../model/gate.ts';

/**
 * What results are evidence for: a hash of the bindings module and the local modules it imports (its rules among them),
 * the contract's bytes and our major version, 12 hexadecimal digits. Any change of these starts the evidence afresh. A
 * module `….gate.json` that holds figures of a gate, and nothing else, is left out: what the gate asks for is no part of
 * what was compared. A rule that is kept there would be.
 */
export async function evidenceId(file: string, contract: Buffer, version: string): Promise<string> {
  const hash = createHash('sha256')
    .update(`crossfade ${majorOf(version)}\n`)
    .update(contract);
  const modules = await localModules(resolve(file));
  // By content alone: the same bindings in another folder are the same evidence.
  for (const text of [...modules.values()]) hash.update('\n').update(text);
  return hash.digest('hex').slice(0, 12);
}

/** 0.3.1 → 0.3: before 1.0 a minor version may change what is compared. */
const majorOf = (version: string): string => version.split('.', version.startsWith('0.') ? 2 : 1).join('.');

/** This package's own modules: their changes are what the version is for. */
const OWN = join(dirname(fileURLToPath(import.meta.url)), '..') + sep;

const IMPORT = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** The module and all that it imports by relative path, in the order of the imports; a file that is not there is left out. */
async function localModules(file: string, seen = new Map<string, string>()): Promise<ReadonlyMap<string, string>> {
  if (seen.has(file) || file.startsWith(OWN)) return seen;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || (file.endsWith('.gate.json') && holdsFigures(text))) return seen;
  seen.set(file, text);
  for (const [, specifier] of text.matchAll(IMPORT)) await localModules(pathOf(specifier as string, file), seen);
  return seen;
}

/** As the runtime finds it: `./rules.ts?v=2` and `./r%75les.ts` are `rules.ts`. */
function pathOf(specifier: string, from: string): string {
  try {
    return fileURLToPath(new URL(specifier, pathToFileURL(from)));
  } catch {
    return resolve(dirname(from), specifier);
  }
}

/** Of the API, or of operations by name. */
function holdsFigures(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isGate(value) || (isObject(value) && Object.values(value).every(isGate));
  } catch {
    return false;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const has = (value: unknown, names: readonly string[]): boolean =>
  isObject(value) && Object.keys(value).every((name) => names.includes(name));

function isGate(value: unknown): boolean {
  if (!has(value, [...Object.keys(GATE_BOUNDS), 'waivers'])) return false;
  const { waivers = [], ...figures } = value as { readonly waivers?: unknown };
  return (
    Object.values(figures).every((figure) => !isObject(figure) && !Array.isArray(figure)) &&
    Array.isArray(waivers) &&
    waivers.every(
      (waiver) => has(waiver, WAIVER_KEYS) && !Object.values(waiver).some((said) => typeof said !== 'string'),
    )
  );
}
