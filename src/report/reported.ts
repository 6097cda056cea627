import type { Bindings, BoundOperation } from '../bindings/load.ts';
import { documentedStrata } from '../bindings/strata.ts';
import { compileRules } from '../compare/rules.ts';
import { typesAt } from '../contract/types.ts';
import { parseDuration } from '../model/duration.ts';
import { PLANS } from '../model/stage.ts';
import type { ReportedOperation } from './summary.ts';

/** What a report needs to know of an operation. */
export function reported({ spec: api }: Bindings, operation: BoundOperation): ReportedOperation {
  const { id, spec, contract, offered } = operation;
  const within = (spec?.freshness ?? api.freshness)?.within;
  const shadowed = offered.some((stage) => PLANS[stage].candidates.length > 0);
  return {
    id,
    rules: compileRules(api.compare, spec?.compare, id).all,
    freshness: within === undefined ? undefined : parseDuration(within),
    types: (path) => typesAt(contract.success.shape, path),
    strata: shadowed ? documentedStrata(operation) : [],
  };
}
