import type { UnleashHttp } from '../drivers/unleash.ts';
import type { FlagServerFailure } from '../errors.ts';
import type { Log } from '../model/log.ts';
import type { FlagApi, StagesState } from './api.ts';
import { createDecider, type DeciderEvents, type Flags, type FlagsState } from './decide.ts';
import { followFile } from './file.ts';
import { followKillFile } from './kill-file.ts';
import { fromFeatures } from './ladder.ts';
import { followServer } from './server.ts';

export interface FlagsOptions extends DeciderEvents {
  readonly api: FlagApi;
  /** stages.yaml; where there is a `server`, nobody reads it. */
  readonly file: string;
  readonly server?: ServerSettings | undefined;
  /** A file that kills by being there. */
  readonly killFile?: string | undefined;
  readonly log: Log;
  /** Other flags are in force, those at the start included. */
  readonly onChange?: (state: FlagsState) => void;
  /** An edit was refused and the last good state stays. */
  readonly onRefused?: (message: string) => void;
  /** The server was asked in vain. */
  readonly onError?: (failure: FlagServerFailure) => void;
  /** The last good state could not be written to disk. */
  readonly onUnsaved?: (message: string) => void;
}

/** A flag server, and how it is asked. */
export interface ServerSettings {
  readonly http: UnleashHttp;
  /** Milliseconds between two askings. */
  readonly refresh: number;
  /** Where its last good flags are kept. */
  readonly saved: string;
}

/** What a source of flags knows beside the decider, which it feeds. */
export interface Source {
  /** From where and how old; `state` of what is in force. */
  view(): Pick<FlagsState, 'source' | 'place' | 'confirmed' | 'kept'> & { readonly state: StagesState };
  problem(): string | undefined;
  close(): Promise<void>;
}

/**
 * The flags, from a server or else from a file, and the kill file beside either. A file that is wrong at the start is a
 * ConfigError; a server that is away at the start is not: its last good flags on disk are in force, and without any
 * the flags are not ready until it answers.
 */
export async function openFlags(options: FlagsOptions): Promise<Flags> {
  const { api, file, server, killFile, log, onChange } = options;
  const decider = createDecider(api, options);
  let killReason: string | undefined;
  let inForce: FlagsState;
  const refresh = (): void => {
    const { state, ...origin } = view();
    const kill = decider.killed();
    inForce = Object.freeze({
      ...state,
      ...origin,
      kill,
      revision: decider.revision(),
      killFile: killReason,
    });
  };
  let view: Source['view'] = () => ({ state: NO_STATE, source: 'none', place: file, confirmed: 0, kept: [] });
  const changed = (): void => {
    refresh();
    onChange?.(inForce);
  };
  const stopKillFile =
    killFile === undefined
      ? () => {}
      : await followKillFile(killFile, (reason) => {
          if ((reason === undefined) !== (killReason === undefined))
            log(...(reason === undefined ? lifted(killFile) : killed(killFile, reason)));
          killReason = reason;
          decider.kill(reason !== undefined);
          changed();
        });
  const parts = { ...options, decider, changed: () => changed() };
  const opening = server === undefined ? followFile({ ...parts, file }) : followServer({ ...parts, ...server });
  const source = await opening.catch((error: unknown) => {
    stopKillFile();
    throw error;
  });
  view = source.view;
  changed();
  return Object.freeze<Flags>({
    stageOf: decider.stageOf,
    peek: decider.peek,
    odd: () => fromFeatures(decider.features(), api).odd,
    revision: decider.revision,
    stages: decider.stages,
    ready: decider.ready,
    state: () => {
      refresh();
      return inForce;
    },
    problem: source.problem,
    async close() {
      stopKillFile();
      await source.close();
    },
  });
}

const NO_STATE: StagesState = Object.freeze({ kill: false, sampling: 100, operations: Object.freeze([]) });

const killed = (file: string, reason: string): Parameters<Log> => [
  'warn',
  `${file} is there: every operation is at its floor`,
  { reason },
];

const lifted = (file: string): Parameters<Log> => ['warn', `${file} is gone: the flags decide again`];
