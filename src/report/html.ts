import { type Buckets, boundOf } from '../results/buckets.ts';
import { CAUSE_NAMES } from './cause.ts';
import type { FindingSummary, OperationSummary, Summary } from './summary.ts';
import {
  dateText,
  duration,
  exposureText,
  knownText,
  lagText,
  notComparedText,
  PASSING,
  percent,
  plural,
  quantilesText,
  shown,
  typesText,
  UNSETTLED,
  verdictText,
} from './text.ts';
import { sidesOf } from './words.ts';

/**
 * A report as one HTML file: no script, no request to anywhere, readable on a phone and printable. Everything that came
 * with data is escaped.
 */
export function reportHtml(summary: Summary): string {
  const { operations, findings, unsettled, passing, rules, history } = summary;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Report of ${text(summary.api)}: ${plural(findings.length, 'finding')}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Report of ${text(summary.api)}</h1>
<p>Evidence <code>${text(summary.evidence)}</code> · ${dateText(summary.first)} to ${dateText(summary.last)} UTC · ${plural(summary.replicas, 'replica')}${summary.dropped > 0 ? ` · <strong>${summary.dropped} results lost</strong>` : ''} · made ${dateText(summary.generated)} UTC</p>
${summary.exposures.length === 0 ? '' : `<p class="alarm" role="alert">${text(exposureText(summary))}</p>`}
${headline(summary)}
</header>
<main>
<section aria-labelledby="findings"><h2 id="findings">Findings, worst first</h2>
${findings.length === 0 ? '<p class="good">None is confirmed.</p>' : findings.map(findingHtml).join('\n')}
</section>
${unsettled.length === 0 ? '' : `<section aria-labelledby="unsettled"><h2 id="unsettled">${UNSETTLED}</h2>${unsettled.map(findingHtml).join('\n')}</section>`}
${passing.length === 0 ? '' : passingHtml(passing)}
<section aria-labelledby="operations"><h2 id="operations">Operations</h2>
${operations.length === 0 ? '<p>Nothing is compared yet.</p>' : operations.map(operationHtml).join('\n')}
</section>
${rules.length === 0 ? '' : rulesHtml(rules)}
${history.length === 0 ? '' : historyHtml(history)}
</main>
</body>
</html>
`;
}

function headline({ operations, findings }: Summary): string {
  const sum = (of: (one: OperationSummary) => number) => operations.reduce((total, one) => total + of(one), 0);
  const cells = [
    ['compared', sum(({ compared }) => compared)],
    ['match', sum(({ matched }) => matched)],
    ['ignored', sum(({ ignored }) => ignored)],
    ['mismatch', sum(({ mismatched }) => mismatched)],
    ['findings', findings.length],
  ] as const;
  return `<dl class="figures">${cells.map(([name, n]) => `<div><dt>${name}</dt><dd>${n.toLocaleString('en')}</dd></div>`).join('')}</dl>`;
}

function findingHtml(one: FindingSummary): string {
  const state = one.verdicts.persistent > 0 ? 'bad' : 'unsure';
  return `<article class="finding ${state}" id="f-${one.fingerprint}">
<h3><span class="kind">${one.kind}</span> ${text(one.operation)} <code>${text(one.path || '(whole answer)')}</code></h3>
<p>${text(one.sentence)}</p>
${one.cause === undefined ? '' : `<p><b>${text(CAUSE_NAMES[one.cause])}</b>: ${text(one.because ?? '')}</p>`}
<p class="meta">${plural(one.n, 'time')}, ${percent(one.share)} of compared · ${text(verdictText(one))} · ${text(typesText(one))} · tenants ${text(shown(one.tenants))} · ${dateText(one.first)} to ${dateText(one.last)} · ${[one, ...one.twins].map(({ fingerprint, pair }) => `<code>${fingerprint}</code> ${pair}`).join(', ')}</p>
${one.known === undefined ? '' : `<p>${text(knownText(one.known))}</p>\n`}${sparkline(one)}
<details><summary>${plural(one.samples.length, 'sample')}</summary>${samplesHtml(one)}</details>
${one.rule === undefined ? '<p class="meta">No rule may hide this.</p>' : `<details><summary>Rule to paste, if this is right</summary><pre>${text(one.rule)}</pre></details>`}
</article>`;
}

function samplesHtml({ samples, pair }: FindingSummary): string {
  const [left, right] = sidesOf(pair);
  const side = ({ type, length, value }: FindingSummary['samples'][number]['left']) =>
    value === undefined ? `${text(type)}${length === 0 ? '' : `, ${length} bytes`}` : `<code>${text(value)}</code>`;
  const rows = samples.map(
    (one) =>
      `<tr><td>${dateText(one.at)}</td><td><code>${text(one.requestId)}</code></td><td>${text(one.tenant)}</td><td>${one.verdict}</td><td>${side(one.left)}</td><td>${side(one.right)}</td><td>${text(one.facts.join('; '))}</td></tr>`,
  );
  return `<div class="scroll"><table><thead><tr><th>at (UTC)</th><th>request</th><th>tenant</th><th>verdict</th><th>${left}</th><th>${right}</th><th>facts</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function operationHtml(one: OperationSummary): string {
  const cells: readonly (readonly [string, string])[] = [
    ['compared', one.compared.toLocaleString('en')],
    ...(one.replayed === 0 ? [] : [['of them replayed', one.replayed.toLocaleString('en')] as const]),
    ['match', one.matched.toLocaleString('en')],
    ['ignored', one.ignored.toLocaleString('en')],
    ['mismatch', one.mismatched.toLocaleString('en')],
    ['differs at most (95 %)', one.upperBound === undefined ? '–' : percent(one.upperBound)],
    ['tenants', String(one.tenants)],
    ['control p50 / p95 / p99', quantilesText(one.control)],
    ['candidate p50 / p95 / p99', quantilesText(one.candidate)],
    ['lag', lagText(one)],
    ['not compared', notComparedText(one)],
  ];
  const strata = one.strata.map(
    ({ name, n }) =>
      `<li${n === 0 ? ' class="never"' : ''}>${text(name)} <b>${n === 0 ? 'never' : n.toLocaleString('en')}</b></li>`,
  );
  return `<article class="operation">
<h3>${text(one.operation)} <small>${one.pair} · ${one.stages.join(', ')}</small></h3>
<dl>${cells.map(([name, value]) => `<div><dt>${name}</dt><dd>${text(value)}</dd></div>`).join('')}</dl>
<div class="plots">${timelinePlot(one)}${durationPlot(one)}</div>
<ul class="strata" aria-label="Coverage by stratum">${strata.join('')}</ul>
</article>`;
}

const WIDTH = 360;
const HEIGHT = 90;

/** Outcomes over time: one bar an interval, what differed on top in another colour. */
function timelinePlot({ timeline }: OperationSummary): string {
  const sums = new Map<number, { all: number; bad: number }>();
  for (const { at, outcome, n } of timeline) {
    const sum = sums.get(at.getTime()) ?? { all: 0, bad: 0 };
    sums.set(at.getTime(), { all: sum.all + n, bad: sum.bad + (outcome === 'mismatch' ? n : 0) });
  }
  const points = [...sums].sort(([a], [b]) => a - b);
  const most = Math.max(1, ...points.map(([, { all }]) => all));
  const step = WIDTH / Math.max(points.length, 1);
  const bars = points.map(([at, { all, bad }], place) => {
    const height = (n: number) => (n / most) * HEIGHT;
    const bar = (n: number, name: string) =>
      n === 0
        ? ''
        : `<rect class="${name}" x="${(place * step).toFixed(1)}" y="${(HEIGHT - height(n)).toFixed(1)}" width="${Math.max(step - 1, 1).toFixed(1)}" height="${height(n).toFixed(1)}"/>`;
    return `<g><title>${dateText(new Date(at))}: ${all} offered, ${bad} mismatches</title>${bar(all, 'all')}${bar(bad, 'differ')}</g>`;
  });
  return plot(
    'Offered and mismatched over time',
    bars.join(''),
    dateText(points[0] && new Date(points[0][0])),
    dateText(points.at(-1) && new Date((points.at(-1) as [number, unknown])[0])),
  );
}

/** Control and candidate over each other: the share of requests by duration, on a logarithmic scale. */
function durationPlot({ durations }: OperationSummary): string {
  const buckets = [...Object.keys(durations.control), ...Object.keys(durations.candidate)].map(Number);
  if (buckets.length === 0) return '';
  const [least, most] = [Math.min(...buckets), Math.max(...buckets) + 1];
  const line = (side: Buckets, name: string) => {
    const total = Object.values(side).reduce((sum, n) => sum + n, 0);
    let sum = 0;
    const points = Array.from({ length: most - least + 1 }, (_, at) => {
      sum += side[least + at] ?? 0;
      const x = (at / Math.max(most - least, 1)) * WIDTH;
      return `${x.toFixed(1)},${(HEIGHT - (sum / Math.max(total, 1)) * HEIGHT).toFixed(1)}`;
    });
    return `<polyline class="${name}" points="${points.join(' ')}"/>`;
  };
  const lines = line(durations.control, 'control') + line(durations.candidate, 'candidate');
  const legend = '<span class="key control">control</span> <span class="key candidate">candidate</span>';
  return plot(`Share answered within: ${legend}`, lines, duration(boundOf(least)), duration(boundOf(most)));
}

const plot = (title: string, inner: string, from: string, to: string): string =>
  `<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${title.replace(/<[^>]*>/g, '')}">${inner}</svg><div class="axis"><span>${from}</span><span>${to}</span></div></figure>`;

function sparkline({ hours }: FindingSummary): string {
  const [first, last] = [hours[0]?.h ?? 0, hours.at(-1)?.h ?? 0];
  if (last === first) return '';
  const most = Math.max(...hours.map(({ n }) => n));
  const step = WIDTH / (last - first + 1);
  const bars = hours.map(
    ({ h, n }) =>
      `<rect class="differ" x="${((h - first) * step).toFixed(1)}" y="${(24 - (n / most) * 24).toFixed(1)}" width="${Math.max(step - 0.5, 0.8).toFixed(1)}" height="${((n / most) * 24).toFixed(1)}"/>`,
  );
  return `<svg class="spark" viewBox="0 0 ${WIDTH} 24" preserveAspectRatio="none" role="img" aria-label="Sightings by hour">${bars.join('')}</svg>`;
}

function passingHtml(passing: readonly FindingSummary[]): string {
  const rows = passing.map(
    (one) =>
      `<tr><td>${one.kind}</td><td>${text(one.operation)}</td><td><code>${text(one.path || '(whole answer)')}</code></td><td>${one.n.toLocaleString('en')}</td></tr>`,
  );
  return `<section aria-labelledby="passing"><h2 id="passing">${PASSING}</h2><div class="scroll"><table><thead><tr><th>kind</th><th>operation</th><th>path</th><th>times</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

function rulesHtml(rules: Summary['rules']): string {
  const rows = rules.map(
    ({ id, uses, until, expired, reason }) =>
      `<tr><td><code>${text(id)}</code></td><td>${uses === 0 ? 'never used' : uses.toLocaleString('en')}</td><td>${until === undefined ? '–' : text(until)}${expired ? ' (expired)' : ''}</td><td>${text(reason)}</td></tr>`,
  );
  return `<section aria-labelledby="rules"><h2 id="rules">Rules</h2><div class="scroll"><table><thead><tr><th>rule</th><th>uses</th><th>until</th><th>reason</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

function historyHtml(history: Summary['history']): string {
  const items = history.map(
    ({ evidence, n, first, last }) =>
      `<li><code>${text(evidence)}</code>: ${n.toLocaleString('en')} from ${dateText(first)} to ${dateText(last)}</li>`,
  );
  return `<section aria-labelledby="history"><h2 id="history">Earlier evidence, which counts no more</h2><ul>${items.join('')}</ul></section>`;
}

const ENTITIES: Readonly<Record<string, string>> = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
});

