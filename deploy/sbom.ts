import { execFileSync } from 'node:child_process';
import lock from '../package-lock.json' with { type: 'json' };
import manifest from '../package.json' with { type: 'json' };

/**
 * A program: prints the software bill of materials of what the image carries (CycloneDX), read off the lockfile.
 * npm's own `--omit dev` also drops what a development tool needs beside the façade (11.19), so that its list is sorted here.
 */
const words = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
const sbom = JSON.parse(execFileSync('npm', words, { encoding: 'utf8', maxBuffer: 2 ** 26 })) as Sbom;

/** Name and version of what is installed without development tools and optional packages, wherever it lies. */
const shipped = new Set(
  Object.entries(lock.packages as Readonly<Record<string, Locked>>).flatMap(([place, { version, ...flags }]) =>
    flags.dev || flags.optional || flags.devOptional ? [] : [`${place.replace(/^.*node_modules\//, '')}@${version}`],
  ),
);

const components = sbom.components.filter((one) => shipped.has(one['bom-ref']));
const named = new Set([sbom.metadata.component, ...components].map((one) => one['bom-ref']));
const dependencies = sbom.dependencies
  .filter(({ ref }) => named.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => named.has(one)) }));
// npm calls it after the folder that it lies in.
const metadata = { ...sbom.metadata, component: { ...sbom.metadata.component, name: manifest.name } };
console.log(JSON.stringify({ ...sbom, metadata, components, dependencies }, undefined, 2));

interface Component {
  readonly 'bom-ref': string;
}

interface Locked {
  readonly version: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
}

interface Sbom {
  readonly metadata: { readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
