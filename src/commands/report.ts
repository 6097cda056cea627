import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { evidenceId } from '../bindings/evidence.ts';
import { type Bindings, loadBindings } from '../bindings/load.ts';
import { VERSION } from '../config.ts';
import { openResults, type ResultsStore } from '../drivers/results.ts';
import { UsageError } from '../errors.ts';
import { printable, printableLine } from '../model/printable.ts';
import { reportHtml } from '../report/html.ts';
import { reportMarkdown } from '../report/markdown.ts';
import { reported } from '../report/reported.ts';
import { type FindingSummary, findingSummary, mergeFindings, type Summary, summarize } from '../report/summary.ts';
import { type Color, findingText, reportText, samplesText } from '../report/text.ts';
import { marksOf, readMarks } from '../results/marks.ts';
import { findingsOfRequest, readResults } from '../results/reader.ts';
import { type Io, json as jsonText } from './io.ts';
import { placeOf } from './place.ts';

export interface ReportOptions {
  readonly request?: string;
  readonly format?: 'text' | 'json' | 'markdown' | 'html';
  readonly json?: boolean;
  readonly out?: string;
  readonly evidence?: string;
  readonly bindings?: string;
}

const EXAMPLES = `
Examples:
  $ crossfade report                             all operations
  $ crossfade report getUser                     one operation
  $ crossfade report 3f2a9c81d0e4                one finding, with its samples
  $ crossfade report --request 7d4c…             what is known of one request
  $ crossfade report --format html --out report.html`;

export function command(io: Io): Command {
  return new Command('report')
    .description('what differs between the origins: per operation, then each finding once, worst first')
    .argument('[what]', 'an operation, or the fingerprint of a finding')
    .option('--request <id>', 'findings with a sample of this request')
    .addOption(new Option('--format <format>').choices(['text', 'json', 'markdown', 'html']).default('text'))
    .option('--json', 'the same as --format json')
    .option('--out <file>', 'write to a file')
    .option('--evidence <id>', 'results under another evidence id (history)')
    .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)')
    .addHelpText('after', EXAMPLES)
    .action(async (what: string | undefined, options: ReportOptions) => {
      process.exitCode = await run(io, what, options);
    });
}

/** 0: nothing found that lasted; 1: findings. */
export async function run(io: Io, what: string | undefined, options: ReportOptions): Promise<number> {
  const { bindings: file, config } = await placeOf(io, options.bindings);
  if (config.resultsUri === undefined)
    throw new UsageError('RESULTS_URI or MONGODB_URI must say where the results are');
  const bindings = await loadBindings(file, { legacy: config.legacyUrl !== undefined });
  const store = openResults({ uri: config.resultsUri });
  try {
    return await report(io, bindings, store, what, options);
  } finally {
    await store.close();
  }
}

async function report(
  io: Io,
  bindings: Bindings,
  store: ResultsStore,
  what: string | undefined,
  options: ReportOptions,
): Promise<number> {
  const evidence = options.evidence ?? (await evidenceId(bindings.file, bindings.contract.source, VERSION));
  const isOperation = bindings.operations.some(({ id }) => id === what);
  if (options.request !== undefined) return await ofRequest(io, bindings, store, options.request, options);
  const filter = { api: bindings.name, evidence, operation: isOperation ? what : undefined };
  const now = Date.now();
  const operations = bindings.operations.filter(({ spec }) => spec !== undefined).map((one) => reported(bindings, one));
  const [results, marks] = await Promise.all([readResults(store, filter), readMarks(store, bindings.name)]);
  const summary = summarize({ api: bindings.name, evidence, operations, results, marks, now });
  if (what !== undefined && !isOperation) return await ofFinding(io, bindings, summary, what, options);
  const text = FORMATS[options.json === true ? 'json' : (options.format ?? 'text')](summary, io);
  await write(io, text, options);
  return summary.findings.length + summary.unsettled.length > 0 ? 1 : 0;
}

const NOTHING_COMPARED: ReadonlyMap<string, number> = new Map();

const FORMATS: Readonly<Record<NonNullable<ReportOptions['format']>, (summary: Summary, io: Io) => string>> =
  Object.freeze({
    text: (summary, io) => reportText(clean(summary), painter(io.color)),
    json: (summary) => jsonText(summary),
    markdown: (summary) => reportMarkdown(clean(summary)),
    html: reportHtml,
  });

async function ofFinding(
  io: Io,
  bindings: Bindings,
  summary: Summary,
  fingerprint: string,
  options: ReportOptions,
): Promise<number> {
  const findings = [...summary.findings, ...summary.unsettled, ...summary.passing].filter((one) =>
    [one, ...one.twins].some((pair) => pair.fingerprint === fingerprint),
  );
  if (findings.length === 0) {
    const known = bindings.operations.filter(({ spec }) => spec !== undefined).map(({ id }) => id);
    throw new UsageError(
      `\`${fingerprint}\` is neither an operation (${known.join(', ')}) nor a finding of this evidence`,
    );
  }
  await write(io, oneOrMore(io, findings, options), options);
  return 1;
}

async function ofRequest(
  io: Io,
  bindings: Bindings,
  store: ResultsStore,
  id: string,
  options: ReportOptions,
): Promise<number> {
  const [rows, marks] = await Promise.all([
    findingsOfRequest(store, bindings.name, id),
    readMarks(store, bindings.name),
  ]);
  const known = { operations: new Map(), asked: new Map(), marks: marksOf(marks, Date.now()) };
  const findings = mergeFindings(rows)
    .map((row) => ({ ...row, samples: row.samples.filter(({ requestId }) => requestId === id) }))
    .map((row) => findingSummary(row, NOTHING_COMPARED, Date.now(), known));
  if (findings.length === 0)
    io.err(`no sample is kept of request ${printable(id)}: it matched, or others came after it\n`);
  await write(io, oneOrMore(io, findings, options), options);
  return findings.length > 0 ? 1 : 0;
}

function oneOrMore(io: Io, findings: readonly FindingSummary[], options: ReportOptions): string {
  if (options.json === true || options.format === 'json') return jsonText(findings);
  const paint = painter(io.color);
  return findings.map((one) => `${findingText(clean(one), paint)}\n${samplesText(clean(one))}`).join('\n');
}

async function write(io: Io, text: string, { out }: ReportOptions): Promise<void> {
  if (out === undefined) io.out(text);
  else await writeFile(resolve(io.cwd, out), text);
}

const CODES: Readonly<Record<Color, number>> = Object.freeze({ bold: 1, dim: 2, red: 31, green: 32, yellow: 33 });

export const painter =
  (color: boolean) =>
  (name: Color, text: string): string =>
    color ? `\u001b[${CODES[name]}m${text}\u001b[0m` : text;

/** The same data with no control character in any of its texts: what is printed then is ours alone. */
export function clean<T>(data: T): T {
  if (typeof data === 'string') return printableLine(data) as T;
  if (typeof data !== 'object' || data === null || data instanceof Date) return data;
  if (Array.isArray(data)) return data.map(clean) as T;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, clean(value)])) as T;
}
