import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createCursors } from '../bindings/cursor.ts';
import { evidenceId } from '../bindings/evidence.ts';
import { type Bindings, loadBindings } from '../bindings/load.ts';
import { openAnswerer, openOrigins } from '../compose.ts';
import { VERSION } from '../config.ts';
import { openResults, type ResultsStore } from '../drivers/results.ts';
import { StoreError, UsageError } from '../errors.ts';
import type { OriginName, StoreName } from '../model/stage.ts';
import { type Credentials, NO_CREDENTIALS, readCredentials } from '../replay/credentials.ts';
import { type DressOptions, tenantHeader } from '../replay/dress.ts';
import { openHolding } from '../replay/holding.ts';
import { askLegacy, type Sent } from '../replay/legacy.ts';
import { createReservoir, type Negative, negative } from '../replay/negative.ts';
import { createPace } from '../replay/pace.ts';
import { headersOf, Unreadable } from '../replay/recorded.ts';
import { type JobOptions, jobsOf, replay } from '../replay/run.ts';
import { FORMATS, type Format, openSource } from '../replay/source.ts';
import { createSubjects, type Subject } from '../replay/subject.ts';
import { createTally } from '../replay/tally.ts';
import { createObserver } from '../request/observe.ts';
import type { ReplayRow } from '../results/rows.ts';
import { createSampling } from '../results/sample.ts';
import { createWriter } from '../results/writer.ts';
import { type Io, json as jsonText, printable } from './io.ts';
import { type Place, placeOf } from './place.ts';
import { plannedText, type Replayed, replayedText, showProgress } from './replay-text.ts';

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

/** What a replay has beside its options: a way to end it, and what `-` means. */
export interface Surroundings {
  readonly signal: AbortSignal;
  readonly stdin: Readable;
  /** Whether progress is drawn on one line. */
  readonly tty: boolean;
}

const EXAMPLES = `
Examples:
  $ crossfade replay requests.ndjson
  $ crossfade replay access.log.gz --tenants acme,globex --rate 20
  $ crossfade replay session.har --origins dynamodb,mongodb --credentials credentials.json
  $ zcat access.log.*.gz | crossfade replay - --header 'x-tenant-id: acme' --dry-run
  $ crossfade replay requests.ndjson --negative 100 --facade http://127.0.0.1:8080 --credentials credentials.json

NDJSON: one request a line, { "method": "GET", "path": "/users/u-1?x=1", "headers": { … }, "body": … }.`;

const RATE = 50;
const CONCURRENCY = 8;
const MAX_PAGES = 1_000;
/** Interrupted, as a shell says it. */
const INTERRUPTED = 130;

export function command(io: Io): Command {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  const list = (value: string, before: readonly string[] = []) => [...before, ...value.split(',').filter(Boolean)];
  return new Command('replay')
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
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: ReplayOptions) => {
      const ending = new AbortController();
      const end = () => {
        // Whoever says it twice means it.
        if (ending.signal.aborted) process.exit(INTERRUPTED);
        ending.abort();
      };
      process.on('SIGINT', end).on('SIGTERM', end);
      const { stdin, stderr } = process;
      process.exitCode = await run(io, file, options, { signal: ending.signal, stdin, tty: stderr.isTTY === true });
      process.off('SIGINT', end).off('SIGTERM', end);
    });
}

/** 0: nothing found; 1: findings; 3: somebody did not answer; 130: interrupted, with what was done so far written. */
export async function run(io: Io, file: string, options: ReplayOptions, around: Surroundings): Promise<number> {
  checkOptions(options);
  const place = await placeOf(io, options.bindings);
  const bindings = await loadBindings(place.bindings, { legacy: place.config.legacyUrl !== undefined });
  const credentials =
    options.credentials === undefined ? NO_CREDENTIALS : await readCredentials(options.credentials, io.cwd);
  const dress = dressOf(bindings, options, credentials);
  checkNames(bindings, options);
  const source = await openSource(file, { cwd: io.cwd, format: options.format, stdin: around.stdin });
  const given: Given = { io, options, around, place, bindings, credentials, dress, source };
  return options.dryRun === true ? await preview(given) : await perform(given);
}

interface Given {
  readonly io: Io;
  readonly options: ReplayOptions;
  readonly around: Surroundings;
  readonly place: Place;
  readonly bindings: Bindings;
  readonly credentials: Credentials;
  readonly dress: DressOptions;
  readonly source: JobOptions['source'];
}

function checkOptions({ negative: n, facade, exhaustive, limit, tenant }: ReplayOptions): void {
  if (n !== undefined && facade === undefined)
    throw new UsageError('--negative needs --facade URL: only a running façade refuses as a client would see it');
  if (n === undefined && facade !== undefined)
    throw new UsageError('--facade is what --negative asks: give --negative N');
  if (exhaustive === true && (limit !== undefined || tenant !== undefined))
    throw new UsageError('--exhaustive says that every key is asked for: --limit and --tenant leave some out');
}

