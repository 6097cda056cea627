import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What results are evidence for: a hash of the bindings module and the local modules it imports (its rules among them),
 * the contract's bytes and our major version, 12 hexadecimal digits. Any change of these starts the evidence afresh. A
 * module `….gate.json` is left out: what the gate asks for is no part of what was compared, and JSON holds nothing else.
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
  if (seen.has(file) || file.startsWith(OWN) || file.endsWith('.gate.json')) return seen;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return seen;
  seen.set(file, text);
  for (const [, specifier] of text.matchAll(IMPORT))
    await localModules(resolve(dirname(file), specifier as string), seen);
  return seen;
}
