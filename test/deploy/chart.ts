import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { SETTINGS } from '../../src/settings.ts';
import { DEPLOY, ruleFile } from '../support/rules.ts';
import { helm, kubernetesSchemas, patience, prometheus, run } from '../support/tools.ts';

patience(t, 900);

const CHART = join(DEPLOY, 'helm', 'crossfade');
const RELEASES = ['1.30.0', '1.34.0'];

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly [part: string]: any;
}

const program = await helm();
const template = (words: readonly string[], release = '1.34.0') =>
  run(program, ['template', 'photos', CHART, '-n', 'apps', '--kube-version', release, ...words]);
const values = (name: string) => ['-f', join(CHART, 'ci', `${name}.yaml`)];
const complaint = (text: string) => text.replaceAll(/^.*found symbolic link.*\n/gm, '');

async function resources(words: readonly string[], release?: string): Promise<readonly Resource[]> {
  const { code, out, all } = await template(words, release);
  if (code !== 0) throw new Error(complaint(all));
  return parseAllDocuments(out).flatMap((document) => (document.toJS() as Resource | null) ?? []);
}

const of = (all: readonly Resource[], kind: string, suffix = ''): Resource => {
  const one = all.find((resource) => resource.kind === kind && resource.metadata.name === `photos-crossfade${suffix}`);
  if (one === undefined) throw new Error(`there is no ${kind} photos-crossfade${suffix}`);
  return one;
};

