import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { alertsOf, DEPLOY, isOurs, metricsOf, RULES_FILE, ruleFile, rulesOf } from '../support/rules.ts';
import { patience, prometheus, run } from '../support/tools.ts';

patience(t, 300);

/** Seven hours, a sample a minute. */
const MINUTES = 420;

type Series = Readonly<Record<string, string>>;

const one = (metric: string, labels: Readonly<Record<string, string>> = {}) =>
  `${metric}{${Object.entries({ job: 'crossfade', instance: 'a', ...labels })
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}}`;
const requests = (more: Readonly<Record<string, string>>, suffix = 'count') =>
  one(`http_server_request_duration_seconds_${suffix}`, {
    ...{ http_request_method: 'GET', http_route: '/users/{id}', http_response_status_code: '200', origin: 'mongodb' },
    ...more,
  });
const steady = (value: number) => `${value}+0x${MINUTES}`;
const growing = (step: number) => `0+${step}x${MINUTES}`;
/** Nothing until the second hour; then one value for the rest. */
const born = (value: number) => `_x120 ${value}+0x${MINUTES - 120}`;
/** One value until the second hour, then another. */
const turned = (before: number, after: number) => `${before}+0x119 ${after}+0x${MINUTES - 120}`;

const LATENCY = ['0.1', '1', '2.5', '+Inf'];

/** Two façades that are well and have something to do. */
const HEALTHY: Series = {
  [one('up')]: steady(1),
  [one('up', { instance: 'b' })]: steady(1),
  [requests({})]: growing(600),
  // Fewer than one in a thousand.
  [requests({ http_response_status_code: '500' })]: growing(0.3),
  ...Object.fromEntries(LATENCY.map((le) => [requests({ le }, 'bucket'), growing(600)])),
  [one('crossfade_origin_down', { origin: 'mongodb' })]: steady(0),
  [one('crossfade_refused_total', { kind: 'store', reason: 'event_loop' })]: steady(40),
  [one('crossfade_exposures_total', { operation: 'getUser', pair: 'legacy-mongodb' })]: steady(3),
  [one('crossfade_mismatches_total', {
    operation: 'getUser',
    pair: 'dynamodb-mongodb',
    kind: 'value',
    verdict: 'persistent',
  })]: steady(7),
  [one('crossfade_mismatches_total', {
    operation: 'getUser',
    pair: 'dynamodb-mongodb',
    kind: 'value',
    verdict: 'transient',
  })]: growing(5),
  [one('crossfade_breaker_open', { operation: 'getUser', origin: 'mongodb' })]: steady(0),
  [one('crossfade_comparisons_total', { operation: 'getUser', outcome: 'match', reason: '' })]: growing(600),
  [one('crossfade_comparisons_total', { operation: 'getUser', outcome: 'shed', reason: 'queue' })]: growing(3),
  [one('crossfade_comparisons_total', { operation: 'getUser', outcome: 'shed', reason: 'breaker' })]: growing(60),
  [one('crossfade_results_dropped_total')]: steady(4),
  [one('crossfade_results_waiting')]: steady(0),
  [one('crossfade_results_last_write_timestamp_seconds')]: growing(60),
  [one('crossfade_contract_violations_total', { operation: 'getUser', origin: 'mongodb' })]: steady(2),
  [one('crossfade_kill_active')]: steady(0),
  [one('crossfade_flags_source', { source: 'server' })]: steady(1),
  [one('crossfade_flags_source', { source: 'saved' })]: steady(0),
  [one('crossfade_flags_source', { source: 'none' })]: steady(0),
  [one('crossfade_flags_last_update_timestamp_seconds')]: growing(60),
  [one('crossfade_flags_refused_total')]: steady(1),
  [one('crossfade_flags_fallback_total', { flag: 'photos.getUser' })]: steady(1),
  [one('crossfade_flags_unsaved_total')]: steady(1),
  [one('crossfade_flags_revision')]: steady(20015998343868),
  [one('crossfade_flags_revision', { instance: 'b' })]: steady(20015998343868),
  [one('crossfade_stage_lowered_total', { operation: 'getUser' })]: steady(9),
  [one('crossfade_auth_refused_total', { reason: 'unavailable' })]: steady(1),
  [one('crossfade_auth_refused_total', { reason: 'expired' })]: growing(5),
  [one('crossfade_admin_refused_total', { reason: 'token' })]: growing(1),
  [one('nodejs_eventloop_lag_p99_seconds')]: steady(0.02),
};

interface Case {
  /** What is otherwise than when all is well, from the second hour on; `undefined` takes a series away. */
  readonly fault: Readonly<Record<string, string | undefined>>;
  /** The last minute after the second hour at which nobody is woken yet, and one at which somebody is. */
  readonly quiet: number;
  readonly loud: number;
}

const slow = (le: string) => requests({ le }, 'bucket');

