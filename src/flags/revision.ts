import { createHash } from 'node:crypto';
import type { Features } from './ladder.ts';

/** Short name of a text of stages.yaml. */
export const revisionOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Short name of what flags say: the same for any replica and command that reads them, whatever else the server holds. */
export function revisionOfFeatures(features: Features): string {
  const said = features
    .map(({ name, enabled, strategies = [], dependencies = [] }) => ({ name, enabled, strategies, dependencies }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return revisionOf(JSON.stringify(said, sortedKeys));
}

const sortedKeys = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
