import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { freePort, spawnBound } from '../../src/demo/child.ts';
import { ruleFile } from './rules.ts';
import { prometheus } from './tools.ts';

export interface FiringAlert {
  /** `CrossfadeDown/notes`: its name, and the service that it is about. */
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Prometheus {
  readonly url: string;
  /** From now on this façade is scraped, as one of that service. */
  readonly scrape: (service: string, adminUrl: string) => Promise<void>;
  /** The façades of that service are not expected any more. */
  readonly forget: (service: string) => Promise<void>;
  readonly firing: () => Promise<readonly FiringAlert[]>;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly query: (expression: string) => Promise<any[]>;
  /** The names of all series. */
  readonly metrics: () => Promise<readonly string[]>;
}

/** Twice a second; what must last a while lasts two seconds, and flags are old after three. */
const PACE = '500ms';

/** The rules as they are, but for how long they wait. */
const hurried = () => ({
  groups: ruleFile().groups.map(({ name, rules }) => ({
    name,
    rules: rules.map(({ for: lasting, expr, ...rule }) => ({
      ...rule,
      ...(lasting === undefined ? {} : { for: '2s' }),
      // The gauge begins afresh with each scrape, and at this pace there are some between two delays.
      expr: expr.replace('> 60\n', '> 3\n').replace(/^(nodejs_eventloop\S+)/, 'max_over_time($1[2s])'),
    })),
  })),
});

/** A real Prometheus with our rules, ended after the test. */
export async function withPrometheus(t: Test): Promise<Prometheus> {
  const { server } = await prometheus();
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-prometheus-'));
  await mkdir(join(folder, 'data'));
  let targets: { targets: string[]; labels: { service: string } }[] = [];
  const config = {
    global: { scrape_interval: PACE, scrape_timeout: PACE, evaluation_interval: PACE },
    rule_files: ['rules.json'],
    scrape_configs: [{ job_name: 'crossfade', file_sd_configs: [{ files: ['targets.json'], refresh_interval: '1s' }] }],
  };
  await writeFile(join(folder, 'targets.json'), '[]');
  await writeFile(join(folder, 'rules.json'), JSON.stringify(hurried()));
  await writeFile(join(folder, 'prometheus.yaml'), stringify(config));
  const port = await freePort();
  const child = spawnBound(
    server,
    [
      ...['--config.file=prometheus.yaml', '--storage.tsdb.path=data', '--log.level=error'],
      ...[`--web.listen-address=127.0.0.1:${port}`, '--web.enable-lifecycle'],
    ],
    folder,
  );
  t.teardown(async () => {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const ready = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  const deadline = Date.now() + 30_000;
  while (!(await ready())) {
    if (child.ended() || Date.now() > deadline) throw new Error(`Prometheus did not start: ${child.output()}`);
    await sleep(50);
  }
  const ask = async (path: string) => {
    const reply = (await (await fetch(`${url}/api/v1/${path}`)).json()) as {
      status: string;
      error?: string;
      data: never;
    };
    if (reply.status !== 'success') throw new Error(`${path}: ${reply.error}`);
    return reply.data;
  };
  const aim = async (wanted: typeof targets) => {
    targets = wanted;
    await writeFile(join(folder, 'targets.json'), JSON.stringify(targets));
  };
  const query = async (expression: string) =>
    ((await ask(`query?query=${encodeURIComponent(expression)}`)) as { result: [] }).result;
  return {
    url,
    scrape: (service, adminUrl) => aim([...targets, { targets: [new URL(adminUrl).host], labels: { service } }]),
    forget: async (service) => {
      await aim(targets.filter(({ labels }) => labels.service !== service));
      while ((await query(`up{service="${service}"}`)).length > 0) await sleep(100);
    },
    firing: async () => {
      const { alerts } = (await ask('alerts')) as {
        alerts: (FiringAlert & { state: string; labels: Record<string, string> })[];
      };
      return alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels, annotations }) => ({ name: `${labels.alertname}/${labels.service ?? ''}`, annotations }));
    },
    query,
    metrics: () => ask('label/__name__/values'),
  };
}
