import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { parse } from 'yaml';
import { freePort } from '../../src/demo/child.ts';
import { SETTINGS } from '../../src/settings.ts';
import { DEPLOY, RULES_FILE } from '../support/rules.ts';
import { withDynamo, withMongo } from '../support/stores.ts';
import { compose, patience, prometheus, run } from '../support/tools.ts';

patience(t, 300);

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly published: string; readonly target: number; readonly host_ip: string }[];
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
  readonly healthcheck?: object;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const read = await run(await compose(), ['-format', 'json', 'compose.yaml'], DEPLOY);
t.equal(read.code, 0, read.all);
const { services } = JSON.parse(read.out) as { services: Readonly<Record<string, Service>> };
const root = join(DEPLOY, '..');

t.test('every image is pinned, and ours is built from the Dockerfile', async (t) => {
  const images = Object.entries(services).map(([name, { image }]) => [name, image] as const);
  for (const [name, image] of images)
    t.match(image, /^[a-z0-9-]+(\/[a-z0-9-]+)?:(v?\d+(\.\d+)+|\d+|local)$/, `${name}: ${image}`);
  for (const name of ['crossfade', 'flags', 'legacy'])
    t.same(services[name]?.build, { context: root, dockerfile: 'Dockerfile' }, name);
  const tested = JSON.parse(await readFile(join(root, 'test/support/unleash/package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  t.equal(
    services.unleash?.image,
    `unleashorg/unleash-server:${tested.dependencies['unleash-server']}`,
    'the Unleash of the tests',
  );
});

t.test('what waits for a service can know when that is well', async (t) => {
  for (const [name, { depends_on = {} }] of Object.entries(services))
    for (const [other, { condition }] of Object.entries(depends_on))
      if (condition === 'service_healthy') t.ok(services[other]?.healthcheck, `${name} waits for ${other}`);
});

t.test('variables are settings, and names and ports lead to each other', async (t) => {
  const known = new Set([
    ...Object.keys(SETTINGS.properties),
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'BINDINGS',
  ]);
  for (const name of ['crossfade', 'flags']) {
    const environment = services[name]?.environment ?? {};
    t.same(
      Object.keys(environment).filter((one) => !known.has(one)),
      [],
      name,
    );
    for (const address of Object.values(environment).filter((one) => /^\w+:\/\//.test(one)))
      t.ok(services[new URL(address).hostname], `${name}: ${address}`);
  }
  const published = Object.values(services).flatMap(({ ports = [] }) => ports);
  t.ok(
    published.every(({ host_ip }) => host_ip === '127.0.0.1'),
    'on loopback alone',
  );
  const said = [...(await readFile(join(DEPLOY, 'compose.yaml'), 'utf8')).matchAll(/^# +http:\/\/localhost:(\d+)/gm)];
  t.same(
    said.map(([, port]) => port).toSorted(),
    published.map(({ published }) => published).toSorted(),
    'as its head says',
  );
  t.same(
    services.crossfade?.ports?.map(({ published, target }) => [published, target]),
    [
      ['8080', 8080],
      ['9090', 9090],
    ],
  );
});

t.test('what is mounted is there; Prometheus takes its part, and Grafana’s lead to each other', async (t) => {
  for (const [name, { volumes = [] }] of Object.entries(services))
    for (const { type, source } of volumes)
      if (type === 'bind')
        await t.resolves(
          readFile(source).catch((error) => (error.code === 'EISDIR' ? '' : Promise.reject(error))),
          `${name}: ${source}`,
        );
  const folder = t.testdir({});
  await cp(join(DEPLOY, 'compose', 'prometheus.yaml'), join(folder, 'prometheus.yaml'));
  await cp(RULES_FILE, join(folder, 'rules.yaml'));
  const { code, all } = await run((await prometheus()).tool, ['check', 'config', join(folder, 'prometheus.yaml')]);
  t.equal(code, 0, all);
  const grafana = async (file: string) => parse(await readFile(join(DEPLOY, 'compose', 'grafana', file), 'utf8'));
  const [source] = (await grafana('datasources/prometheus.yaml')).datasources;
  t.ok(services[new URL(source.url).hostname], source.url);
  const [provider] = (await grafana('dashboards/crossfade.yaml')).providers;
  const mounted = services.grafana?.volumes?.find(({ target }) => target === provider.options.path);
  t.equal(mounted?.source, join(DEPLOY, 'grafana'));
});

t.test('the legacy service fills empty stores, and serves them again as they are', async (t) => {
  const [mongo, dynamo] = [await withMongo(t), await withDynamo(t, 'dynalite')];
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.endpoint,
    MONGODB_URI: mongo.uri,
    HOST: '127.0.0.1',
    PORT: String(port),
  };
  const program = join(root, 'src', 'demo', 'company.ts');
  const ask = () =>
    fetch(`http://127.0.0.1:${port}/users/u-1001`, { headers: { 'x-tenant-id': 'acme' } }).then(
      ({ status }) => status,
      () => 0,
    );
  for (const time of ['the first time', 'once more']) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'close');
    for (let n = 0; n < 300 && (await ask()) !== 200 && child.exitCode === null; n += 1) await sleep(50);
    t.equal(await ask(), 200, time);
    child.kill();
    await ended;
  }
  const { code, all } = await run(process.execPath, ['--disable-warning=ExperimentalWarning', program]);
  t.equal(code, 2);
  t.match(all, 'must be set');
});
