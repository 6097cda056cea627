import { checkSync } from 'recheck';
import type { Operation, Schema } from '../model/operation.ts';

const TIMEOUT = 2_000;

/** A pattern of the contract that can backtrack without bound, with the text that shows it; `undefined` where it cannot. */
export function unsafePattern(source: string): string | undefined {
  const result = checkSync(source, 'u', { timeout: TIMEOUT });
  if (result.status !== 'vulnerable') return undefined;
  return `the pattern ${source} can take ${result.complexity.summary} time, as with ${JSON.stringify(result.attack.string.slice(0, 40))}`;
}

/** Every pattern that a parameter or a body of the operation is validated by, each once. */
export function patternsOf({ parameters, body }: Operation): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<unknown>();
  const collect = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null || seen.has(schema)) return;
    seen.add(schema);
    const { pattern } = schema as { pattern?: unknown };
    if (typeof pattern === 'string') found.add(pattern);
    for (const inner of Object.values(schema)) collect(inner);
  };
  const schemas: (Schema | undefined)[] = [...parameters.map(({ schema }) => schema), body?.schema];
  for (const schema of schemas) collect(schema);
  return found;
}
