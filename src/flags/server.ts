import { setTimeout as sleep } from 'node:timers/promises';
import { FlagServerError } from '../errors.ts';
import type { StagesState } from './api.ts';
import type { Decider } from './decide.ts';
import { type Feature, fromFeatures } from './ladder.ts';
import { readSaved, type Saved, writeSaved } from './saved.ts';
import { fetchKill, fetchList, type Listed, type Snapshot, snapshotOf } from './snapshot.ts';
import type { FlagsOptions, ServerSettings, Source } from './source.ts';

export interface ServerOptions extends FlagsOptions, ServerSettings {
  readonly decider: Decider;
  /** Something else is in force. */
  readonly changed: () => void;
}

/** After failures the pause doubles, up to so many times the usual one: an outage that ends is seen within seconds. */
const SLOWEST = 16;
/** However long a server asks to be left alone: the kill switch must not wait for longer. */
const LONGEST_PAUSE = 30_000;
/** How long the last write may take when the process ends. */
const LAST_WRITE = 500;
/** A list may be so much older than an answer to a single flag. */
const LIST_LAG = 2_000;
/** The file says at least so often how old it is. */
const CONFIRM_EVERY = 60_000;

/**
 * Follows a flag server. Load order: the server, else what it last said as it is on disk, else nothing, and then the
 * decider is not ready. A server that is away, refuses, or sends what is no list of flags changes nothing; a single
 * flag that is missing or broken keeps its last good form, also over a restart, since what is on disk is taken first.
 */
