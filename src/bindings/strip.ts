import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** As Node itself does it, to the same positions. */
const PROGRAM = "process.stdout.write(require('node:module').stripTypeScriptTypes(fs.readFileSync(0, 'utf8')))";

/**
 * Has the types of modules that are imported from now on taken out by a process of its own: what does that in Node stays
 * in memory ever after, 50 MB for some files at the start. What it cannot read is left to Node, which says what is wrong.
 */
export function stripElsewhere(): void {
  registerHooks({
    load(url, context, next) {
      const said = context.format === 'module-typescript';
      // Where no package.json says what a file is, its syntax does.
      const open = context.format == null && new URL(url).pathname.endsWith('.ts');
      if (!(said || open) || !url.startsWith('file:')) return next(url, context);
      const source = stripped(fileURLToPath(url));
      if (source === undefined || (open && isScript(source))) return next(url, context);
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

function isScript(source: string): boolean {
  try {
    return new Script(source) !== undefined;
  } catch {
    return false;
  }
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
