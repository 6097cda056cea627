import { UsageError } from '../errors.ts';
import type { StagesState } from '../flags/api.ts';
import { edited, type StagesEdit } from '../flags/edit.ts';
import type { Stage } from '../model/stage.ts';
import type { Reason } from '../report/gate.ts';
import { type Judging, openGate } from './gating.ts';
import { createSlices } from './slices.ts';

/** A move that is looked at, and nobody makes. */
export interface LookedAt {
  readonly operation: string;
  readonly to: Stage;
  /** By name; else everybody without a stage of their own. */
  readonly tenants?: readonly string[] | undefined;
}

/** What the gate says of it. */
export interface Said {
  readonly operation: string;
  readonly from: Stage;
  readonly to: Stage;
  /** `notNeeded`: nobody would move, or who answers stays. */
  readonly verdict: 'pass' | 'fail' | 'insufficient' | 'notNeeded' | 'unknown';
  readonly evidence?: string;
  readonly reasons: readonly Reason[];
  /** Why it could not be asked: `unknown`. */
  readonly failed?: string;
}

/** Judges several moves, each alone, by results that are read once. `failed` of all where they cannot be read. */
export async function sayOf(
  judging: Judging | string,
  state: StagesState,
  moves: readonly LookedAt[],
): Promise<readonly Said[]> {
  const base = ({ operation, to }: LookedAt) => {
    const from = state.operations.find(({ id }) => id === operation)?.stage ?? to;
    return { operation, from, to, reasons: [] };
  };
  const unknown = (failed: string) => moves.map((one): Said => ({ ...base(one), verdict: 'unknown', failed }));
  if (typeof judging === 'string') return unknown(judging);
  const gate = await openGate(judging, [...new Set(moves.map(({ operation }) => operation))]).catch(
    (error: Error) => error,
  );
  if (gate instanceof Error) return unknown(gate.message);
  const slices = createSlices();
  const said: Said[] = [];
  for (const move of moves) {
    const { operation, to, tenants } = move;
    const edit: StagesEdit = { operation, stage: to, ...(tenants === undefined ? {} : { tenants }) };
    try {
      const [judged] = gate.judge(state, edited(state, edit));
      const reasons = judged?.verdict.reasons ?? [];
      const verdict = judged === undefined || reasons.length === 0 ? 'notNeeded' : judged.verdict.verdict;
      said.push({ ...base(move), verdict, evidence: gate.evidence, reasons });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      said.push({ ...base(move), verdict: 'unknown', failed: error.message });
    }
    await slices.next();
  }
  return said;
}
