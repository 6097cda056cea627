import { printableLine } from '../model/printable.ts';
import type { Negative, Refusal } from '../replay/negative.ts';
import type { Counted } from '../replay/tally.ts';
import { duration, plural, table, timesText } from '../report/text.ts';
import type { Io } from './io.ts';

/** What a replay came to. */
export interface Replayed {
  readonly api: string;
  readonly evidence: string;
  readonly counted: Counted;
  readonly negative: Negative | undefined;
  readonly interrupted: boolean;
  /** Results that could not be written. */
  readonly dropped: number;
  /** Operations of which every key was asked for and compared. */
  readonly marked: readonly string[];
}

/** What would be asked. */
export function plannedText(counted: Counted, file: string): string {
  const rows = counted.operations.flatMap(({ operation, tenants }) =>
    tenants.map(({ tenant, requests }) => [operation, printableLine(tenant), String(requests)]),
  );
  const head = `${plural(counted.taken, 'request')} of ${printableLine(file)} would be asked; nobody was.\n`;
  const list = rows.length === 0 ? '' : `\n${table([['operation', 'tenant', 'requests'], ...rows])}`;
  return `${head}${list}${leftText(counted)}`;
}

/** The summary at the end: what leaks first, then what was compared, then how to go on. */
export function replayedText(replayed: Replayed, color: boolean): string {
  const { counted, negative, interrupted, dropped, marked } = replayed;
  const paint = (code: number, text: string) => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const head = `${interrupted ? 'Interrupted: ' : ''}${plural(counted.done, 'request')} replayed, ${plural(counted.pages, 'later page')} walked.\n`;
  return [
    negative === undefined ? '' : negativeText(negative, paint),
    head,
    counted.pairs.length === 0 ? '' : `\n${pairsText(counted)}`,
    findingsText(counted, paint),
    leftText(counted),
    dropped > 0 ? `\n${plural(dropped, 'result')} could not be written.\n` : '',
    marked.length > 0 ? `\nEvery key was asked for and compared: ${marked.join(', ')}.\n` : '',
    counted.pairs.length > 0 ? '\nGo on with `crossfade report`.\n' : '',
  ].join('');
}

function pairsText({ pairs }: Counted): string {
  return table([
    ['operation', 'pair', 'compared', 'match', 'ignored', 'mismatch', 'of them', 'not compared'],
    ...pairs.map((one) => [
      one.operation,
      one.pair,
      String(one.compared),
      String(one.match),
      String(one.ignored),
      String(one.mismatch),
      said(Object.entries(one.verdicts).filter(([, n]) => n > 0)),
      said(one.notCompared.map(({ outcome, reason, n }) => [`${outcome} (${reason})`, n] as const)),
    ]),
  ]);
}

const said = (counts: readonly (readonly [string, number])[]): string =>
  counts.length === 0 ? '–' : counts.map(([name, n]) => `${n} ${name}`).join(', ');

function findingsText({ findings }: Counted, paint: (code: number, text: string) => string): string {
  const lasting = findings.filter(({ verdict }) => verdict !== 'transient');
  if (lasting.length === 0) return `\n${paint(32, 'Nothing was found that lasted.')}\n`;
  const rows = lasting.map(({ kind, operation, path, pair, verdict, n, fingerprint }) => [
    ...[kind, operation, printableLine(path) || '(whole answer)', pair, timesText(n), verdict, fingerprint],
  ]);
  return `\n${paint(31, plural(lasting.length, 'finding'))}\n${table([['kind', 'operation', 'path', 'pair', 'seen', 'verdict', 'fingerprint'], ...rows])}`;
}

/** What was not replayed, and why. */
function leftText({ skipped, complaints, firstComplaints }: Counted): string {
  const lines = skipped.map(
    ({ reason, n, place }) => `  ${n} ${SAID[reason] ?? reason} (first: ${printableLine(place)})\n`,
  );
  const more = complaints - firstComplaints.length;
  const shown = firstComplaints.map((line) => `  ${printableLine(line)}\n`).join('');
  return [
    lines.length === 0 ? '' : `\nNot replayed:\n${lines.join('')}`,
    complaints === 0
      ? ''
      : `\n${plural(complaints, 'line')} could not be read:\n${shown}${more > 0 ? `  and ${more} more\n` : ''}`,
  ].join('');
}

