import { ConfigError } from '../errors.ts';
import type { FlagOperation, StagesState } from './api.ts';
import type { Decider } from './decide.ts';
import { toFeatures } from './ladder.ts';
import { revisionOf } from './revision.ts';
import type { FlagsOptions, Source } from './source.ts';
import { parseStages } from './stages.ts';
import { fingerprint, follow, readText } from './watch.ts';

/** Stages that are not there may have been lost: starting without them would move everybody back. */
const NO_STAGES = 'says no stages; write what is true now, or `operations: {}` for every operation at its first stage';

export interface FileOptions extends FlagsOptions {
  readonly decider: Decider;
  /** Something else is in force. */
  readonly changed: () => void;
}

/**
 * Reads stages.yaml and follows it: an edit is in force within a second, and one with a mistake, an emptied or a
 * deleted file leaves the last good state, said with line and reason. Throws a ConfigError where the file is wrong at
 * the start.
 */
export async function followFile(options: FileOptions): Promise<Source> {
  const { file, api, log, decider, changed, onRefused } = options;
  let problem: string | undefined;
  let lastText: string | undefined;
  let inForce: StagesState;
  let confirmed = Date.now();
  let kept: string[] = [];

  const apply = (text: string, state: StagesState): void => {
    decider.swap(revisionOf(text), toFeatures(state, api));
    inForce = state;
    lastText = text;
  };
  /** An operation that the file named and no longer names keeps its last good form: a file cut short moves nobody. */
  const withoutLosses = (state: StagesState): StagesState => {
    kept = [];
    const operations = state.operations.map((operation, index) => {
      const before = inForce.operations[index];
      if (operation.named || before?.named !== true) return operation;
      const { flag } = api.operations[index] as FlagOperation;
      kept.push(`${flag} is missing from ${file}`);
      options.onFallback?.(flag, `is missing from ${file}`);
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
      changed();
      log('info', `stages of ${file} are in force`, { revision: decider.revision() });
    } else if (mended) log('info', `${file} is good again`, { revision: decider.revision() });
    problem = undefined;
    confirmed = Date.now();
  };

  const look = async (): Promise<void> => {
    const before = await fingerprint(file);
    if (before === seen) {
      if (problem === undefined) confirmed = Date.now();
      return;
    }
    const text = await readText(file);
    // Written to while it was read: the next look takes it.
    if ((await fingerprint(file)) !== before) return;
    seen = before;
    if (closed) return;
    try {
      if (text === undefined) refuse(`${file} is gone`);
      else if (text.trim() === '') refuse(`${file} is empty`);
      else accept(text);
    } catch (error) {
      refuse((error as Error).message);
    }
  };

  let closed = false;
  let seen = await fingerprint(file);
  const first = await readText(file).catch((error: Error) => {
    throw new ConfigError([{ where: file, message: `cannot be read: ${error.message}` }]);
  });
  if (first === undefined || first.trim() === '') throw new ConfigError([{ where: file, message: NO_STAGES }]);
  apply(first, parseStages(first, api, file));

  const stop = follow(file, () => look().catch((error: Error) => refuse(`${file} cannot be read: ${error.message}`)));
  return Object.freeze<Source>({
    view: () => ({ state: inForce, source: 'file', place: file, confirmed, kept }),
    problem: () => problem,
    async close() {
      closed = true;
      stop();
    },
  });
}
