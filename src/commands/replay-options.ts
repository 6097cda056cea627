import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Bindings } from '../bindings/load.ts';
import { UsageError } from '../errors.ts';
import { printable } from '../model/printable.ts';
import type { OriginName } from '../model/stage.ts';
import { headersOf, Unreadable } from '../replay/recorded.ts';
import { FORMATS, type Format } from '../replay/source.ts';

export interface ReplayOptions {
  readonly origins?: readonly OriginName[];
  readonly format?: Format;
  readonly rate?: number;
  readonly concurrency?: number;
  readonly limit?: number;
  readonly operation?: readonly string[];
  readonly tenant?: readonly string[];
  readonly header?: readonly string[];
  readonly tenants?: readonly string[];
  readonly credentials?: string;
  readonly keepCredentials?: boolean;
  readonly maxPages?: number;
  readonly negative?: number;
  readonly facade?: string;
  readonly exhaustive?: boolean;
  readonly strict?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly bindings?: string;
}

const EXAMPLES = `
Examples:
  $ crossfade replay requests.ndjson
  $ crossfade replay access.log.gz --tenants acme,globex --rate 20
  $ crossfade replay session.har --origins dynamodb,mongodb --credentials credentials.json
  $ zcat access.log.*.gz | crossfade replay - --header 'x-tenant-id: acme' --dry-run
  $ crossfade replay requests.ndjson --negative 100 --facade http://127.0.0.1:8080 --credentials credentials.json

NDJSON: one request a line, { "method": "GET", "path": "/users/u-1?x=1", "headers": { … }, "body": … }.`;

export const RATE = 50;
export const CONCURRENCY = 8;
export const MAX_PAGES = 1_000;

/** The verb's description, arguments and options, for `--help` and for parsing. */
export function withOptions(command: Command): Command {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  const list = (value: string, before: readonly string[] = []) => [...before, ...value.split(',').filter(Boolean)];
  return command
    .description(
      'recorded requests through chosen origins, compared as traffic is, pages walked to the end, serving nobody',
    )
    .argument('<file>', 'NDJSON, HAR or combined log, gzip too; - for standard input')
    .option('--origins <names>', 'who is asked, the first as control (default: all that an operation has)', origins)
    .addOption(new Option('--format <format>', 'where extension and content do not tell').choices([...FORMATS]))
    .option('--rate <n>', `requests a second, later pages included (default: ${RATE})`, positive)
    .option('--concurrency <n>', `requests at a time (default: ${CONCURRENCY})`, whole(256))
    .option('--limit <n>', 'end after so many requests', whole(Number.MAX_SAFE_INTEGER))
    .option('--operation <names...>', 'these operations alone')
    .option('--tenant <names...>', 'requests of these tenants alone')
    .option('-H, --header <header>', 'added to each request, or in place of a recorded one (repeatable)', collect)
    .option(
      '--tenants <names>',
      'each line for each of these tenants, where the recording does not say whose it is',
      list,
    )
    .option('--credentials <file>', 'JSON with headers for all and for each tenant; recorded credentials are dropped')
    .option('--keep-credentials', 'send recorded authorization and cookie headers')
    .option('--max-pages <n>', `pages of one list (default: ${MAX_PAGES})`, whole(100_000))
    .option(
      '--negative <n>',
      'then ask so many of the requests as nobody, expired, another user, another tenant',
      whole(100_000),
    )
    .option('--facade <url>', 'a running façade, which the negative replay asks beside legacy')
    .option('--exhaustive', 'FILE lists every key there is: the gate may take this replay for all')
    .option('--strict', 'end at the first line that is no request')
    .option('--dry-run', 'say what would be asked, and ask nobody')
    .option('--json', 'print data instead of text')
    .option('--bindings <file>', 'the bindings module (default: BINDINGS, else the running demo)')
    .addHelpText('after', EXAMPLES);
}

/** Throws a UsageError for options that exclude each other. */
export function checkOptions({ negative: n, facade, exhaustive, limit, tenant }: ReplayOptions): void {
  if (n !== undefined && facade === undefined)
    throw new UsageError('--negative needs --facade URL: only a running façade refuses as a client would see it');
  if (facade !== undefined && !/^https?:$/.test(URL.parse(facade)?.protocol ?? ''))
    throw new UsageError(`--facade wants a URL such as http://127.0.0.1:8080, not ${printable(facade)}`);
  if (n === undefined && facade !== undefined)
    throw new UsageError('--facade is what --negative asks: give --negative N');
  if (exhaustive === true && (limit !== undefined || tenant !== undefined))
    throw new UsageError('--exhaustive says that every key is asked for: --limit and --tenant leave some out');
}

/** Throws a UsageError for an operation that cannot be replayed. */
export function checkNames({ operations }: Bindings, { operation = [] }: ReplayOptions): void {
  const bound = operations.filter(({ spec, kind }) => spec !== undefined && kind === 'read').map(({ id }) => id);
  const unknown = operation.find((one) => !bound.includes(one));
  if (unknown !== undefined)
    throw new UsageError(`there is no read ${printable(unknown)} with bindings; there are ${bound.join(', ')}`);
}

/** `NAME: VALUE`, as in curl. Throws a UsageError. */
export function headersGiven(lines: readonly string[]): Record<string, string> {
  const pairs = lines.map((line) => {
    const cut = line.indexOf(':');
    if (cut < 1) throw new UsageError(`a header is NAME: VALUE, as in curl: ${printable(line)}`);
    return [line.slice(0, cut).trim(), line.slice(cut + 1).trim()] as const;
  });
  try {
    return headersOf(pairs);
  } catch (error) {
    if (error instanceof Unreadable) throw new UsageError(`--header: ${error.message}`);
    throw error;
  }
}

function origins(text: string): readonly OriginName[] {
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => name !== 'legacy' && name !== 'dynamodb' && name !== 'mongodb');
  if (wrong !== undefined) throw new InvalidArgumentError(`${printable(wrong)} is none of legacy, dynamodb, mongodb.`);
  if (names.length < 2 || new Set(names).size < names.length)
    throw new InvalidArgumentError('Two or three different origins are held together.');
  return names as OriginName[];
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 100_000)) throw new InvalidArgumentError('A number above 0, at most 100,000, is wanted.');
  return value;
}

const whole =
  (most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new InvalidArgumentError(`A whole number from 1${most < 1e9 ? ` to ${most}` : ''} is wanted.`);
    return value;
  };
