import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { entryOf } from './admin/changes.ts';
import { openAdmin } from './admin/open.ts';
import type { Reading } from './admin/opened.ts';
import { openReading } from './admin/reading.ts';
import { createCursors } from './bindings/cursor.ts';
import { evidenceId } from './bindings/evidence.ts';
import { type Bindings, loadBindings } from './bindings/load.ts';
import { type Config, VERSION } from './config.ts';
import { openResults, type ResultsStore } from './drivers/results.ts';
import { openUnleash, tokenOf } from './drivers/unleash.ts';
import { ConfigError, type Problem } from './errors.ts';
import { createFacade } from './facade.ts';
import type { FlagApi } from './flags/api.ts';
import type { Flags } from './flags/decide.ts';
import { savedFile } from './flags/saved.ts';
import { openFlags } from './flags/source.ts';
import { reportUsage, type StageCounts } from './flags/usage.ts';
import { giveBack } from './give-back.ts';
import { addProcessMetrics, createMetrics, type Metrics, risesTo } from './metrics.ts';
import type { AuthSpec } from './model/auth.ts';
import { createDeadlines } from './model/deadline.ts';
import type { Log } from './model/log.ts';
import type { StoreName } from './model/stage.ts';
import { mongodbShower, noteFailure, openTraces, showConnections, tenantShower } from './observers.ts';
import { closePlace, placeAt } from './operate/place.ts';
import { openAnswerer, openOrigins } from './operate/stores.ts';
import { createLegacyOrigin } from './origins/legacy.ts';
import { openAdmission, openGuards } from './overload.ts';
import { readiness } from './readiness.ts';
import { createOriginAccounts } from './request/accounts.ts';
import { createAuth } from './request/auth.ts';
import { guardLegacy } from './request/guard.ts';
import { createRequestLog } from './request/log.ts';
import { createObserver } from './request/observe.ts';
import { createSampling } from './results/sample.ts';
import { openShadowing } from './shadowing.ts';

export type { Log } from './model/log.ts';

export interface App {
  readonly facadeUrl: string;
  readonly adminUrl: string;
  /** Of an operator, where no ADMIN_TOKENS were given: made for this process, to be shown once. */
  readonly adminToken: string | undefined;
  readonly bindings: Bindings;
  readonly flags: Flags;
  /** What the admin API reads. */
  readonly reading: Reading;
  /** From now on `/readyz` says no, so that no new client is sent here. */
  readonly drain: () => void;
  /** Ends what is under way, then the parts in reverse order. */
  readonly close: () => Promise<void>;
}

export interface ComposeOptions {
  readonly bindings: string;
  readonly log: Log;
  /** Lines of the log that could not be written, so far. */
  readonly logDropped?: () => number;
  /** Whether this process is the façade's alone, so that its memory is ours to tidy and its metrics ours to show. */
  readonly ownsProcess?: boolean;
}

type Close = () => Promise<unknown> | unknown;

/**
 * Config → parts, in order; listens on both ports. Throws a ConfigError where a part cannot be had, having closed what
 * was already open.
 */
