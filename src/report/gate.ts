import type { GateFigures } from '../model/gate.ts';
import type { Case, GateTarget, State } from './gate-case.ts';
import { type GateFacts, NO_FACTS, neededPairs } from './gate-facts.ts';
import { RULES, type RuleId } from './gate-rules.ts';

/** One thing that was looked at. `sentence` says what is so; `cure` how to get what is missing, '' where nothing is. */
export interface Reason {
  readonly rule: RuleId;
  readonly state: State;
  readonly sentence: string;
  readonly wanted: string;
  readonly got: string;
  readonly cure: string;
}

export interface Verdict {
  readonly passes: boolean;
  readonly verdict: State;
  /** All that was looked at, worst first. */
  readonly reasons: readonly Reason[];
}

const ORDER: readonly State[] = Object.freeze(['fail', 'insufficient', 'pass']);

/** Whether the evidence says that a move may be made: pure. What a move does not need is a pass without reasons. */
export function judgeGate(facts: GateFacts, figures: GateFigures, target: GateTarget, now: number): Verdict {
  const pairs = neededPairs(target.from, target.to, target.offered);
  const [first] = pairs;
  if (first === undefined) return Object.freeze({ passes: true, verdict: 'pass', reasons: Object.freeze([]) });
  const cases = pairs.map((pair): Case => ({ facts, figures, target, now, pair, of: facts.pairs[pair] ?? NO_FACTS }));
  const reasons = RULES.flatMap((rule) => {
    const looked = rule.scope === 'operation' ? cases.slice(0, 1) : cases;
    return looked
      .filter((one) => rule.scope !== 'compared' || one.of.compared > 0)
      .flatMap((one) =>
        rule.look(one).map((found): Reason => {
          const { state, wanted, got } = found;
          const named = found.what === '' ? rule.looksAt : `${rule.looksAt} (${found.what})`;
          const said = state === 'pass' ? named : rule.refuses(found, one);
          const sentence = rule.scope === 'operation' ? said : `${one.pair}: ${said}`;
          const cure = state === 'pass' ? '' : rule.cure(found, one);
          return Object.freeze({ rule: rule.id, state, sentence, wanted, got, cure });
        }),
      );
  });
  return worstOf(reasons);
}

/** Several moves of one operation are judged as one: what is said of all of them is said once. */
export function joined(verdicts: readonly Verdict[]): Verdict {
  const known = new Map(verdicts.flatMap(({ reasons }) => reasons.map((one) => [JSON.stringify(one), one])));
  return worstOf([...known.values()]);
}

function worstOf(reasons: readonly Reason[]): Verdict {
  const rank = (id: RuleId) => RULES.findIndex((rule) => rule.id === id);
  const sorted = reasons.toSorted(
    (a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || rank(a.rule) - rank(b.rule),
  );
  const verdict = sorted[0]?.state ?? 'pass';
  return Object.freeze({ passes: verdict === 'pass', verdict, reasons: Object.freeze(sorted) });
}
