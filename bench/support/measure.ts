/** One line of a table of results. */
export type Row = Readonly<Record<string, string>>;

const ROUNDS = 11;

/**
 * Runs each piece of work `repeats` times a round, all in turn, after a warm-up round: microseconds per run, by round. What
 * shares a round shares the machine's mood, so that ratios are taken within rounds.
 */
export function interleaved<Name extends string>(
  works: Readonly<Record<Name, () => void>>,
  repeats: number,
): Readonly<Record<Name, readonly number[]>> {
  const names = Object.keys(works) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const name of names) {
      const began = performance.now();
      for (let n = 0; n < repeats; n += 1) works[name]();
      if (round > 0) times[name].push(((performance.now() - began) / repeats) * 1_000);
    }
  }
  return times;
}

/** Median with the middle four fifths: `17 µs (15 to 21)`. */
export function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] as number).toPrecision(3));
  return `${at(0.5)} µs (${at(0.1)} to ${at(0.9)})`;
}

export const median = (all: readonly number[]): number =>
  all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] as number;

/** Rows as a Markdown table. */
export function markdown(rows: readonly Row[]): string {
  const [first = {}] = rows;
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const names = Object.keys(first);
  return [
    line(names),
    line(names.map(() => '---')),
    ...rows.map((row) => line(names.map((name) => row[name] ?? ''))),
  ].join('\n');
}