/** Escaped, and control characters shown as what they are. */
const text = (value: string): string =>
  value
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (one) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`)
    .replace(/[&<>"']/g, (one) => ENTITIES[one] as string);

const STYLE = `
:root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--card:#f6f8fa;--bad:#b42318;--unsure:#8a5a00;--good:#1a7f37;--a:#0b62c4;--b:#c2410c}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3d444d;--paper:#0d1117;--card:#161b22;--bad:#ff8272;--unsure:#e3b341;--good:#56d364;--a:#6cb6ff;--b:#ffa657}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1rem;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--line)}h3{font-size:1rem;margin:0 0 .25rem;overflow-wrap:anywhere}
code,pre{font:.875em/1.4 ui-monospace,monospace;overflow-wrap:anywhere}pre{white-space:pre-wrap;margin:.5rem 0}
p{margin:.25rem 0}.meta,small,figcaption,dt,.axis{color:var(--soft);font-size:.875rem;font-weight:normal}
.figures,.operation dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.5rem 1rem;margin:.75rem 0}
dl div{min-width:0}dd{margin:0;overflow-wrap:anywhere}.figures dd{font-size:1.5rem;font-variant-numeric:tabular-nums}
article{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--line);border-radius:6px;padding:.75rem 1rem;margin:.75rem 0}
.alarm{background:var(--bad);color:var(--paper);padding:.6rem .9rem;border-radius:6px;font-weight:700}
.bad{border-left-color:var(--bad)}.unsure{border-left-color:var(--unsure)}.kind{color:var(--bad);font-weight:700}.unsure .kind{color:var(--unsure)}.good{color:var(--good)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.875rem}th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
summary{cursor:pointer}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:1rem}figure{margin:.5rem 0}svg{display:block;width:100%;height:5.5rem;background:var(--paper);border:1px solid var(--line)}.spark{height:1.5rem;max-width:24rem}
.axis{display:flex;justify-content:space-between}
.all{fill:var(--a);opacity:.45}.differ{fill:var(--bad)}polyline{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}polyline.control{stroke:var(--a)}polyline.candidate{stroke:var(--b);stroke-dasharray:5 3}
.key.control{color:var(--a)}.key.candidate{color:var(--b)}
.strata{display:flex;flex-wrap:wrap;gap:.25rem .75rem;list-style:none;padding:0;margin:.5rem 0 0;font-size:.875rem}.never{color:var(--unsure)}
@media print{body{max-width:none;font-size:11pt}article{break-inside:avoid}details{display:block}}
`;