export async function compose(config: Config, options: ComposeOptions): Promise<App> {
  const closers: Close[] = [];
  // One part that cannot be closed must not keep the others, and what they still have to write, from it.
  const close = async () => {
    for (const one of closers.splice(0).reverse()) {
      await Promise.resolve(one()).catch((error: unknown) =>
        options.log('error', 'a part did not close', { cause: error }),
      );
    }
  };
  try {
    return await build(config, options, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(
  config: Config,
  { bindings: file, log, logDropped, ownsProcess = false }: ComposeOptions,
  closers: Close[],
  close: () => Promise<void>,
): Promise<App> {
  const metrics = createMetrics();
  const bindings = await loadBindings(file, {
    legacy: config.legacyUrl !== undefined,
    onViolation: (operation, origin) => metrics.contractViolations.inc({ operation, origin }),
  });
  if (ownsProcess) addProcessMetrics(metrics);
  if (logDropped !== undefined) metrics.onCollect(risesTo(metrics.logDropped, logDropped));
  metrics.buildInfo.set({ version: VERSION, api: bindings.name }, 1);
  checkNeeds(config, bindings);
  const tracing = await openTraces(config, metrics, log, closers);
  const onUnleasable = mongodbShower(metrics, log, config);
  const origins = openOrigins(config, bindings, { timeout: config.originTimeout, onUnleasable }, closers);
  const unguarded =
    config.legacyUrl === undefined
      ? undefined
      : createLegacyOrigin({
          ...{ url: config.legacyUrl, encrypted: config.tls !== undefined, ...config.legacy },
          replaced: tracing?.propagates === true ? ['traceparent', 'tracestate'] : [],
        });
  if (unguarded !== undefined) closers.push(() => unguarded.close());
  const guards = openGuards(config, origins, unguarded, metrics, closers);
  const legacy = unguarded && guards.legacy && guardLegacy(unguarded, guards.legacy);
  const { pulse, admission } = openAdmission(config, closers);
  metrics.onCollect(() => {
    if (legacy !== undefined) showConnections(metrics, 'legacy', 'control', legacy);
    for (const origin of Object.values(origins)) showConnections(metrics, origin.name, 'control', origin);
  });
  let tellReplica = () => {};
  const api: FlagApi = { name: bindings.name, operations: bindings.operations };
  const flagged = flagsPlace(config, bindings.name);
  const flags = await openFlags({
    ...flagged,
    api,
    log,
    ...flagMetrics(metrics, log),
    onChange: () => tellReplica(),
  });
  closers.push(() => flags.close());
  if (flagged.server !== undefined)
    closers.push(reportUsage({ http: flagged.server.http, api, version: VERSION, counts: () => countsOf(metrics) }));
  metrics.onCollect(() => showFlags(metrics, flags));
  const cursors = createCursors(config.cursorSecrets);
  const evidence = await evidenceId(bindings.file, bindings.contract.source, VERSION);
  const shadowing = openShadowing({
    ...{ config, evidence, bindings, flags, cursors, legacy, metrics, log, tracing, pulse, closers },
  });
  if (shadowing !== undefined) tellReplica = shadowing.beat;
  const auth = createAuth(bindings.spec.auth, { file: bindings.file, secrets: config.gatewaySecrets });
  closers.push(() => auth.close());
  const shownTenant = tenantShower(config);
  const requestLog = createRequestLog({ ...config.requestLog, log, shownTenant });
  closers.push(requestLog.close);
  const line = Object.freeze({
    bindings,
    flags,
    auth,
    observe: createObserver(openAnswerer(origins, cursors, config.originTimeout), bindings.spec.cors, guards),
    shadow: shadowing?.shadow,
    onTenant: shadowing?.meet,
    cursors,
    legacy,
    serverTiming: config.serverTiming,
    deadlines: createDeadlines(config.originTimeout),
    onAnswer: createOriginAccounts(metrics, 'control'),
    onFailure: noteFailure(metrics, requestLog),
  });
  let draining = false;
  const active = new Map<string, number>();
  const facade = createFacade({
    ...{ line, metrics, tracing, requestLog, shownTenant, active, admission, ...config.overload },
    tls: config.tls,
    isDraining: () => draining,
  });
  const place = placeAt(config, bindings);
  closers.push(() => closePlace(place));
  const ready = readiness({ bindings, flags, origins, auth, isDraining: () => draining });
  const results = openReadResults(config, closers);
  const reading = openReading({
    ...{ bindings, config, cursors, flags, metrics, evidence, results, readiness: ready },
    sampling: createSampling(config.sampleSecret, []),
    ...{
      shadow: shadowing?.state,
      writer: shadowing?.writer,
      inFlight: () => active.values().reduce((all, n) => all + n, 0),
    },
    auditEntry: (row) => entryOf(row, place),
  });
  closers.push(reading.close);
  const admin = await openAdmin({ config, bindings, metrics, log, readiness: ready, place, reading });
  // Making their routes leaves as much as they keep: to be done before what is left is given back.
  await Promise.all([admin.ready(), facade.ready(), shadowing?.ready()]);
  if (ownsProcess) giveBack();
  // Whoever has not had a reply by then gets none: every store's deadline has passed, and legacy may have none.
  const grace = config.originTimeout + 1_000;
  const adminUrl = await listen(admin, config.adminHost, config.adminPort, 'ADMIN_PORT', grace, closers);
  const facadeUrl = await listen(facade, config.host, config.port, 'PORT', grace, closers);
  const drain = () => {
    draining = true;
  };
  const adminToken = config.access.tokenMade;
  return Object.freeze({ facadeUrl, adminUrl, adminToken, bindings, flags, reading, drain, close });
}

/** Where the flags are, and where their last good form is kept. */
function flagsPlace({ stagesFile, unleash, killFile, stateDir }: Config, api: string) {
  if (unleash === undefined) return { file: stagesFile, killFile, server: undefined };
  const { url, refresh, environment } = unleash;
  const http = openUnleash({ url, token: tokenOf(unleash) });
  return {
    file: stagesFile,
    killFile,
    server: { http, refresh, saved: savedFile(stateDir, api, http.url, environment) },
  };
}

/** Requests by operation and stage. */
async function countsOf({ stageRequests }: Metrics): Promise<StageCounts> {
  const counts = new Map<string, Map<string, number>>();
  for (const { labels, value } of (await stageRequests.get()).values) {
    const operation = String(labels.operation);
    const stages = counts.get(operation) ?? new Map<string, number>();
    counts.set(operation, stages.set(String(labels.stage), value));
  }
  return counts;
}

function flagMetrics(metrics: Metrics, log: Log) {
  return {
    onRefused: () => metrics.flagsRefused.inc(),
    onError: (reason: string) => metrics.flagsErrors.inc({ reason }),
    onUnsaved: () => metrics.flagsUnsaved.inc(),
    onFallback: (flag: string, reason: string) => {
      metrics.flagsFallback.inc({ flag });
      log('warn', `flag ${flag} ${reason}; its last good form stays`);
    },
    onLowered: (operation: string) => metrics.stageLowered.inc({ operation }),
  };
}

function showFlags(metrics: Metrics, flags: Flags): void {
  const { confirmed, kill, source } = flags.state();
  // Twelve hexadecimal digits: a double holds them exactly.
  metrics.flagsRevision.set(Number.parseInt(flags.revision(), 16) || 0);
  metrics.flagsLastUpdate.set(confirmed / 1000);
  metrics.killActive.set(kill ? 1 : 0);
  for (const one of ['file', 'server', 'saved', 'none'])
    metrics.flagsSource.set({ source: one }, one === source ? 1 : 0);
}

/** A bound operation whose stores nobody can reach is a mistake to hear of at start, not a request later. */
function checkNeeds(config: Config, { file, operations, spec }: Bindings): void {
  const problems: Problem[] = [];
  const uses = (store: StoreName) => operations.some(({ spec }) => spec?.[store] !== undefined);
  if (uses('mongodb') && config.mongodbUri === undefined) {
    problems.push({ where: 'MONGODB_URI', message: `is missing, and ${file} binds operations to MongoDB` });
  }
  if (uses('dynamodb') && config.dynamodb.endpoint === undefined && config.dynamodb.region === undefined) {
    problems.push({ where: 'AWS_REGION', message: `is missing, and ${file} binds operations to DynamoDB` });
  }
  problems.push(...proofNeeds(config, spec.auth, file));
  if (problems.length > 0) throw new ConfigError(problems);
}

/** What a gateway's proof is checked with. */
function proofNeeds(config: Config, auth: AuthSpec | undefined, file: string): readonly Problem[] {
  if (auth?.mode !== 'gateway' || auth.proof === undefined) return [];
  const { proof } = auth;
  if (typeof proof === 'object' && 'header' in proof && config.gatewaySecrets.length === 0)
    return [{ where: 'GATEWAY_SECRETS', message: `is missing, and ${file} asks for one in ${proof.header}` }];
  const certificate = proof === 'mtls' || 'mtls' in proof;
  if (certificate && config.tls?.clientCa === undefined)
    return [{ where: 'TLS_CLIENT_CA_FILE', message: `is missing, and ${file} asks for a certificate of the gateway` }];
  return [];
}

/** Where results are read for people: none of the connections that write them. */
function openReadResults({ resultsUri: uri }: Config, closers: Close[]): ResultsStore | undefined {
  if (uri === undefined) return undefined;
  const store = openResults({ uri });
  closers.push(() => store.close());
  return store;
}

/** Ends what is in flight; connections that are left after so many milliseconds (half a request, an unread body) are cut. */
async function closeWithin(app: FastifyInstance, milliseconds: number): Promise<void> {
  const late = setTimeout(() => app.server.closeAllConnections(), milliseconds);
  await app.close();
  clearTimeout(late);
}

async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  setting: string,
  grace: number,
  closers: Close[],
): Promise<string> {
  try {
    closers.push(() => closeWithin(app, grace));
    await app.listen({ host, port });
  } catch (error) {
    throw new ConfigError([
      { where: setting, message: `cannot listen on ${host}:${port}: ${(error as Error).message}` },
    ]);
  }
  const address = app.server.address() as AddressInfo;
  return `${app.server instanceof TlsServer ? 'https' : 'http'}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
