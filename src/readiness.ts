import type { Readiness } from './admin/side.ts';
import type { Bindings } from './bindings/load.ts';
import type { Flags } from './flags/decide.ts';
import type { StoreOrigin } from './model/origin.ts';
import { PLANS, type StoreName } from './model/stage.ts';
import type { Auth } from './request/auth.ts';

export interface ReadinessParts {
  readonly bindings: Bindings;
  readonly flags: Flags;
  readonly origins: Readonly<Partial<Record<StoreName, StoreOrigin>>>;
  readonly auth: Pick<Auth, 'state'>;
  readonly isDraining: () => boolean;
}

const PING_TIMEOUT = 2_000;

/**
 * Ready: not draining, and every store that answers an operation at a current stage does answer. A process that has been
 * ready stays so when a store goes away: all replicas would be taken out at once, and with them what others answer.
 */
export function readiness({ bindings, flags, origins, auth, isDraining }: ReadinessParts): Readiness {
  let begun = false;
  return async () => {
    if (isDraining()) return [{ part: 'process', problem: 'draining' }];
    const stages = flags.stages();
    const needed = new Set(
      bindings.operations.flatMap(({ index }) => (stages[index] ?? []).map((stage) => PLANS[stage].control)),
    );
    const stores = await Promise.all(
      Object.values(origins)
        .filter(({ name }) => needed.has(name))
        .map(async ({ name, ping }) => {
          const said = await problemOf(ping);
          return { part: name, problem: begun ? undefined : said, note: begun ? said : undefined };
        }),
    );
    const guarded = bindings.spec.auth?.mode === 'jwt' && [...needed].some((name) => name !== 'legacy');
    const parts = [flagsPart(flags), ...stores, ...(guarded ? [{ part: 'auth', ...auth.state() }] : [])];
    begun ||= parts.every(({ problem }) => problem === undefined);
    return parts;
  };
}

/** Flags that are old still serve; without any, nobody knows which stages are true. */
function flagsPart(flags: Flags) {
  const { source, place, revision, confirmed, kept, kill, killFile } = flags.state();
  const said = flags.problem();
  const age = confirmed === 0 ? undefined : secondsSince(confirmed);
  const facts = { source, place, revision, age, kept, kill, killFile };
  return { part: 'flags', problem: flags.ready() ? undefined : (said ?? 'never read'), note: said, ...facts };
}

const secondsSince = (time: number): number => Math.max(0, Math.round((Date.now() - time) / 1000));

async function problemOf(ping: StoreOrigin['ping']): Promise<string | undefined> {
  try {
    await ping(AbortSignal.timeout(PING_TIMEOUT));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
