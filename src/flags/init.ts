import type { UnleashAdmin } from '../drivers/unleash-admin.ts';
import { type FlagApi, isMovable } from './api.ts';
import { apiFlags, type Strategy, strategiesOf, TENANT_FIELD, toFeatures, untouched } from './ladder.ts';
import { limitsOf, writeLadder } from './target.ts';

/** What `init` did to one thing. */
export interface Made {
  readonly what: string;
  readonly done: 'created' | 'changed' | 'exists';
}

/**
 * Creates what an API needs in a flag server, and leaves alone what is there: the context field, a flag for each
 * operation that can move, at its initial stage, the kill flag (off) and the sampling flag (100 %). A flag is enabled last, so that it
 * decides nothing while it is half made. Throws a FlagServerError; what was made till then stays, and the next run goes
 * on from there.
 */
export async function initFlags(admin: UnleashAdmin, api: FlagApi, onMade: (made: Made) => void): Promise<void> {
  const limits = await limitsOf(admin);
  onMade({
    what: `context field ${TENANT_FIELD}`,
    done: await admin.ensureContextField(TENANT_FIELD, 'Whom a request belongs to'),
  });
  const ensure = async (
    name: string,
    type: string,
    description: string,
    strategies: readonly Strategy[],
    on: boolean,
  ) => {
    const created = await admin.createFlag(name, type, description);
    const flag = await admin.flag(name);
    const empty = flag !== undefined && flag.strategies.length === 0;
    if (empty && on) await writeLadder(admin, name, flag, strategies, limits);
    if (empty && !on)
      for (const strategy of strategies) await admin.addStrategy(name, { strategy, title: 'everybody', sortOrder: 0 });
    onMade({ what: name, done: created === 'created' ? 'created' : empty ? 'changed' : 'exists' });
  };
  const { kill, sampling } = apiFlags(api.name);
  const common = toFeatures({ kill: false, sampling: 100, operations: [] }, { name: api.name, operations: [] });
  const strategiesFor = (name: string) => common.find((feature) => feature.name === name)?.strategies ?? [];
  await ensure(kill, 'kill-switch', `On: every operation of ${api.name} goes to its floor`, strategiesFor(kill), false);
  await ensure(
    sampling,
    'operational',
    `Share of the comparisons of ${api.name} that are carried out`,
    strategiesFor(sampling),
    true,
  );
  for (const operation of api.operations.filter(isMovable)) {
    const { flag, id } = operation;
    const strategies = strategiesOf(flag, untouched(operation), limits);
    await ensure(
      flag,
      'release',
      `Stage of ${id} in ${api.name}, by tenant: the first strategy that fits decides`,
      strategies,
      true,
    );
  }
}
