import type { Config } from './config.ts';
import type { Metrics } from './metrics.ts';
import type { OriginName } from './model/stage.ts';
import type { Origins } from './operate/stores.ts';
import type { Legacy } from './origins/legacy.ts';
import { type Admission, createAdmission, RULES } from './request/admission.ts';
import { createGuard, type Guard, type GuardOptions, type Guards } from './request/guard.ts';
import { type LoopPulse, startPulse } from './shadow/pulse.ts';

/** What says that this process has too much to do, and who is let in then. */
export function openAdmission(
  { overload, shadow }: Config,
  closers: (() => unknown)[],
): { readonly pulse: LoopPulse; readonly admission: Admission } {
  const pulse = startPulse(shadow.eventLoopDelay);
  closers.push(pulse.stop);
  const admission = createAdmission(overload);
  pulse.onBeat(admission.beat);
  return { pulse, admission };
}

type Manner = Omit<GuardOptions, 'ping' | 'most' | 'onFull'>;

/** Of the room for reads of stores: one that hangs leaves the rest to what the other answers. */
const STORE_SHARE = 2 / 3;

/**
 * A store that says nothing for three seconds is looked at, and has as long to answer: slow is not down. Legacy may be slower
 * still: there only what fails is a reason.
 */
const MANNERS: Readonly<Record<OriginName, Manner>> = Object.freeze({
  dynamodb: { patience: 3_000, pingTimeout: 3_000 },
  mongodb: { patience: 3_000, pingTimeout: 3_000 },
  legacy: { every: 1_000, pingTimeout: 5_000 },
});

/** A guard for each origin that answers clients; its state is shown in the metrics. */
export function openGuards(
  { overload }: Config,
  origins: Origins,
  legacy: Legacy | undefined,
  metrics: Metrics,
  closers: (() => unknown)[],
): Guards {
  const asked = { ...origins, ...(legacy && { legacy }) };
  const most = Math.max(1, Math.floor(overload.maxRequests * RULES.store.room * STORE_SHARE));
  const onFull = () => metrics.refused.inc({ kind: 'store', reason: 'origin' });
  const guards = Object.fromEntries(
    Object.entries(asked).map(([name, origin]): [string, Guard] => [
      name,
      createGuard({
        ...{ ping: origin.ping, ...MANNERS[name as OriginName] },
        ...('renew' in origin ? { onBack: origin.renew } : {}),
        ...(name === 'legacy' ? {} : { most, onFull }),
      }),
    ]),
  );
  for (const guard of Object.values(guards)) closers.push(guard.close);
  metrics.onCollect(() => {
    for (const [origin, guard] of Object.entries(guards)) metrics.originDown.set({ origin }, guard.isDown() ? 1 : 0);
  });
  return Object.freeze(guards);
}
