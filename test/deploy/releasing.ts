import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { VERSION } from '../../src/config.ts';
import { DEPLOY } from '../support/rules.ts';
import { run } from '../support/tools.ts';

const root = join(DEPLOY, '..');

interface Listed {
  readonly dependencies?: Readonly<Record<string, Listed & { readonly version?: string }>>;
}

const purlOf = (name: string, version: string) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** Everything in npm's tree; what is not installed has no version there. */
function namesOf({ dependencies = {} }: Listed): ReadonlySet<string> {
  const own = Object.entries(dependencies).flatMap(([name, { version }]) =>
    version === undefined ? [] : [purlOf(name, version)],
  );
  return new Set([...own, ...Object.values(dependencies).flatMap((one) => [...namesOf(one)])]);
}

t.test('the SBOM names what the image carries, each with its hash, and nothing else', async (t) => {
  const { code, out, all } = await run('npm', ['run', '--silent', 'sbom'], root);
  t.equal(code, 0, all);
  const sbom = JSON.parse(out) as {
    readonly bomFormat: string;
    readonly specVersion: string;
    readonly metadata: { readonly component: { readonly purl: string } };
    readonly components: readonly { readonly purl: string; readonly hashes?: readonly object[] }[];
  };
  t.match(sbom, { bomFormat: 'CycloneDX', metadata: { component: { purl: `pkg:npm/crossfade@${VERSION}` } } });
  const words = ['ls', '--all', '--json', '--package-lock-only', '--omit', 'dev', '--omit', 'optional'];
  const listed = namesOf(JSON.parse((await run('npm', words, root)).out) as Listed);
  t.ok(listed.size > 100);
  const named = new Set(sbom.components.map(({ purl }) => purl));
  t.same(
    [...named].filter((purl) => !listed.has(purl)),
    [],
    'nothing but what npm would install',
  );
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<
      Record<string, { readonly version: string; readonly optional?: boolean; readonly devOptional?: boolean }>
    >;
  };
  // `npm ls` leaves out none but the root's own optional packages.
  const optional = new Set(
    Object.entries(packages).flatMap(([place, { version, optional, devOptional }]) =>
      optional || devOptional ? [purlOf(place.replace(/^.*node_modules\//, ''), version)] : [],
    ),
  );
  t.same(
    [...listed].filter((purl) => !named.has(purl) && !optional.has(purl)),
    [],
    'and all of it',
  );
  for (const name of ['fastify', 'mongodb', '@aws-sdk/client-dynamodb', 'prom-client'])
    t.ok(
      [...named].some((purl) => purl.startsWith(purlOf(name, ''))),
      name,
    );
  t.notOk(
    [...listed].some((purl) => /\/(tap|typescript)@/.test(purl)),
    'and no development tool',
  );
  t.same(
    sbom.components.filter(({ hashes = [] }) => hashes.length === 0),
    [],
  );
});

t.test('package and chart have one version', async (t) => {
  const chart = parse(await readFile(join(DEPLOY, 'helm', 'crossfade', 'Chart.yaml'), 'utf8')) as Record<
    string,
    string
  >;
  t.same([chart.version, chart.appVersion], [VERSION, VERSION]);
});

t.test('only what signs may prove who it is, and what the example runs is there', async (t) => {
  const { permissions, jobs } = parse(await readFile(join(DEPLOY, 'release.workflow.yaml'), 'utf8')) as {
    permissions: Record<string, string>;
    jobs: Record<
      string,
      { needs?: string; permissions?: Record<string, string>; steps: { run?: string; uses?: string }[] }
    >;
  };
  t.same(permissions, { contents: 'read' });
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [name, job] of Object.entries(jobs)) {
    const text = job.steps.map(({ run = '' }) => run).join('\n');
    t.equal(job.permissions?.['id-token'] === 'write', /cosign|--provenance/.test(text), name);
    if (name !== 'test') t.ok(job.needs, `${name} waits for the tests`);
    for (const [, script] of text.matchAll(/npm run (?:--silent )?(\w+)/g))
      t.ok(scripts[script as string], `npm run ${script}`);
    for (const { uses } of job.steps) if (uses !== undefined) t.match(uses, /^[\w-]+\/[\w-]+@v\d+$/);
  }
});
