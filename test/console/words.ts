import { readFile } from 'node:fs/promises';
import t from 'tap';
import { KINDS, PAIRS, STAGES, STATES } from '../../console/words.js';
import { Finding } from '../../src/admin/schema.ts';
import { KINDS as ALL_KINDS } from '../../src/model/comparison.ts';
import { STAGES as ALL_STAGES } from '../../src/model/stage.ts';

t.test('the page offers the words that the façade knows', async (t) => {
  const { pair, state } = Finding.properties as unknown as Record<'pair' | 'state', { enum: readonly string[] }>;
  t.same(STAGES, ALL_STAGES);
  t.same(KINDS, ALL_KINDS);
  t.same(PAIRS, pair.enum);
  t.same(STATES, state.enum);
});

t.test('dark by choice is dark by preference', async (t) => {
  const text = await readFile(new URL('../../console/style/colours.css', import.meta.url), 'utf8');
  const block = (from: string) => text.slice(text.indexOf('{', text.indexOf(from)) + 1).split('}')[0] as string;
  const colours = (from: string) => block(from).match(/--[\w-]+: [^;]+/g) ?? [];
  t.ok(colours(':root[data-theme="dark"]').length > 20);
  t.same(colours(':root[data-theme="dark"]'), colours(':root:not([data-theme="light"])'));
});
