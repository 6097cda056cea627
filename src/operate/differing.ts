import type { Change } from '../flags/target.ts';

/** Where two texts differ, with two lines around: lines begin with `  `, `- ` or `+ `. */
export interface Hunk {
  /** Lines before it, in both texts. */
  readonly start: number;
  readonly around: readonly [readonly string[], readonly string[]];
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** All that differs as one hunk; of texts that are equal the end, with nothing removed or added. */
export function hunkOf({ before, after }: NonNullable<Change['text']>): Hunk {
  const old = before.split('\n');
  const now = after.split('\n');
  let head = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  const start = Math.max(0, head - 2);
  return {
    start,
    around: [old.slice(start, head), now.slice(now.length - tail, now.length - tail + 2)],
    removed: old.slice(head, old.length - tail),
    added: now.slice(head, now.length - tail),
  };
}

/** As `diff -U2` prints it, without names of files; `undefined` for a server, '' where nothing differs. */
export function unifiedDiff({ text }: Pick<Change, 'text'>): string | undefined {
  if (text === undefined) return undefined;
  if (text.before === text.after) return '';
  const { start, around, removed, added } = hunkOf(text);
  const kept = around[0].length + around[1].length;
  const range = (count: number) => `${count === 0 ? start : start + 1},${count}`;
  return `${[
    `@@ -${range(kept + removed.length)} +${range(kept + added.length)} @@`,
    ...around[0].map((line) => ` ${line}`),
    ...removed.map((line) => `-${line}`),
    ...added.map((line) => `+${line}`),
    ...around[1].map((line) => ` ${line}`),
  ].join('\n')}\n`;
}
