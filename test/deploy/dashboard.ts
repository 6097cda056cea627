import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { serveAlone } from '../support/process.ts';
import { withPrometheus } from '../support/prometheus.ts';
import { DEPLOY, isOurs, metricsOf, ruleFile, rulesOf } from '../support/rules.ts';
import { note, withNotes } from '../support/shadow.ts';
import { patience } from '../support/tools.ts';

patience(t, 300);

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly datasource: unknown;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: unknown;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly datasource?: unknown;
}

const text = readFileSync(join(DEPLOY, 'grafana', 'crossfade.json'), 'utf8');
const dashboard = JSON.parse(text) as {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
};
const { panels } = dashboard;
const targets = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
const SOURCE = { type: 'prometheus', uid: '$'.concat('{datasource}') };

/** As Grafana would ask, with `All` chosen everywhere. */
const filled = (expression: string) =>
  expression.replaceAll(/\$(job|instance|operation)\b/g, '.*').replaceAll(/\$__(rate_interval|range)\b/g, '1m');

t.test('rows, ids and places are in order', async (t) => {
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'each id once');
  t.same(
    panels.filter(({ type }) => type === 'row').map(({ title }) => title),
    ['What clients see', 'Overload', 'The migration', 'Stores and shadow', 'Flags and replicas', 'Process'],
  );
  const taken = new Set<string>();
  for (const { title, gridPos } of panels)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        if (x >= 24 || taken.has(`${x} ${y}`)) t.fail(`${title} lies over another, or outside`);
        taken.add(`${x} ${y}`);
      }
  for (const { title, type, description, targets = [] } of panels) {
    if (type === 'row') continue;
    t.match(type, /^(timeseries|stat|table)$/, `${title}: a panel that Grafana brings`);
    t.ok(description, `${title} says what it shows`);
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
    t.ok(targets.length > 0);
  }
});

t.test('no data source, job or replica is fixed', async (t) => {
  const sources = panels
    .flatMap((panel) => [panel, ...(panel.targets ?? [])])
    .filter((one) => 'expr' in one || one.type !== 'row');
  for (const { datasource } of sources) t.same(datasource, SOURCE);
  t.same(
    dashboard.templating.list.map(({ name, type }) => [name, type]),
    [
      ['datasource', 'datasource'],
      ['job', 'query'],
      ['instance', 'query'],
      ['operation', 'query'],
    ],
  );
  for (const { title, expr } of targets) {
    const selectors = expr.match(/\{[^}]*\}/g) ?? [];
    t.ok(selectors.length > 0 && selectors.every((one) => one.includes('job=~"$job", instance=~"$instance"')), title);
    t.notMatch(expr, /\[\d/, `${title}: ranges follow the time that is looked at`);
  }
});

t.test('every expression can be read and names metrics of ours', async (t) => {
  const known = isOurs();
  for (const { title, expr } of targets)
    for (const metric of metricsOf(filled(expr))) t.ok(known(metric), `${title}: ${metric}`);
});

t.test('a real Prometheus answers each, and has each metric that stands there from the start', async (t) => {
  const prometheus = await withPrometheus(t);
  const notes = await withNotes(t);
  await notes.put([note('n-1')]);
  // Metrics of the process are those of `serve`.
  const folder = join(t.testdirName, 'alone');
  await mkdir(folder);
  await writeFile(join(folder, 'stages.yaml'), 'operations: {}\n');
  const alone = await serveAlone(t, folder, notes.facade.app.bindings.file, notes.env);
  await prometheus.scrape('notes', notes.facade.app.adminUrl);
  await prometheus.scrape('notes', alone.adminUrl);
  const { facade } = notes;
  const seen = async () => (await prometheus.query('count_over_time(crossfade_build_info[1m]) > 5')).length > 0;
  for (let n = 0; n < 60 || (n < 500 && !(await seen())); n += 1) {
    await facade.get('/notes/n-1', { 'x-tenant-id': 'acme' });
    await sleep(50);
  }
  for (const { title, expr } of targets) await t.resolves(prometheus.query(filled(expr)), title);
  for (const { expr, alert, record } of rulesOf(ruleFile()))
    await t.resolves(prometheus.query(expr), alert ?? record ?? '');
  const there = new Set(await prometheus.metrics());
  const named = [...targets.map(({ expr }) => filled(expr)), ...rulesOf(ruleFile()).map(({ expr }) => expr)].flatMap(
    metricsOf,
  );
  // The first collection of garbage may be before this or after.
  const absent = [...new Set(named)].filter(
    (name) => !there.has(name) && !name.includes(':') && !name.startsWith('nodejs_gc_'),
  );
  t.same(absent.toSorted(), BORN, 'all but those that begin with their first event');
  const shown = async (title: string) =>
    prometheus.query(filled(targets.find((one) => one.title === title)?.expr ?? ''));
  for (const title of [
    'Requests by who answered',
    'Requests by stage',
    'Control and candidate, p99',
    'Comparisons by outcome',
  ])
    t.ok((await shown(title)).length > 0, `${title} shows something`);
});

const BORN = [
  'crossfade_admin_refused_total',
  'crossfade_auth_refused_total',
  'crossfade_contract_violations_total',
  'crossfade_exposures_total',
  'crossfade_flags_errors_total',
  'crossfade_flags_fallback_total',
  'crossfade_mismatches_total',
  'crossfade_refused_total',
  'crossfade_stage_lowered_total',
];
