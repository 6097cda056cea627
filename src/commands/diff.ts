import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { factsOf } from '../compare/facts.ts';
import { UsageError } from '../errors.ts';
import type { Observation } from '../model/answer.ts';
import type { Comparison, Difference } from '../model/comparison.ts';
import { printable, printableLine } from '../model/printable.ts';
import type { Asking, Enquiry } from '../operate/asking.ts';
import { type Asked, askAll, callText } from '../operate/diffing.ts';
import { duration } from '../report/text.ts';
import { sidesOf } from '../report/words.ts';
import { askingAt } from './asking.ts';
import { type Io, json as jsonText } from './io.ts';
import { placeOf } from './place.ts';

export interface DiffOptions {
  readonly header?: readonly string[];
  readonly watch?: boolean;
  readonly json?: boolean;
  readonly bindings?: string;
}

const EXAMPLES = `
Examples:
  $ crossfade diff GET /users/u-1007 -H 'X-Tenant-Id: acme'
  $ crossfade diff GET '/conversations/c-103/messages?limit=5' -H 'X-Tenant-Id: acme' --watch`;

export function command(io: Io): Command {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  return new Command('diff')
    .description('ask every origin now, and show their calls, durations and what differs, field by field')
    .argument('<method>', 'GET, HEAD')
    .argument('<path>', 'path and query')
    .option('-H, --header <header>', 'a header of the request, as in curl (repeatable)', collect)
    .option('--watch', 'again whenever the bindings or the contract change')
    .option('--json', 'print data instead of text')
    .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)')
    .addHelpText('after', EXAMPLES)
    .action(async (method: string, path: string, options: DiffOptions) => {
      process.exitCode = await (options.watch === true ? watchAndRun(io, options) : run(io, method, path, options));
    });
}

/** 0: all that answer agree; 1: something differs. */
export async function run(io: Io, method: string, path: string, options: DiffOptions): Promise<number> {
  const place = await placeOf(io, options.bindings);
  const asking = await askingAt(place);
  try {
    return await show(io, asking, method.toUpperCase(), path, options);
  } finally {
    await asking.close();
  }
}

async function show(io: Io, asking: Asking, method: string, path: string, options: DiffOptions): Promise<number> {
  if (!path.startsWith('/')) throw new UsageError(`the path must begin with /: ${path}`);
  const enquiry = await asking.enquire({ method, url: path, headers: headersOf(options.header ?? []) });
  const { asked, comparisons } = await askAll(enquiry, Date.now());
  if (options.json === true) io.out(jsonText(dataOf(enquiry, asked, comparisons)));
  else io.out(textOf(io, enquiry, method, path, asked, comparisons));
  return comparisons.some(({ outcome }) => outcome === 'mismatch') ? 1 : 0;
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const cut = line.indexOf(':');
      if (cut < 1) throw new UsageError(`a header is NAME: VALUE, as in curl: ${line}`);
      return [line.slice(0, cut).trim().toLowerCase(), line.slice(cut + 1).trim()];
    }),
  );
}

const stateOf = (one: Observation): string => (one.ok ? String(one.answer.status) : one.error.message);

function textOf(
  io: Io,
  { operation, tenant }: Enquiry,
  method: string,
  path: string,
  asked: readonly Asked[],
  comparisons: readonly Comparison[],
): string {
  const paint = (code: number, text: string) => (io.color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const origins = asked.map((one) => {
    const calls = one.calls.map((call) => `\n    ${callText(call).replaceAll('\n', '\n    ')}`);
    return `${one.origin.padEnd(9)} ${printableLine(stateOf(one))}  ${duration(one.duration)}${calls.join('')}`;
  });
  const pairs = comparisons.map((one) => comparisonText(one, paint));
  return `${paint(1, printableLine(`${method} ${path}`))}  ${operation.id}, tenant ${printableLine(tenant)}\n\n${origins.join('\n')}\n\n${pairs.join('\n')}`;
}

type Paint = (code: number, text: string) => string;

function comparisonText(one: Comparison, paint: Paint): string {
  const { pair, outcome, reason, differences, rules } = one;
  const rulesText = rules.map(({ rule, uses }) => `  rule ${printableLine(rule)}: covers ${uses}\n`).join('');
  if (outcome === 'match') return `${pair}: ${paint(32, 'equal')}\n`;
  if (outcome === 'ignored') return `${pair}: ${paint(32, 'equal')} by these rules\n${rulesText}`;
  if (outcome !== 'mismatch') return `${pair}: not compared (${outcome}: ${reason})\n`;
  const [left, right] = sidesOf(pair);
  const head = `${pair}: ${paint(31, `${differences.length} ${differences.length === 1 ? 'difference' : 'differences'}`)}`;
  return `${head}  ${paint(31, `- ${left}`)}  ${paint(32, `+ ${right}`)}\n${differences.map((difference) => differenceText(difference, paint)).join('')}${rulesText}`;
}

const LONGEST = 400;

function differenceText(difference: Difference, paint: Paint): string {
  const { kind, path, at, left, right, leftType, rightType } = difference;
  const value = (text: Buffer | undefined, type: string) => {
    const written = text === undefined ? type : text.toString('utf8');
    return printable(written.length > LONGEST ? `${written.slice(0, LONGEST)}… (${text?.length} bytes)` : written);
  };
  const facts = factsOf(difference);
  const where = at === path || at === '' ? '' : `  ${printableLine(at)}`;
  return `  ${paint(1, kind)} ${path || '(whole answer)'}${paint(2, where)}${facts.length === 0 ? '' : `  (${facts.join('; ')})`}
    ${paint(31, `- ${value(left, leftType)}`)}
    ${paint(32, `+ ${value(right, rightType)}`)}
`;
}

function dataOf({ operation, tenant }: Enquiry, asked: readonly Asked[], comparisons: readonly Comparison[]) {
  const text = (body: Buffer | undefined) => body?.toString('utf8');
  return {
    operation: operation.id,
    tenant,
    origins: asked.map((one) => ({
      origin: one.origin,
      duration: one.duration,
      calls: one.calls.map(callText),
      ...(one.ok
        ? { status: one.answer.status, headers: one.answer.headers, body: text(one.answer.body) }
        : { error: one.error.message }),
    })),
    comparisons: comparisons.map(({ pair, outcome, reason, differences, rules }) => ({
      ...{ pair, outcome, reason, rules },
      differences: differences.map((one) => ({
        ...one,
        left: text(one.left),
        right: text(one.right),
        facts: factsOf(one),
      })),
    })),
  };
}

/** Each run is a process of its own: a module that was imported once is not read again. */
async function watchAndRun(io: Io, options: DiffOptions): Promise<number> {
  const { bindings } = await placeOf(io, options.bindings);
  const again = process.argv.slice(1).filter((word) => word !== '--watch');
  const once = async (): Promise<void> => {
    if (io.color) io.out('\u001b[2J\u001b[H');
    const child = spawn(process.execPath, [...process.execArgv, ...again], { stdio: 'inherit' });
    await new Promise((done) => child.on('close', done));
    io.err(`watching ${dirname(bindings)}; Ctrl-C ends\n`);
  };
  await once();
  let changed = false;
  const watcher = watch(dirname(bindings), { recursive: true }, () => {
    changed = true;
  });
  process.once('SIGINT', () => watcher.close());
  const closed = new Promise<true>((done) => watcher.once('close', () => done(true)));
  while ((await Promise.race([sleep(150, false, { ref: true }), closed])) === false) {
    if (!changed) continue;
    changed = false;
    await once();
  }
  return 0;
}