export async function followServer(options: ServerOptions): Promise<Source> {
  const { http, api, refresh, saved: file, log, decider } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const disk = createDisk(file, log, options.onUnsaved);
  let listed: Listed | undefined;
  let said: { readonly flag: Feature; readonly asked: number } | undefined;
  let listAsked = Number.NEGATIVE_INFINITY;
  let state: StagesState = fromFeatures([], api).state;
  let source: 'server' | 'saved' | 'none' = 'none';
  let confirmed = 0;
  let problem: FlagServerError | undefined;
  let killProblem: FlagServerError | undefined;

  const apply = ({ revision, features }: Snapshot): void => {
    decider.swap(revision, features);
    state = fromFeatures(decider.features(), api).state;
  };
  /** Puts in force what is known now, if that is something else. */
  const put = (list: Listed | undefined): void => {
    if (list === undefined) return;
    // What was said of the kill flag by itself holds until a list was asked for that is surely newer.
    const kill = said === undefined || listAsked > said.asked + LIST_LAG ? undefined : said.flag;
    const snapshot = snapshotOf(list, kill, api);
    listed = list;
    if (snapshot.revision !== decider.revision() || !decider.ready()) {
      apply(snapshot);
      options.changed();
      log('info', `flags of ${http.url} are in force`, { revision: snapshot.revision });
    }
  };
  const keep = (): void => {
    if (decider.ready()) disk.keep({ revision: decider.revision(), features: decider.features(), confirmed });
  };
  const refuse = (error: FlagServerError, before: FlagServerError | undefined): void => {
    options.onError?.(error.failure);
    if (before?.message !== error.message) log('error', `${error.message}; ${whatStays(source, confirmed)}`);
  };
  const askList = async (): Promise<FlagServerError | undefined> => {
    const asked = performance.now();
    try {
      const list = await fetchList(http, api, listed, { signal });
      if (signal.aborted) return undefined;
      const before = listAsked;
      listAsked = asked;
      try {
        put(list);
      } catch (error) {
        listAsked = before;
        throw error;
      }
      source = 'server';
      confirmed = Date.now();
      if (problem !== undefined)
        log('info', `the flag server ${http.url} answers again`, { revision: decider.revision() });
      problem = undefined;
      keep();
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure = asFlagServerError(error);
      refuse(failure, problem);
      problem = failure;
    }
    return problem;
  };
  const askKill = async (): Promise<FlagServerError | undefined> => {
    const asked = performance.now();
    try {
      const flag = await fetchKill(http, api, { signal });
      if (signal.aborted) return undefined;
      // One that is not there says nothing: its last good form stays, as that of any flag.
      if (flag !== undefined) said = { flag, asked };
      put(listed);
      // Also while the list cannot be had: a restart must not lift a kill.
      keep();
      killProblem = undefined;
    } catch (error) {
      if (signal.aborted) return undefined;
      const failure = asFlagServerError(error);
      // What is wrong with everything is said and counted once, of the list.
      if (problem === undefined) refuse(failure, killProblem);
      killProblem = failure;
    }
    return killProblem;
  };
  const repeat = async (ask: () => Promise<FlagServerError | undefined>): Promise<void> => {
    let failures = 0;
    let failure: FlagServerError | undefined;
    while (!signal.aborted) {
      const wait = pause(refresh, failures, failure?.retryAfter);
      await sleep(wait, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      failure = await ask();
      failures = failure === undefined ? 0 : failures + 1;
    }
  };

  const kept = await disk.read();
  if (kept !== undefined) {
    apply(kept);
    source = 'saved';
    confirmed = kept.confirmed;
    // The kill flag is asked for by itself, and must find the others. What a server calls a list may mean another by now.
    listed = Object.freeze({ features: decider.features(), etag: undefined });
  }
  await Promise.all([askKill(), askList()]);
  const running = Promise.all([repeat(askList), repeat(askKill)]);
  return Object.freeze<Source>({
    view: () => ({ state, source, place: http.url, confirmed, kept: decider.kept() }),
    problem: () => (problem ?? killProblem)?.message ?? disk.problem(),
    async close() {
      closing.abort();
      await running;
      await http.close();
      await disk.close();
    },
  });
}

/** The last good flags on disk: what goes wrong there is said once, and moves nobody. */
function createDisk(file: string, log: FlagsOptions['log'], onUnsaved: FlagsOptions['onUnsaved']) {
  let last: Saved | undefined;
  let problem: string | undefined;
  let next: Saved | undefined;
  let writing: Promise<void> | undefined;
  const write = async (saved: Saved): Promise<void> => {
    // Either way: a clock may have been set back.
    const age = Math.abs(saved.confirmed - (last?.confirmed ?? 0));
    if (problem === undefined && saved.revision === last?.revision && age < CONFIRM_EVERY) return;
    try {
      await writeSaved(file, saved);
      last = saved;
      if (problem !== undefined) log('info', `the last good flags are kept in ${file} again`);
      problem = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (problem === undefined) log('error', `the last good flags cannot be kept: ${message}`);
      problem = message;
      onUnsaved?.(message);
    }
  };
  const drain = async (): Promise<void> => {
    while (next !== undefined) {
      const saved = next;
      next = undefined;
      await write(saved);
    }
  };
  return {
    problem: () => (problem === undefined ? undefined : `the last good flags cannot be kept: ${problem}`),
    async read(): Promise<Saved | undefined> {
      const kept = await readSaved(file);
      if (kept === undefined) return undefined;
      if ('unusable' in kept) {
        log('error', `${kept.unusable}; a start while the flag server is away has no flags then`);
        return undefined;
      }
      last = kept;
      return kept;
    },
    /**
     * Written when they change, and now and then for their age; again at once after a failure. One at a time, the latest
     * wins, and nobody waits: a disk may hang.
     */
    keep(saved: Saved): void {
      next = saved;
      writing ??= drain().finally(() => {
        writing = undefined;
      });
    },
    async close(): Promise<void> {
      await Promise.race([writing, sleep(LAST_WRITE, undefined, { ref: false })]);
    },
  };
}

/** Whatever else goes wrong with what a server sends is its fault too, and no reason to stop asking. */
const asFlagServerError = (error: unknown): FlagServerError =>
  error instanceof FlagServerError
    ? error
    : new FlagServerError('invalid', `what the flag server sends cannot be used: ${(error as Error).message}`, {
        cause: error,
      });

function whatStays(source: 'server' | 'saved' | 'none', confirmed: number): string {
  if (source === 'none')
    return 'there are no flags on disk either, and until there are no request gets an answer from a store or legacy';
  const minutes = Math.max(0, Math.round((Date.now() - confirmed) / 60_000));
  return `the last good flags stay, ${source === 'saved' ? 'from disk, ' : ''}${minutes} min old`;
}

/** Milliseconds until the next asking. */
export function pause(refresh: number, failures: number, retryAfter = 0): number {
  const backed = refresh * Math.min(2 ** failures, SLOWEST);
  return Math.min(Math.max(backed, retryAfter), Math.max(LONGEST_PAUSE, refresh));
}
