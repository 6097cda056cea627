import { posix } from 'node:path';

/** The levels of src/, highest first: a file imports from its own folder and from lower levels only. */
const levels = [
  ['cli', 'index'],
  ['commands'],
  ['compose', 'demo'],
  ['shadowing'],
  ['readiness', 'observers', 'overload', 'thread'],
  ['facade', 'admin'],
  ['operate'],
  ['replay'],
  ['request'],
  ['shadow'],
  ['report'],
  ['compare', 'origins', 'results', 'flags'],
  ['bindings', 'drivers'],
  ['contract'],
  ['model', 'config', 'metrics'],
  ['access'],
  ['credentials', 'settings', 'telemetry', 'exposition', 'series', 'give-back'],
  ['errors'],
];

const driverPackages = /^(mongodb$|@aws-sdk\/|@opentelemetry\/)/;
const mayUseDrivers = /^(drivers\/|demo\/|commands\/check)/;

/** What is wrong with the imports of these files (path below src/ → source), one line each. */
export function importComplaints(files: ReadonlyMap<string, string>): string[] {
  const complaints: string[] = [];
  for (const [file, source] of files) {
    const level = levelOf(file);
    if (level === -1) complaints.push(`${file}: ${partOf(file)} is on no level`);
    for (const { specifier, typeOnly } of importsOf(source)) {
      if (driverPackages.test(specifier) && !typeOnly && !mayUseDrivers.test(file)) {
        complaints.push(`${file} imports ${specifier}: only drivers/ may`);
      }
      if (!specifier.startsWith('.')) continue;

      const target = posix.join(posix.dirname(file), specifier);
      if (target.startsWith('..')) {
        if (target !== '../package.json') complaints.push(`${file} imports ${specifier}: it is outside src/`);
        continue;
      }
      const sameFolder = file.includes('/') && partOf(file) === partOf(target);
      const modelType = typeOnly && partOf(target) === 'model';
      if (!sameFolder && !modelType && levelOf(target) <= level) {
        complaints.push(`${file} imports ${specifier}: ${partOf(target)} is not below ${partOf(file)}`);
      }
    }
  }
  return complaints;
}

function partOf(file: string): string {
  return (file.split('/')[0] as string).replace(/\.[a-z.]+$/, '');
}

function levelOf(file: string): number {
  return levels.findIndex((parts) => parts.includes(partOf(file)));
}

function* importsOf(source: string) {
  const code = source.replace(/^\s*(\/\/|\/?\*).*$/gm, '');
  for (const match of code.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm)) {
    yield { specifier: match[2] as string, typeOnly: match[1] !== undefined };
  }
  for (const match of code.matchAll(/\bimport\('([^']+)'\)(\.[A-Z])?/g)) {
    yield { specifier: match[1] as string, typeOnly: match[2] !== undefined };
  }
}