const CASES: Readonly<Record<string, Case>> = {
  CrossfadeDown: {
    fault: { [one('up')]: turned(1, 0), [one('up', { instance: 'b' })]: turned(1, 0) },
    ...{ quiet: 0, loud: 4 },
  },
  CrossfadeReplicaDown: { fault: { [one('up')]: turned(1, 0) }, quiet: 4, loud: 6 },
  // A twentieth of all requests; the slow burn is seen at the same time where it lasts.
  CrossfadeErrorsFast: {
    fault: { [requests({ http_response_status_code: '500' })]: `0+0.3x119 36+30x${MINUTES - 120}` },
    ...{ quiet: 1, loud: 30 },
  },
  CrossfadeErrorsSlow: {
    fault: { [requests({ http_response_status_code: '500' })]: `0+0.3x119 36+6x${MINUTES - 120}` },
    ...{ quiet: 60, loud: 240 },
  },
  CrossfadeSlow: {
    fault: {
      [slow('0.1')]: `0+600x119 72000+400x${MINUTES - 120}`,
      [slow('1')]: `0+600x119 72000+400x${MINUTES - 120}`,
    },
    ...{ quiet: 9, loud: 20 },
  },
  CrossfadeOriginDown: {
    fault: { [one('crossfade_origin_down', { origin: 'mongodb' })]: turned(0, 1) },
    ...{ quiet: 0, loud: 2 },
  },
  CrossfadeRefusing: {
    fault: {
      [one('crossfade_refused_total', { kind: 'store', reason: 'event_loop' })]: `40+0x119 40+20x${MINUTES - 120}`,
    },
    ...{ quiet: 1, loud: 5 },
  },
  CrossfadeExposure: {
    fault: { [one('crossfade_exposures_total', { operation: 'listAlbums', pair: 'legacy-mongodb' })]: born(1) },
    ...{ quiet: -1, loud: 1 },
  },
  CrossfadeMismatches: {
    fault: {
      [one('crossfade_mismatches_total', {
        operation: 'listAlbums',
        pair: 'a-b',
        kind: 'type',
        verdict: 'persistent',
      })]: born(1),
    },
    ...{ quiet: -1, loud: 1 },
  },
  CrossfadeCandidateFailing: {
    fault: { [one('crossfade_breaker_open', { operation: 'getUser', origin: 'mongodb' })]: turned(0, 1) },
    ...{ quiet: 9, loud: 11 },
  },
  CrossfadeShedding: {
    fault: {
      [one('crossfade_comparisons_total', {
        operation: 'getUser',
        outcome: 'shed',
        reason: 'queue',
      })]: `0+3x119 360+200x${MINUTES - 120}`,
    },
    ...{ quiet: 30, loud: 60 },
  },
  CrossfadeResultsLate: {
    fault: {
      [one('crossfade_results_waiting')]: turned(0, 300),
      [one('crossfade_results_last_write_timestamp_seconds')]: `0+60x119 7140+0x${MINUTES - 120}`,
    },
    ...{ quiet: 9, loud: 13 },
  },
  CrossfadeResultsDropped: { fault: { [one('crossfade_results_dropped_total')]: turned(4, 9) }, quiet: -1, loud: 1 },
  CrossfadeContractViolations: {
    fault: { [one('crossfade_contract_violations_total', { operation: 'listAlbums', origin: 'dynamodb' })]: born(1) },
    ...{ quiet: -1, loud: 1 },
  },
  CrossfadeKillActive: { fault: { [one('crossfade_kill_active')]: turned(0, 1) }, quiet: 59, loud: 61 },
  CrossfadeFlagsNone: {
    fault: {
      [one('crossfade_flags_source', { source: 'none' })]: turned(0, 1),
      [one('crossfade_flags_source', { source: 'server' })]: turned(1, 0),
      [one('crossfade_flags_last_update_timestamp_seconds')]: `0+60x119 0+0x${MINUTES - 120}`,
    },
    ...{ quiet: 1, loud: 10 },
  },
  CrossfadeFlagsStale: {
    fault: { [one('crossfade_flags_last_update_timestamp_seconds')]: `0+60x119 7140+0x${MINUTES - 120}` },
    ...{ quiet: 5, loud: 8 },
  },
  CrossfadeFlagsRefused: { fault: { [one('crossfade_flags_refused_total')]: turned(1, 2) }, quiet: -1, loud: 1 },
  CrossfadeFlagsUnsaved: { fault: { [one('crossfade_flags_unsaved_total')]: turned(1, 2) }, quiet: -1, loud: 1 },
  CrossfadeReplicasDisagree: {
    fault: { [one('crossfade_flags_revision', { instance: 'b' })]: turned(20015998343868, 20015998343869) },
    ...{ quiet: 4, loud: 6 },
  },
  CrossfadeStageLowered: {
    fault: { [one('crossfade_stage_lowered_total', { operation: 'listAlbums' })]: born(1) },
    ...{ quiet: -1, loud: 1 },
  },
  CrossfadeAuthUnavailable: {
    fault: { [one('crossfade_auth_refused_total', { reason: 'unavailable' })]: `1+0x119 2+1x${MINUTES - 120}` },
    ...{ quiet: 0, loud: 3 },
  },
  CrossfadeAdminGuessing: {
    fault: { [one('crossfade_admin_refused_total', { reason: 'token' })]: `0+1x119 120+10x${MINUTES - 120}` },
    ...{ quiet: 1, loud: 8 },
  },
  CrossfadeEventLoopSlow: {
    fault: { [one('nodejs_eventloop_lag_p99_seconds')]: turned(0.02, 0.4) },
    quiet: 9,
    loud: 11,
  },
};

