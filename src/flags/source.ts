import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../errors.ts';
import { createDecider, type DeciderEvents, type Flags, type FlagsState } from './decide.ts';
import { type FlagApi, type FlagOperation, parseStages, type StagesState, toFeatures } from './ladder.ts';

export interface FlagsOptions extends DeciderEvents {
  /** stages.yaml; where it is missing every operation is at its initial stage. */
  readonly file: string;
  readonly api: FlagApi;
  readonly log: (
    level: 'info' | 'warn' | 'error',
    message: string,
    details?: Readonly<Record<string, unknown>>,
  ) => void;
  /** New flags are in force, those at the start included. */
  readonly onChange?: (state: FlagsState) => void;
  /** An edit was refused and the last good state stays. */
  readonly onRefused?: (message: string) => void;
}

/** Events of the file system may be lost (network mounts, spent inotify watches): the file is looked at all the same. */
/** Stages that are not there may have been lost: starting without them would move everybody back. */
const NO_STAGES = 'says no stages; write what is true now, or `operations: {}` for every operation at its first stage';

const POLL = 250;
/** An editor may write in steps: the file is read when it has been left alone for so long. */
const SETTLE = 40;

/**
 * Reads stages.yaml and follows it: an edit is in force within a second, and one with a mistake, an emptied or a
 * deleted file leaves the last good state, said with line and reason. Throws a ConfigError where the file is wrong at
 * the start.
 */
export async function openFlags(options: FlagsOptions): Promise<Flags> {
  const { file, api, log, onChange, onRefused } = options;
  const decider = createDecider(api, options);
  let problem: string | undefined;
  let lastText: string | undefined;
  let inForce: FlagsState;

  const apply = (text: string, state: StagesState): void => {
    const revision = revisionOf(text);
    decider.swap(revision, toFeatures(state, api));
    inForce = Object.freeze({ ...state, file, revision, updated: Date.now() });
    lastText = text;
    onChange?.(inForce);
  };
  /** An operation that the file named and no longer names keeps its last good form: a file cut short moves nobody. */
  const withoutLosses = (state: StagesState): StagesState => {
    const operations = state.operations.map((operation, index) => {
      const before = inForce.operations[index];
      if (operation.named || before?.named !== true) return operation;
      options.onFallback?.((api.operations[index] as FlagOperation).flag, `is missing from ${file}`);
      return before;
    });
    return Object.freeze({ ...state, operations: Object.freeze(operations) });
  };
  const refuse = (message: string): void => {
    if (message === problem) return;
    problem = message;
    log('error', `${message}; the last good stages stay`, { revision: decider.revision() });
    onRefused?.(message);
  };
  const accept = (text: string): void => {
    const mended = problem !== undefined;
    if (text !== lastText) {
      apply(text, withoutLosses(parseStages(text, api, file)));
      log('info', `stages of ${file} are in force`, { revision: decider.revision() });
    } else if (mended) log('info', `${file} is good again`, { revision: decider.revision() });
    problem = undefined;
  };

  const look = async (): Promise<void> => {
    const before = await fingerprint(file);
    if (before === seen) return;
    const text = await readText(file);
    // Written to while it was read: the next look takes it.
    if ((await fingerprint(file)) !== before) return;
    seen = before;
    if (closed) return;
    try {
      if (text === undefined) refuse(`${file} is gone`);
      else if (text.trim() === '' && lastText !== '') refuse(`${file} is empty`);
      else accept(text);
    } catch (error) {
      refuse((error as Error).message);
    }
  };

  let closed = false;
  let seen = await fingerprint(file);
  const first = await readText(file).catch((error: Error) => {
    decider.close();
    throw new ConfigError([{ where: file, message: `cannot be read: ${error.message}` }]);
  });
  try {
    if (first === undefined || first.trim() === '') throw new ConfigError([{ where: file, message: NO_STAGES }]);
    apply(first, parseStages(first, api, file));
  } catch (error) {
    decider.close();
    throw error;
  }

  const stop = follow(file, () => look().catch((error: Error) => refuse(`${file} cannot be read: ${error.message}`)));
  return Object.freeze({
    stageOf: decider.stageOf,
    revision: decider.revision,
    stages: decider.stages,
    state: () => inForce,
    problem: () => problem,
    close() {
      closed = true;
      stop();
      decider.close();
    },
  });
}

/** Short name of a text of stages.yaml. */
export const revisionOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Calls `look`, one call at a time, soon after the file may have changed; gives what ends that. */
function follow(file: string, look: () => Promise<void>): () => void {
  let looking = false;
  let settling: NodeJS.Timeout | undefined;
  const run = async (): Promise<void> => {
    settling = undefined;
    if (looking) return;
    looking = true;
    await look();
    looking = false;
  };
  // The directory is watched, since a file that is replaced takes its own watch away.
  const watcher = watchDirectory(dirname(file), () => {
    settling ??= setTimeout(run, SETTLE).unref();
  });
  const poll = setInterval(run, POLL).unref();
  return () => {
    clearInterval(poll);
    clearTimeout(settling);
    watcher?.close();
  };
}

function watchDirectory(directory: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}

/** Differs when the file may differ; '' where there is none. */
async function fingerprint(file: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
