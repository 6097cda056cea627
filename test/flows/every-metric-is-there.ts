import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createMetrics } from '../../src/metrics.ts';
import { startNotesLegacy } from '../support/notes-legacy.ts';
import { serveAlone } from '../support/process.ts';
import { note, withNotes } from '../support/shadow.ts';

interface Row {
  readonly name: string;
  readonly labels: readonly string[];
}

const quoted = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word as string);

/** The table below "Metrics" in docs/operating.md. */
function documented(): Row[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
  const section = text.slice(text.indexOf('\n## Metrics\n'), text.indexOf('\n## Traces\n'));
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, name, labels] = line.split('|');
      return { name: quoted(name)[0] as string, labels: quoted(labels).sort() };
    });
}

/** What prom-client keeps of a metric, and does not show in its types. */
const declared = (): Row[] =>
  createMetrics()
    .registry.getMetricsAsArray()
    .map((metric) => {
      const { name, labelNames } = metric as unknown as Row & { readonly labelNames: readonly string[] };
      return { name, labels: [...labelNames].sort() };
    });

const byName = (one: Row, other: Row): number => (one.name < other.name ? -1 : 1);

t.test('every metric has its line in the docs, with its labels, and no other has', async (t) => {
  t.strictSame(documented().sort(byName), declared().sort(byName));
});

/** What no load brings about: it takes a fault, or a flag server, which have tests of their own. */
const FAULTS = new Set([
  'crossfade_stage_lowered_total',
  'crossfade_flags_errors_total',
  'crossfade_flags_fallback_total',
  'crossfade_auth_refused_total',
  'crossfade_refused_total',
]);

t.test('under load each is there, by name and labels', async (t) => {
  const notes = await withNotes(t, {
    stage: 'validate',
    edit: (text) => text.replace('bind({', "bind({\n  auth: { mode: 'gateway' },"),
    legacy: async (documents, table) =>
      (await startNotesLegacy(t, documents, table, { refuses: ({ id }) => id === 'n003' })).url,
  });
  await notes.put([note('n001'), note('n002', { text: 7 }), note('n003')]);
  await notes.db.collection('notes').updateOne({ id: 'n001' }, { $set: { size: 13 } });
  const { file } = notes.facade.app.bindings;
  const { url, adminUrl } = await serveAlone(t, dirname(file), file, notes.env);
  const headers = { 'x-tenant-id': 'acme' };
  const scrape = async () => await (await fetch(`${adminUrl}/metrics`)).text();
  await (await fetch(`${adminUrl}/admin/v1/operations`)).text();
  let text = '';
  for (const end = Date.now() + 20_000; Date.now() < end && !/exposures_total\{/.test(text); await sleep(100)) {
    for (const id of ['n001', 'n002', 'n003']) await (await fetch(`${url}/notes/${id}`, { headers })).text();
    text = await scrape();
  }
  for (const { name, labels } of documented()) {
    t.match(text, new RegExp(`^# TYPE ${name} `, 'm'), name);
    if (FAULTS.has(name)) continue;
    const sample = new RegExp(`^${name}(_bucket)?(\\{(.*)\\})? [^\\n]+$`, 'm').exec(text);
    if (!t.ok(sample, `${name} has a value`)) continue;
    const shown = [...(sample?.[3] ?? '').matchAll(/(\w+)="/g)].map(([, label]) => label as string);
    t.strictSame(shown.filter((label) => label !== 'le').sort(), labels, `labels of ${name}`);
  }
  for (const name of [
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_gc_duration_seconds',
    'process_resident_memory_bytes',
  ])
    t.match(text, new RegExp(`^# TYPE ${name} `, 'm'), name);
  // While something is under way its connection is not idle.
  const idle = [
    /origin_connections\{origin="mongodb",role="candidate",state="idle"\} [1-9]/,
    /origin_connections\{origin="dynamodb",role="candidate",state="idle"\} [1-9]/,
    /origin_connections\{origin="legacy",role="control",state="idle"\} [1-9]/,
  ];
  const rests = () => idle.every((one) => one.test(text));
  for (const end = Date.now() + 10_000; Date.now() < end && !rests(); await sleep(100)) text = await scrape();
  for (const one of idle) t.match(text, one);
  for (const value of ['acme', 'n001', '/notes/n']) t.notMatch(text, value, `${value} is in no label`);
});