const SAID: Readonly<Record<string, string>> = Object.freeze({
  'not a read': 'writes, which are never sent',
  'unknown path': 'of paths that the contract does not have',
  'no bindings': 'of operations without bindings',
  'no tenant': 'without a tenant: say --header or --tenants',
  'no body': 'with a body that was not recorded',
  'later page': 'of later pages, which are walked to from the first',
  'not let in': 'whose caller is not let in: say --credentials',
  'not JSON': 'that want something else than JSON',
  'one origin': 'that only one of the origins can answer',
  refused: 'that the façade refuses itself, with no legacy to compare',
});

function negativeText(negative: Negative, paint: (code: number, text: string) => string): string {
  const { requests, forms, exposures, others, failures } = negative;
  const asked = forms.map(({ form, n }) => `${n} ${form}`).join(', ');
  const list = (refusals: readonly Refusal[]) =>
    table([
      ['asked as', 'operation', 'tenant', 'request', 'legacy', 'façade'],
      ...refusals
        .slice(0, 20)
        .map((one) => [
          one.form,
          one.operation,
          printableLine(one.tenant),
          printableLine(`${one.method} ${one.url}`),
          printableLine(String(one.legacy)),
          printableLine(String(one.facade)),
        ]),
    ]);
  const section = (refusals: readonly Refusal[], title: string) =>
    refusals.length === 0 ? '' : `${title}\n${list(refusals)}\n`;
  return [
    section(exposures, paint(31, `EXPOSURE: legacy refuses, the façade answers (${exposures.length})`)),
    section(others, `Other statuses, no exposure (${others.length})`),
    section(failures, `Without an answer (${failures.length})`),
    `Negative replay of ${plural(requests, 'request')}: ${asked}; ${cameOf(negative)}.\n\n`,
  ].join('');
}

/** Not more than was seen: who did not answer has refused nobody. */
function cameOf({ requests, exposures, failures }: Negative): string {
  if (exposures.length > 0) return plural(exposures.length, 'exposure');
  if (requests === 0) return 'nobody was asked, and nothing is known';
  if (failures.length > 0) return 'nothing was exposed as far as both answered';
  return 'the façade refuses whatever legacy refuses';
}

export interface ProgressOptions {
  readonly io: Io;
  readonly tty: boolean;
  readonly read: () => Counted;
  readonly share: () => number | undefined;
  /** Comparisons that are looked at again. */
  readonly pending: () => number;
}

const WIDTH = 24;

/** On standard error: one line that is drawn anew on a terminal, else a line every few seconds. */
export function showProgress({ io, tty, read, share, pending }: ProgressOptions): { readonly end: () => void } {
  const began = performance.now();
  const line = (): string => {
    const { done, pages, findings } = read();
    const seconds = (performance.now() - began) / 1000;
    const part = share();
    const found = findings.filter(({ verdict }) => verdict !== 'transient').length;
    const bar =
      part === undefined
        ? ''
        : `${'█'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '░')} ${Math.floor(part * 100)} %  `;
    const left =
      part === undefined || part === 0 || part === 1
        ? ''
        : `  about ${duration((seconds * 1000 * (1 - part)) / part)} left`;
    const waiting = pending() > 0 ? `  ${pending()} looked at again` : '';
    return `${bar}${done} requests, ${pages} pages, ${(done / seconds).toFixed(1)}/s, ${plural(found, 'finding')}${waiting}${left}`;
  };
  const draw = () => io.err(tty ? `\r\u001b[K${line()}` : `${line()}\n`);
  const timer = setInterval(draw, tty ? 200 : 5_000);
  return Object.freeze({
    end(): void {
      clearInterval(timer);
      if (tty) io.err('\r\u001b[K');
    },
  });
}
