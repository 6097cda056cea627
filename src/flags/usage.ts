import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UnleashHttp } from '../drivers/unleash.ts';
import { isStage } from '../model/stage.ts';
import type { FlagApi } from './api.ts';

/** Decisions since the start: by operation id, then by stage. */
export type StageCounts = ReadonlyMap<string, ReadonlyMap<string, number>>;

export interface UsageOptions {
  readonly http: UnleashHttp;
  readonly api: FlagApi;
  /** Milliseconds between two reports; default a minute, as other clients have it. */
  readonly every?: number;
  readonly version: string;
  readonly counts: () => Promise<StageCounts>;
}

/**
 * Tells the flag server that this API is an application of its own, and how often each flag gave which stage: else its
 * flags would be shown as never seen, and someone might tidy them away. What cannot be told is told with the next report;
 * nothing depends on it. Gives what ends it.
 */
export function reportUsage({ http, api, every = 60_000, version, counts }: UsageOptions): () => Promise<void> {
  const closing = new AbortController();
  const { signal } = closing;
  const appName = `crossfade-${api.name}`;
  const instanceId = `${hostname()}-${process.pid}`;
  const started = new Date().toISOString();
  let registered = false;
  let told: StageCounts = new Map();
  let since = started;

  const register = async (): Promise<void> => {
    const body = {
      appName,
      instanceId,
      sdkVersion: `crossfade:${version}`,
      strategies: ['flexibleRollout'],
      started,
      interval: every,
    };
    await http.request('POST', '/client/register', { body, signal });
    registered = true;
  };
  const report = async (): Promise<void> => {
    if (!registered) await register();
    const now = await counts();
    const toggles = togglesOf(api, told, now);
    if (Object.keys(toggles).length === 0) return;
    const stop = new Date().toISOString();
    const body = { appName, instanceId, bucket: { start: since, stop, toggles } };
    await http.request('POST', '/client/metrics', { body, signal });
    [told, since] = [now, stop];
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await report().catch(() => {});
      await sleep(every, undefined, { signal, ref: false }).catch(() => {});
    }
  };
  const running = run();
  return async () => {
    closing.abort();
    await running;
  };
}

interface Usage {
  readonly yes: number;
  readonly no: number;
  readonly variants: Readonly<Record<string, number>>;
}

/** What came since the last report, by flag. */
function togglesOf({ operations }: FlagApi, told: StageCounts, now: StageCounts): Readonly<Record<string, Usage>> {
  const entries = operations.flatMap(({ id, flag }): [string, Usage][] => {
    const stages = [...(now.get(id) ?? [])]
      .map(([stage, count]): [string, number] => [stage, count - (told.get(id)?.get(stage) ?? 0)])
      .filter(([stage, count]) => isStage(stage) && count > 0);
    const yes = stages.reduce((sum, [, count]) => sum + count, 0);
    return yes === 0 ? [] : [[flag, { yes, no: 0, variants: Object.fromEntries(stages) }]];
  });
  return Object.fromEntries(entries);
}
