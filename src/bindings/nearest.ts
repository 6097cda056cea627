import { editDistance } from '../model/distance.ts';

/** `; do you mean "…"?` where a known word is at most three edits away. */
export function nearest(word: string, known: readonly string[]): string {
  const [best] = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return best !== undefined && best.distance <= 3 ? `; do you mean "${best.candidate}"?` : '';
}
