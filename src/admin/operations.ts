import type { BoundOperation } from '../bindings/load.ts';
import type { OperationStages } from '../flags/api.ts';
import type { FlagsState } from '../flags/decide.ts';
import { compareStages } from '../model/stage.ts';
import type { BreakerState } from '../shadow/breaker.ts';
import type { StageCount } from './counting.ts';
import type { LiveRow } from './live-rows.ts';
import type { Reading } from './opened.ts';
import { rowHealth } from './row-health.ts';
import type { Operation, Operations } from './schema.ts';

/** Milliseconds that a list waits for tenants to be counted and results to be read, the first time. */
const PATIENCE = 1_500;
const COUNTING = 300;

/** All operations as rows. `patience` 0 waits for nothing: what is not known yet comes the next time. */
export async function operationsOf(reading: Reading, patience = PATIENCE): Promise<Operations> {
  const { parts, live, found, tenants, replicas, counting } = reading;
  const { flags, bindings } = parts;
  live.touch();
  const [findings, known, alive] =
    patience === 0
      ? [found.now(), tenants.now(), replicas.now()]
      : await Promise.all([found.get(patience), tenants.get(patience), replicas.get(patience)]);
  if (known.value !== undefined) {
    const counted = counting.update(known.value, patience === 0 ? 0 : COUNTING);
    if (patience > 0) await counted;
  }
  const state = flags.state();
  const rows = live.rows();
  const context: RowContext = {
    ...{ state, ready: flags.ready(), odd: reading.odd(), broken: brokenOf(parts.shadow?.().breakers ?? []) },
    found: findings.value?.ofOperation,
    tenantsOf: (index) => (known.value === undefined ? undefined : counting.of(index)),
  };
  const problem = findings.problem ?? known.problem ?? alive.problem;
  return {
    kill: state.kill,
    ...(state.killFile === undefined ? {} : { killFile: state.killFile }),
    sampling: state.sampling,
    revision: state.revision,
    ...(known.value === undefined ? {} : { tenantsKnown: known.value.names.length }),
    ...(alive.value === undefined
      ? {}
      : {
          replicas: {
            alive: alive.value.live.length,
            arrived: alive.value.live.filter((one) => one.flags === state.revision).length,
          },
        }),
    ...(problem === undefined ? {} : { results: problem }),
    operations: bindings.operations.map((operation, index) => rowOf(operation, rows[index] as LiveRow, context)),
  };
}

interface RowContext {
  readonly state: FlagsState;
  readonly ready: boolean;
  readonly odd: ReadonlyMap<string, string>;
  readonly broken: ReadonlyMap<string, readonly string[]>;
  readonly found: ReadonlyMap<string, { readonly persistent: number; readonly exposures: number }> | undefined;
  readonly tenantsOf: (index: number) => readonly StageCount[] | undefined;
}

/** Origins that are not asked, by operation. */
function brokenOf(breakers: readonly BreakerState[]): ReadonlyMap<string, readonly string[]> {
  const broken = new Map<string, string[]>();
  for (const { origin, operation } of breakers) broken.set(operation, [...(broken.get(operation) ?? []), origin]);
  return broken;
}

function rowOf(operation: BoundOperation, live: LiveRow, context: RowContext): Operation {
  const { id, contract, spec, kind, offered, index, initial } = operation;
  const stages = context.state.operations[index] as OperationStages | undefined;
  const { stage = initial, floor = initial, ramp, tenants: named } = stages ?? {};
  const odd = context.odd.get(id);
  const tenants = context.tenantsOf(index);
  const { persistent = 0, exposures = 0 } = context.found?.get(id) ?? {};
  const next = offered.find((one) => compareStages(one, stage) > 0);
  const previous = offered.findLast((one) => compareStages(one, stage) < 0 && compareStages(one, floor) >= 0);
  const { health, why } = rowHealth({
    ...{ ready: context.ready, exposures, findings: persistent, broken: context.broken.get(id) ?? [] },
    ...{ replies: live.replies, errorShare: live.errorShare },
    without: tenants?.find((one) => one.stage === 'none')?.n ?? 0,
  });
  return {
    ...{ id, method: contract.method, path: contract.path, bound: spec !== undefined && kind === 'read' },
    ...{ offered: [...offered], stage, floor, named: named?.size ?? 0 },
    ...(ramp === undefined ? {} : { ramp: { to: ramp.to, percent: ramp.percent } }),
    ...(odd === undefined ? {} : { odd }),
    ...(tenants === undefined ? {} : { tenants: [...tenants] }),
    ...{ requests: [...live.requests], perSecond: live.perSecond, errorShare: live.errorShare },
    ...(live.p99 === undefined ? {} : { p99: live.p99 }),
    ...{ health, why, findings: persistent, exposures },
    ...(next === undefined ? {} : { next }),
    ...(previous === undefined ? {} : { previous }),
  };
}