function checkNames({ operations }: Bindings, { operation = [] }: ReplayOptions): void {
  const bound = operations.filter(({ spec, kind }) => spec !== undefined && kind === 'read').map(({ id }) => id);
  const unknown = operation.find((one) => !bound.includes(one));
  if (unknown !== undefined)
    throw new UsageError(`there is no read ${printable(unknown)} with bindings; there are ${bound.join(', ')}`);
}

function dressOf({ spec }: Bindings, options: ReplayOptions, credentials: Credentials): DressOptions {
  const run = `replay-${randomBytes(4).toString('hex')}`;
  const { tenants: names, keepCredentials = false } = options;
  const header = names === undefined ? undefined : tenantHeader(spec.tenant);
  if (names !== undefined && header === undefined)
    throw new UsageError('--tenants: the bindings do not take the tenant from a header');
  const tenants = names === undefined || header === undefined ? undefined : { header, names };
  return { headers: headersGiven(options.header ?? []), credentials, keepCredentials, tenants, run };
}

function headersGiven(lines: readonly string[]): Record<string, string> {
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

/** What both a preview and a replay decide by; nobody is asked. */
function jobOptions(given: Given, tally: JobOptions['tally'], subjects: JobOptions['subjects'], signal: AbortSignal) {
  const { options, dress, source } = given;
  const { operation, tenant, limit = Number.POSITIVE_INFINITY, strict = false, origins } = options;
  const setOf = (names: readonly string[] | undefined) => (names === undefined ? undefined : new Set(names));
  return {
    ...{ source, subjects, dress, origins, limit, strict, tally, signal },
    ...{ operations: setOf(operation), tenants: setOf(tenant) },
  } satisfies JobOptions;
}

async function preview(given: Given): Promise<number> {
  const { io, options, around, place, bindings, source } = given;
  const tally = createTally();
  const never = () => Promise.reject(new Error('nobody is asked'));
  const subjects = createSubjects({
    ...{ bindings, cursors: createCursors(place.config.cursorSecrets), observe: never, claims: () => NO_CLAIMS },
    legacy: place.config.legacyUrl === undefined ? undefined : never,
  });
  for await (const _ of jobsOf(jobOptions(given, tally, subjects, around.signal)));
  const counted = tally.read();
  checkReadable(source.name, counted);
  io.out(
    options.json === true
      ? jsonText({ api: bindings.name, dryRun: true, ...counted })
      : plannedText(counted, source.name),
  );
  return around.signal.aborted ? INTERRUPTED : 0;
}

const NO_CLAIMS = Object.freeze({});

function checkReadable(
  name: string,
  { taken, skipped, complaints, firstComplaints }: ReturnType<ReturnType<typeof createTally>['read']>,
) {
  if (taken > 0 || skipped.length > 0 || complaints === 0) return;
  throw new UsageError(`${name} holds no request that can be read:\n${firstComplaints.map(printable).join('\n')}`);
}

async function perform(given: Given): Promise<number> {
  const { io, options, around, place, bindings, source, credentials } = given;
  const { config } = place;
  if (config.resultsUri === undefined)
    throw new UsageError('RESULTS_URI or MONGODB_URI must say where the results are');
  if (options.negative !== undefined && config.legacyUrl === undefined)
    throw new UsageError('--negative holds the façade against legacy: set LEGACY_URL');
  checkOrigins(place, bindings, options.origins);
  const evidence = await evidenceId(bindings.file, bindings.contract.source, VERSION);
  const closers: (() => unknown)[] = [];
  const { rate = RATE, concurrency = CONCURRENCY, maxPages = MAX_PAGES } = options;
  const stores = openOrigins(config, bindings, { timeout: config.originTimeout, size: concurrency * 2 + 16 }, closers);
  const results = openResults({ uri: config.resultsUri });
  closers.push(() => results.close());
  // Ends the replay: the operator, or an origin that is away.
  const ending = new AbortController();
  around.signal.addEventListener('abort', () => ending.abort(), { once: true });
  if (around.signal.aborted) ending.abort();
  let failure: StoreError | undefined;
  const fail = (error: StoreError) => {
    failure ??= error;
    ending.abort();
  };
  try {
    await reach(stores, options.origins);
    await results.ensureIndexes();
    const tally = createTally();
    const pace = createPace(rate, ending.signal);
    const cursors = createCursors(config.cursorSecrets);
    const legacyUrl = config.legacyUrl;
    const to = (base: string) => (sent: Sent) => askLegacy(base, sent, config.originTimeout);
    const legacy = legacyUrl === undefined ? undefined : to(legacyUrl);
    const observe = createObserver(openAnswerer(stores, cursors, config.originTimeout));
    const subjects = createSubjects({ bindings, cursors, observe, legacy, claims: () => NO_CLAIMS });
    const writer = createWriter({
      ...{ store: results, api: bindings.name, evidence, version: VERSION, source: 'replay' },
      state: () => ({ flags: '', flagsFrom: 'none', totals: holding.totals() }),
    });
    const holding = openHolding({
      sampling: createSampling(config.sampleSecret, bindings.spec.reveal ?? []),
      record: (result) => {
        tally.record(result);
        writer.record(result);
      },
      onThrottled: () => pace.slower(),
      onAway: (origin) =>
        fail(
          new StoreError(
            origin,
            'unavailable',
            `${origin} does not answer any more: the replay ends, and what was compared so far is written`,
          ),
        ),
      onError: (error) => io.err(`${printable(error instanceof Error ? error.message : String(error))}\n`),
      signal: ending.signal,
    });
    const sample = createReservoir<Subject>(options.negative ?? 0);
    const progress = showProgress({
      io,
      tty: around.tty,
      read: tally.read,
      share: source.progress,
      pending: () => holding.totals().pending,
    });
    try {
      await replay({
        ...jobOptions(given, tally, subjects, ending.signal),
        ...{ holding, pace, concurrency, maxPages, onJob: ({ subject }) => sample.add(subject) },
        heldBy: (token): StoreName | undefined => {
          const opened = cursors.open(token);
          return opened.ours ? opened.content.store : undefined;
        },
      });
      await holding.settled();
    } finally {
      progress.end();
      await holding.close();
      await writer.close(LAST_WRITE);
    }
    const counted = tally.read();
    if (!ending.signal.aborted) checkReadable(source.name, counted);
    const interrupted = around.signal.aborted;
    const refused =
      options.negative === undefined || ending.signal.aborted || legacy === undefined
        ? undefined
        : await negative({
            ...{ sample: sample.kept(), subjects, credentials, pace, legacy, facade: to(options.facade as string) },
            tenants: counted.operations.flatMap(({ tenants }) => tenants.map(({ tenant }) => tenant)),
          });
    const dropped = writer.dropped();
    const finished = !ending.signal.aborted && options.limit === undefined;
    const marked = finished
      ? await mark(results, { bindings, evidence, replica: writer.replica }, counted, dropped, options)
      : [];
    const replayed: Replayed = {
      api: bindings.name,
      evidence,
      counted,
      negative: refused,
      interrupted,
      dropped,
      marked,
    };
    io.out(options.json === true ? jsonText(replayed) : replayedText(replayed, io.color));
    if (failure !== undefined) throw failure;
    return codeOf(replayed);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

const LAST_WRITE = 10_000;

/** What was named must be there; what was not is left out where it is not. */
function checkOrigins({ config }: Place, { operations }: Bindings, named: readonly OriginName[] | undefined): void {
  const has: Readonly<Record<OriginName, readonly [boolean, string]>> = {
    legacy: [config.legacyUrl !== undefined, 'LEGACY_URL'],
    dynamodb: [config.dynamodb.endpoint !== undefined || config.dynamodb.region !== undefined, 'AWS_REGION'],
    mongodb: [config.mongodbUri !== undefined, 'MONGODB_URI'],
  };
  const bound = (['dynamodb', 'mongodb'] as const).filter((store) =>
    operations.some(({ stores }) => stores[store] !== undefined),
  );
  for (const origin of named ?? bound) {
    const [connected, setting] = has[origin];
    if (!connected)
      throw new UsageError(
        `${origin} cannot be asked: set ${setting}${named === undefined ? ', or say --origins' : ''}`,
      );
  }
}

/** A store that does not answer now is told before a thousand requests fail. */
async function reach(
  stores: Awaited<ReturnType<typeof openOrigins>>,
  named: readonly OriginName[] | undefined,
): Promise<void> {
  const wanted = Object.values(stores).filter(({ name }) => named === undefined || named.includes(name));
  await Promise.all(wanted.map((store) => store.ping(AbortSignal.timeout(10_000))));
}

/** Notes which operations are done, and of which every key was asked for; gives the latter. */
async function mark(
  results: ResultsStore,
  { bindings, evidence, replica }: { readonly bindings: Bindings; readonly evidence: string; readonly replica: string },
  { operations, pairs, skipped, complaints }: Replayed['counted'],
  dropped: number,
  { exhaustive = false }: ReplayOptions,
): Promise<readonly string[]> {
  const finished = new Date();
  const left = skipped.length > 0 || complaints > 0 || dropped > 0;
  const rows = operations.map(({ operation, requests }): ReplayRow => {
    const own = pairs.filter((one) => one.operation === operation);
    const whole = own.length > 0 && own.every(({ notCompared }) => notCompared.length === 0);
    return {
      ...{ _id: `${replica}:${operation}`, api: bindings.name, evidence, operation },
      ...{ pairs: own.map(({ pair }) => pair), finished, exhaustive: exhaustive && whole && !left, requests },
    };
  });
  await results.replaceAll('crossfade_replays', rows);
  return rows.filter((row) => row.exhaustive).map(({ operation }) => operation);
}

function codeOf({ counted, negative: refused, interrupted, dropped }: Replayed): number {
  if (interrupted) return INTERRUPTED;
  const found = counted.findings.some(({ verdict }) => verdict !== 'transient') || isExposed(refused);
  if (found) return 1;
  const failed = counted.pairs.some(({ notCompared }) => notCompared.some(({ outcome }) => outcome === 'error'));
  return failed || dropped > 0 || (refused?.failures.length ?? 0) > 0 ? 3 : 0;
}

const isExposed = (refused: Negative | undefined): boolean => (refused?.exposures.length ?? 0) > 0;

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
