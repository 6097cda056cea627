import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** As Node itself does it, to the same positions. */
const PROGRAM = "process.stdout.write(require('node:module').stripTypeScriptTypes(fs.readFileSync(0, 'utf8')))";

/**
 * Has the types of modules that are imported from now on taken out by a process of its own: what does that in Node stays
 * in memory ever after, 50 MB for some files at the start. What it cannot read is left to Node, which says what is wrong.
 */
export function stripElsewhere(): void {
  registerHooks({
    load(url, context, next) {
      if (context.format !== 'module-typescript' || !url.startsWith('file:')) return next(url, context);
      const source = stripped(fileURLToPath(url));
      return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
    },
  });
}

/** `undefined` for what Node cannot take the types out of. */
export function stripped(file: string): string | undefined {
  try {
    return execFileSync(process.execPath, ['--eval', PROGRAM], {
      ...{ input: readFileSync(file), encoding: 'utf8', env: {}, maxBuffer: Number.POSITIVE_INFINITY },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
}