/** Judges resources by the schemas of a release, in which nothing goes that they do not name. */
async function judge(release: string) {
  const folder = await kubernetesSchemas(release);
  const schema = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as { $id: string };
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  for (const format of ['int32', 'int64', 'double', 'byte', 'int-or-string', 'quantity']) ajv.addFormat(format, true);
  ajv.addSchema({ ...schema('_definitions.json'), $id: 'https://kubernetes.io/api/_definitions.json' });
  const files = new Set(await readdir(folder));
  return ({ apiVersion, kind, ...rest }: Resource): readonly string[] => {
    const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const short = group.split('.')[0];
    const file = `${kind.toLowerCase()}${short ? `-${short}` : ''}-${version}.json`;
    if (!files.has(file)) return [`${apiVersion} ${kind} is unknown in ${release}`];
    const { $id } = schema(file);
    const check = ajv.getSchema($id) ?? ajv.compile(schema(file));
    check({ apiVersion, kind, ...rest });
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${kind} ${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}

t.test('helm lint finds nothing', async (t) => {
  for (const name of ['photos', 'least']) {
    const { code, all } = await run(program, ['lint', CHART, '--strict', ...values(name)]);
    t.equal(code, 0, complaint(all));
    t.notMatch(all, /\[(WARNING|ERROR)\]/, name);
  }
});

for (const release of RELEASES)
  t.test(`what it renders is what Kubernetes ${release} takes`, async (t) => {
    const complaints = await judge(release);
    for (const name of ['photos', 'least']) {
      const all = await resources(values(name), release);
      const own = all.filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.coreos.com/'));
      t.ok(own.length > 3, `${name}: ${own.map(({ kind }) => kind).join(', ')}`);
      t.same(own.flatMap(complaints), [], name);
    }
    const [pod] = (await resources(values('least'), release)).filter(({ kind }) => kind === 'Deployment');
    t.match(
      complaints({ ...(pod as Resource), spec: { ...pod?.spec, replica: 1 } })[0],
      /must NOT have additional/,
      'and it would say so',
    );
  });

t.test('the pod may do little, and ends in time', async (t) => {
  const all = await resources(values('photos'));
  const { template: pod } = of(all, 'Deployment').spec;
  const [container] = pod.spec.containers;
  t.match(pod.spec.securityContext, {
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  });
  t.match(container.securityContext, {
    ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
  });
  t.equal(pod.spec.automountServiceAccountToken, false);
  const env = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  // What the commands look for is no setting of a process.
  const known = new Set([...Object.keys(SETTINGS.properties), 'BINDINGS']);
  t.same(
    Object.keys(env).filter((name) => !known.has(name)),
    [],
    'every variable is a setting',
  );
  const hosts = ['photos-crossfade-admin', 'photos-crossfade-admin.apps', 'photos-crossfade-admin.apps.svc'];
  t.same(env.ADMIN_HOSTS.split(','), [...hosts, 'crossfade.photos.example']);
  const needed = (Number(env.DRAIN_DELAY_MS) + Number(env.ORIGIN_TIMEOUT_MS) + 5_000) / 1000;
  t.ok(pod.spec.terminationGracePeriodSeconds > needed, 'longer than the process gives itself');
  t.same(
    [container.livenessProbe, container.readinessProbe, container.startupProbe].map(({ httpGet }) => [
      httpGet.path,
      httpGet.port,
    ]),
    [
      ['/livez', 'admin'],
      ['/readyz', 'admin'],
      ['/livez', 'admin'],
    ],
  );
  const mounts = container.volumeMounts.map(({ name, mountPath }: { name: string; mountPath: string }) => [
    name,
    mountPath,
  ]);
  t.equal(env.BINDINGS, container.args[1], 'the commands in a pod find the same bindings');
  t.strictSame(new Map(mounts).get('state'), env.STATE_DIR, 'the only place that is written to');
  t.same(pod.spec.volumes.find(({ name }: { name: string }) => name === 'state').emptyDir, { sizeLimit: '64Mi' });
  t.equal(of(all, 'Service', '-admin').spec.type, 'ClusterIP');
  t.equal(of(all, 'Deployment').spec.replicas, undefined, 'the autoscaler says how many');
  t.ok(container.image.endsWith(`@sha256:${'0'.repeat(64)}`), 'a digest wins');
});

t.test('what replicas share must be in the Secret, and numbers stay as they are written', async (t) => {
  const file = join(t.testdir({}), 'values.yaml');
  const settings =
    '{ OIDC_CLIENT_ID: 123456789012, OTEL_TRACES_SAMPLER_ARG: 0.05, SERVER_TIMING: true, LOG_LEVEL: warn }';
  await writeFile(file, `replicas: 2\nexistingSecret: photos\nsettings: ${settings}\n`);
  const envOf = async (...words: string[]) => {
    const { template: pod } = of(await resources([...values('least'), '-f', file, ...words]), 'Deployment').spec;
    return pod.spec.containers[0].env as { name: string; value?: string; valueFrom?: { secretKeyRef: unknown } }[];
  };
  const env = await envOf();
  const shared = ['CURSOR_SECRETS', 'ADMIN_SESSION_SECRETS', 'ADMIN_TOKENS'];
  t.same(
    env.flatMap(({ name, valueFrom }) => (valueFrom === undefined ? [] : [[name, valueFrom.secretKeyRef]])),
    shared.map((key) => [key, { name: 'photos', key }]),
    'none of them is optional',
  );
  const said = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  t.match(said, {
    ...{ OIDC_CLIENT_ID: '123456789012', OTEL_TRACES_SAMPLER_ARG: '0.05', SERVER_TIMING: 'true', LOG_LEVEL: 'warn' },
  });
  const login = await envOf('--set', 'settings.OIDC_ISSUER=https://issuer.example');
  t.notOk(
    login.some(({ name }) => name === 'ADMIN_TOKENS'),
    'people may log in instead',
  );
  t.notOk((await envOf('--set', 'replicas=1')).some(({ valueFrom }) => valueFrom !== undefined));
});

t.test('chart and Dockerfile agree', async (t) => {
  const text = await readFile(join(DEPLOY, '..', 'Dockerfile'), 'utf8');
  const said = text.replaceAll(/\\\n/g, ' ');
  const { template: pod } = of(await resources(values('least')), 'Deployment').spec;
  const [container] = pod.spec.containers;
  const env = Object.fromEntries(
    container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  );
  const image = Object.fromEntries(
    [...(/^ENV (.*)$/m.exec(said)?.[1]?.matchAll(/(\w+)=(\S+)/g) ?? [])].map(([, name, value]) => [name, value]),
  );
  for (const name of ['HOST', 'PORT', 'ADMIN_HOST', 'ADMIN_PORT', 'STATE_DIR']) t.equal(env[name], image[name], name);
  t.match(
    said,
    /^ENTRYPOINT \["node", "--max-semi-space-size=8", "--heap-growing-percent=30", "--external-memory-accounted-in-global-limit", "dist\/src\/cli\.js"\]$/m,
    'the chart leaves the entry point',
  );
  const [, ...flags] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(said)?.[1] ?? '');
  t.match(
    await run(process.execPath, [...flags.slice(0, -1), '--eval', '']),
    { code: 0, all: '' },
    'whose flags Node knows',
  );
  t.notOk('command' in container);
  t.same(JSON.parse(/^CMD (.*)$/m.exec(said)?.[1] ?? ''), container.args);
  t.match(said, /^USER node$/m, 'whose number is 1000');
  t.match(said, /^HEALTHCHECK .*\/livez/m);
});

t.test('the rules and the dashboard in the chart are those of the folder', async (t) => {
  const all = await resources(values('photos'));
  const { groups } = of(all, 'PrometheusRule').spec;
  const based = JSON.parse(
    JSON.stringify(ruleFile().groups).replaceAll(
      'docs/operating.md#',
      'https://git.example/crossfade/docs/operating.md#',
    ),
  );
  t.same(groups, based);
  const file = join(t.testdir({}), 'rules.json');
  await writeFile(file, JSON.stringify({ groups }));
  const { code, all: said } = await run((await prometheus()).tool, ['check', 'rules', file]);
  t.equal(code, 0, said);
  t.equal(
    of(all, 'ConfigMap', '-dashboard').data['crossfade.json'],
    await readFile(join(DEPLOY, 'grafana', 'crossfade.json'), 'utf8'),
  );
  const { endpoints, selector } = of(all, 'ServiceMonitor').spec;
  t.match(endpoints, [
    { port: 'admin', path: '/metrics', relabelings: [{ targetLabel: 'job', replacement: 'crossfade' }] },
  ]);
  const { labels } = of(all, 'Service', '-admin').metadata;
  t.match(labels, selector.matchLabels, 'finds the admin service');
  t.notMatch(of(all, 'Service').metadata.labels, selector.matchLabels, 'and not the clients’');
});

t.test('wrong values are refused with their place', async (t) => {
  const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['no bindings', [], /api\.files has no index\.ts: give the bindings module/],
    ['a setting of the chart', [...values('least'), '--set', 'settings.PORT=1'], /settings\.PORT is set by the chart/],
    ['a key that is none', [...values('least'), '--set', 'replica=3'], /replica/],
    ['a digest that is none', [...values('least'), '--set', 'image.digest=sha256:1'], /digest/],
    ['a bindings file that is no module', [...values('least'), '--set', 'api.bindings=photos.yaml'], /bindings/],
    [
      'a secret among settings',
      [...values('least'), '--set', 'settings.CURSOR_SECRETS=x'],
      /CURSOR_SECRETS is a secret/,
    ],
    [
      'credentials in an address',
      [...values('least'), '--set', 'settings.MONGODB_URI=mongodb+srv://ann:x@db/y'],
      /settings\.MONGODB_URI holds credentials/,
    ],
    ['replicas that share nothing', [...values('least'), '--set', 'replicas=2'], /existingSecret is empty/],
    ['an autoscaler likewise', [...values('least'), '--set', 'autoscaling.enabled=true'], /existingSecret is empty/],
    ['runbooks without a slash', [...values('least'), '--set', 'alerts.runbooks=https://x'], /runbooks/],
  ];
  for (const [name, words, said] of refused) {
    const { code, all } = await template(words);
    t.not(code, 0, name);
    t.match(complaint(all), said, name);
  }
});

t.test('the files of an API go in by --set-file, as they are', async (t) => {
  const openapi = join(DEPLOY, '..', 'openapi');
  const words = ['--set', 'api.bindings=photos.bindings.ts', '--set', 'replicas=1'];
  for (const file of ['photos.yaml', 'photos.bindings.ts'])
    words.push('--set-file', `api.files.${file.replaceAll('.', '\\.')}=${join(openapi, file)}`);
  const { data } = of(await resources(words), 'ConfigMap', '-api');
  for (const file of ['photos.yaml', 'photos.bindings.ts'])
    t.equal(data[file], await readFile(join(openapi, file), 'utf8'), file);
});
