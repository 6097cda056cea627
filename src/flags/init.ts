import type { UnleashAdmin } from '../drivers/unleash-admin.ts';
import { FlagServerError } from '../errors.ts';
import { type FlagApi, type FlagOperation, isMovable } from './api.ts';
import { apiFlags, TENANT_FIELD, toFeatures, untouched } from './ladder.ts';
import { limitsOf, writeLadder } from './target.ts';

/** What `init` did to one thing; `left`: it is missing or empty, and was not named. */
export interface Made {
  readonly what: string;
  readonly done: 'created' | 'changed' | 'exists' | 'left';
}

export interface InitOptions {
  /** Operations whose flag may be made although the API has flags already; `all`: whichever is missing. */
  readonly named: readonly string[] | 'all';
  /** A flag that is there but empty may be made anew too: it had a stage and a floor once. */
  readonly evenEmpty?: boolean;
  readonly onMade: (made: Made) => void;
}

/**
 * Creates what an API needs in a flag server, and leaves alone what is there: the context field, the kill flag (off), the
 * sampling flag (100 %), and a flag for each operation that can move, at its initial stage. A flag is enabled last, so that
 * it decides nothing while it is half made.
 *
 * Where the API has a kill flag already, a flag that is missing or empty is made only if it is named: someone may have
 * taken it away, and façades that run on its last good form would be moved to the first stage by a new one.
 *
 * Throws a FlagServerError; what was made till then stays.
 */
export async function initFlags(
  admin: UnleashAdmin,
  api: FlagApi,
  { named, evenEmpty = false, onMade }: InitOptions,
): Promise<void> {
  const limits = await limitsOf(admin);
  const field = await admin.ensureContextField(TENANT_FIELD, 'Whom a request belongs to');
  onMade({ what: `context field ${TENANT_FIELD}`, done: field });
  const { kill, sampling } = apiFlags(api.name);
  const begins = (await admin.flag(kill)) === undefined;
  const common = toFeatures({ kill: false, sampling: 100, operations: [] }, { name: api.name, operations: [] });
  const ensureCommon = async (name: string, type: string, description: string): Promise<void> => {
    const created = await admin.createFlag(name, type, description);
    const flag = await flagOf(admin, name);
    const [strategy] = common.find((feature) => feature.name === name)?.strategies ?? [];
    const empty = flag.strategies.length === 0 && strategy !== undefined;
    if (empty) await admin.addStrategy(name, { strategy, title: 'everybody', sortOrder: 0 });
    if (empty && name === sampling) await admin.enable(name, true);
    onMade({ what: name, done: created === 'created' ? 'created' : empty ? 'changed' : 'exists' });
  };
  const ensure = async (operation: FlagOperation): Promise<void> => {
    const { flag: name, id } = operation;
    const there = await admin.flag(name);
    const done = there === undefined ? 'created' : there.strategies.length === 0 ? 'changed' : 'exists';
    const asked = named === 'all' || named.includes(id);
    const may = begins || (asked && (done === 'created' || evenEmpty));
    if (done === 'exists' || !may) {
      onMade({ what: name, done: done === 'exists' ? 'exists' : 'left' });
      return;
    }
    await admin.createFlag(
      name,
      'release',
      `Stage of ${id} in ${api.name}, by tenant: the first strategy that fits decides`,
    );
    const stages = untouched(operation);
    await writeLadder(admin, await flagOf(admin, name), { flag: name, stages, limits, anew: true });
    onMade({ what: name, done });
  };
  await ensureCommon(sampling, 'operational', `Share of the comparisons of ${api.name} that are carried out`);
  for (const operation of api.operations.filter(isMovable)) await ensure(operation);
  // Last, since it tells that all of them were made once.
  await ensureCommon(kill, 'kill-switch', `On: every operation of ${api.name} goes to its floor`);
}

async function flagOf(admin: UnleashAdmin, name: string) {
  const flag = await admin.flag(name);
  if (flag !== undefined) return flag;
  throw new FlagServerError(
    'notFound',
    `flag ${name} is not to be found in project ${admin.project}, environment ${admin.environment}: is there such an environment, and is it one of the project's?`,
  );
}
