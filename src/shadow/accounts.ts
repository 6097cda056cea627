import type { Metrics } from '../metrics.ts';
import type { OriginName } from '../model/stage.ts';
import type { Result } from '../results/rows.ts';
import { counterSeries, histogramSeries } from '../series.ts';

/** Counts results. A series is looked up by one text, and its labels put together only for the first of a kind. */
export function createComparisonAccounts({ comparisons }: Metrics): (result: Result) => void {
  const known = new Map<string, () => void>();
  return ({ operation, stage, pair, outcome, reason = '' }) => {
    // The first four hold no space: what follows is the operation, whatever it is called.
    const key = `${stage} ${pair} ${outcome} ${reason} ${operation}`;
    let add = known.get(key);
    if (add === undefined) {
      add = counterSeries(comparisons, { operation, stage, pair, outcome, reason });
      known.set(key, add);
    }
    add();
  };
}

/** Counts what candidates took, in seconds. */
export function createCandidateAccounts({ originDuration }: Metrics) {
  const known = new Map<string, (seconds: number) => void>();
  return (operation: string, origin: OriginName, seconds: number): void => {
    const key = `${origin} ${operation}`;
    let add = known.get(key);
    if (add === undefined) {
      add = histogramSeries(originDuration, { operation, origin, role: 'candidate' });
      known.set(key, add);
    }
    add(seconds);
  };
}
