import { hash } from 'node:crypto';

/** So many are remembered: most results belong to a row that is there. */
const MOST = 10_000;

/** A short hash of what tells one row from others, made once for each. */
export function createHashes(): (parts: readonly unknown[]) => string {
  const known = new Map<string, string>();
  return (parts) => {
    const text = JSON.stringify(parts);
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size >= MOST) known.clear();
    const made = hash('sha256', text, 'base64url').slice(0, 16);
    known.set(text, made);
    return made;
  };
}
