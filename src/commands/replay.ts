import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { createCursors } from '../bindings/cursor.ts';
import { evidenceId } from '../bindings/evidence.ts';
import { type Bindings, loadBindings } from '../bindings/load.ts';
import { VERSION } from '../config.ts';
import { openResults, type ResultsStore } from '../drivers/results.ts';
import { StoreError, UsageError } from '../errors.ts';
import { printable } from '../model/printable.ts';
import type { OriginName, StoreName } from '../model/stage.ts';
import { openAnswerer, openOrigins } from '../operate/stores.ts';
import { type Credentials, NO_CREDENTIALS, readCredentials } from '../replay/credentials.ts';
import { type DressOptions, tenantHeader } from '../replay/dress.ts';
import { openHolding } from '../replay/holding.ts';
import { askLegacy, type Sent } from '../replay/legacy.ts';
import { createReservoir, type Negative, negative } from '../replay/negative.ts';
import { createPace } from '../replay/pace.ts';
import { type JobOptions, jobsOf, replay } from '../replay/run.ts';
import { openSource } from '../replay/source.ts';
import { createSubjects, type Subject } from '../replay/subject.ts';
import { createTally } from '../replay/tally.ts';
import { createAuth } from '../request/auth.ts';
import { createObserver } from '../request/observe.ts';
import type { ReplayRow } from '../results/rows.ts';
import { createSampling } from '../results/sample.ts';
import { createWriter } from '../results/writer.ts';
import { type Io, json as jsonText } from './io.ts';
import { type Place, placeOf } from './place.ts';
import {
  CONCURRENCY,
  checkNames,
  checkOptions,
  headersGiven,
  MAX_PAGES,
  RATE,
  type ReplayOptions,
  withOptions,
} from './replay-options.ts';
import { plannedText, type Replayed, replayedText, showProgress } from './replay-text.ts';

/** What a replay has beside its options: a way to end it, and what `-` means. */
export interface Surroundings {
  readonly signal: AbortSignal;
  readonly stdin: Readable;
  /** Whether progress is drawn on one line. */
  readonly tty: boolean;
}

/** Interrupted, as a shell says it. */
const INTERRUPTED = 130;

export function command(io: Io): Command {
  return withOptions(new Command('replay')).action(async (file: string, options: ReplayOptions) => {
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
  const source = await openSource(file, { cwd: io.cwd, format: options.format, ...around });
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

function dressOf({ spec }: Bindings, options: ReplayOptions, credentials: Credentials): DressOptions {
  const run = `replay-${randomBytes(4).toString('hex')}`;
  const { tenants: names, keepCredentials = false } = options;
  const header = names === undefined ? undefined : tenantHeader(spec.tenant);
  if (names !== undefined && header === undefined)
    throw new UsageError('--tenants: the bindings do not take the tenant from a header');
  const tenants = names === undefined || header === undefined ? undefined : { header, names };
  return { headers: headersGiven(options.header ?? []), credentials, keepCredentials, tenants, run };
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
    ...{
      bindings,
      cursors: createCursors(place.config.cursorSecrets),
      observe: never,
      secrets: NONE,
      auth: undefined,
    },
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

const NONE: ReadonlySet<string> = new Set();

/** Headers that go into no sample, sealed or not; without the one that only says whose request it is. */
function secretsOf({ spec }: Bindings, { names }: Credentials): ReadonlySet<string> {
  const tenant = tenantHeader(spec.tenant);
  return new Set([...names].filter((name) => name !== tenant));
}

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
  const origins = originsOf(place, options.origins);
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
    await reach(stores, origins);
    await results.ensureIndexes();
    const tally = createTally();
    const pace = createPace(rate, ending.signal);
    const cursors = createCursors(config.cursorSecrets);
    const legacyUrl = config.legacyUrl;
    const to = (base: string) => (sent: Sent) => askLegacy(base, sent, config.originTimeout);
    const legacy = legacyUrl === undefined ? undefined : to(legacyUrl);
    const observe = createObserver(openAnswerer(stores, cursors, config.originTimeout), bindings.spec.cors);
    const secrets = secretsOf(bindings, credentials);
    // The gateway's proof is not asked for: who has access to the stores needs none.
    const auth = createAuth(bindings.spec.auth, { file: bindings.file, secrets: undefined });
    closers.push(() => auth.close());
    const asked = { bindings, cursors, observe, legacy, secrets };
    const subjects = createSubjects({ ...asked, auth });
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
        ...{ origins, holding, pace, concurrency, maxPages, onJob: ({ subject }) => sample.add(subject) },
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
            ...{ sample: sample.kept(), credentials, pace, legacy, facade: to(options.facade as string) },
            // Whom to refuse is the façade's to say.
            subjects: createSubjects({ ...asked, auth: undefined }),
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

/** Who is asked: what was named, which must be there, else all that is there. Throws a UsageError. */
function originsOf({ config }: Place, named: readonly OriginName[] | undefined): readonly OriginName[] {
  const settings: readonly (readonly [OriginName, boolean, string])[] = [
    ['legacy', config.legacyUrl !== undefined, 'LEGACY_URL'],
    ['dynamodb', config.dynamodb.endpoint !== undefined || config.dynamodb.region !== undefined, 'AWS_REGION'],
    ['mongodb', config.mongodbUri !== undefined, 'MONGODB_URI'],
  ];
  const missing = settings.find(([origin, connected]) => !connected && named?.includes(origin));
  if (missing !== undefined) throw new UsageError(`${missing[0]} cannot be asked: set ${missing[2]}`);
  return named ?? settings.filter(([, connected]) => connected).map(([origin]) => origin);
}

/** A store that does not answer now is told before a thousand requests fail. */
async function reach(stores: Awaited<ReturnType<typeof openOrigins>>, origins: readonly OriginName[]): Promise<void> {
  const wanted = Object.values(stores).filter(({ name }) => origins.includes(name));
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
  const left = skipped.some(({ reason }) => reason !== 'another operation') || complaints > 0 || dropped > 0;
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