t.test('promtool takes the rules', async (t) => {
  const { tool } = await prometheus();
  const { code, all } = await run(tool, ['check', 'rules', RULES_FILE]);
  t.equal(code, 0, all);
  t.match(all, `${rulesOf(ruleFile()).length} rules found`);
});

t.test('each alert is silent while all is well, silent until it lasts, and then alone fires', async (t) => {
  const alerts = alertsOf(ruleFile()).map(({ alert }) => alert);
  t.same(Object.keys(CASES).toSorted(), alerts.toSorted(), 'each has a case');
  const firing = 'count by (alertname) (ALERTS{alertstate="firing"})';
  const at = (minute: number, names: readonly string[]) => ({
    ...{ expr: firing, eval_time: `${minute}m` },
    exp_samples: names.map((name) => ({ labels: `{alertname="${name}"}`, value: 1 })),
  });
  const series = (fault: Case['fault']) =>
    Object.entries({ ...HEALTHY, ...fault }).flatMap(([name, values]) => (values ? [{ series: name, values }] : []));
  const quietAll = [90, 150, 400].map((minute) => at(minute, []));
  const tests = [
    { name: 'all is well', interval: '1m', input_series: series({}), promql_expr_test: quietAll },
    ...Object.entries(CASES).map(([alert, { fault, quiet, loud }]) => ({
      ...{ name: alert, interval: '1m', input_series: series(fault) },
      promql_expr_test: [at(110, []), at(120 + quiet, []), at(120 + loud, [alert])],
    })),
  ];
  const folder = t.testdir({});
  const file = join(folder, 'rules.test.yaml');
  await writeFile(file, stringify({ rule_files: [RULES_FILE], evaluation_interval: '1m', tests }));
  const { tool } = await prometheus();
  const { code, all } = await run(tool, ['test', 'rules', file]);
  t.equal(code, 0, all);
});

t.test('scrapes that fail for a few minutes do not make old events new', async (t) => {
  const away = (value: number) => `${value}+0x117 stale _x2 ${value}+0x${MINUTES - 121}`;
  const old = Object.keys(HEALTHY).filter((name) => name.includes('_total'));
  const fault = Object.fromEntries([...old.map((name) => [name, away(40)]), [one('up'), `1+0x117 0+0x2 ${steady(1)}`]]);
  const firing = 'count by (alertname) (ALERTS)';
  const promql_expr_test = Array.from({ length: 80 }, (_, n) => ({
    expr: firing,
    eval_time: `${122 + n}m`,
    exp_samples: [],
  }));
  const input_series = Object.entries({ ...HEALTHY, ...fault }).map(([series, values]) => ({ series, values }));
  const tests = [{ name: 'a gap', interval: '1m', input_series, promql_expr_test }];
  const file = join(t.testdir({}), 'gap.test.yaml');
  await writeFile(file, stringify({ rule_files: [RULES_FILE], evaluation_interval: '1m', tests }));
  const { tool } = await prometheus();
  const { code, all } = await run(tool, ['test', 'rules', file]);
  t.equal(code, 0, all);
});

t.test('every metric that a rule names is one of ours', async (t) => {
  const file = ruleFile();
  const recorded = new Set(rulesOf(file).flatMap(({ record }) => record ?? []));
  const known = isOurs();
  for (const { expr, alert, record } of rulesOf(file))
    for (const metric of metricsOf(expr))
      t.ok(metric === 'up' || recorded.has(metric) || known(metric), `${alert ?? record}: ${metric}`);
});

t.test('each alert leads to a heading of its own, and each heading is of an alert', async (t) => {
  const text = await readFile(join(DEPLOY, '..', 'docs', 'operating.md'), 'utf8');
  const section = /\n## Alerts\n(.*?)\n## /s.exec(text)?.[1] ?? '';
  const headings = [...section.matchAll(/^### (\w+)$/gm)].map(([, name]) => name as string);
  const alerts = alertsOf(ruleFile());
  t.same(
    headings,
    alerts.map(({ alert }) => alert),
    'in the same order',
  );
  for (const { alert, annotations = {}, labels = {} } of alerts) {
    t.equal(annotations.runbook_url, `docs/operating.md#${alert.toLowerCase()}`, alert);
    t.ok(annotations.summary && annotations.description, `${alert} says what it is`);
    t.match(labels.severity, /^(critical|warning|info)$/, alert);
  }
});
