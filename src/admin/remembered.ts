interface Labelled {
  readonly labels: Readonly<Record<string, string | number>>;
}

/**
 * What is found out of a series by its labels, once for each. `at` is its place among the series of its metric, which
 * stand in the order in which they were first seen: so there is nothing to look up.
 */
export function remembered<Found>(
  find: (labels: Labelled['labels']) => Found,
): (series: Labelled, at: number) => Found {
  const known: { readonly series: Labelled; readonly found: Found }[] = [];
  return (series, at) => {
    const one = known[at];
    if (one?.series === series) return one.found;
    const found = find(series.labels);
    known[at] = { series, found };
    return found;
  };
}
