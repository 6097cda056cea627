import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { benchCompare } from './compare.ts';
import { benchDecision } from './decision.ts';
import { benchFront } from './front.ts';
import { benchMemory } from './memory.ts';
import { benchPassThrough } from './pass-through.ts';
import { benchReaders } from './readers.ts';
import { benchShadow } from './shadow.ts';
import { benchShadowCost } from './shadow-cost.ts';
import { markdown, type Row } from './support/measure.ts';
import { pinHere } from './support/processes.ts';
import { benchVersions } from './versions.ts';

const HELP = `npm run bench [-- PART… [--write]]

Measures ourselves beside our peers, interleaved, and prints tables of ratios. Without a PART: all but \`versions\`.
\`readers\` stands for all parts that begin with it. --write puts the tables into bench/RESULTS.md.
BENCH_ROUNDS says how often each server is started, BENCH_PROFILE names a folder for the façade's CPU profiles.
`;

/** The parts, by name; each one's table in RESULTS.md stands between comments that name it. */
const PARTS: Readonly<Record<string, () => Promise<readonly Row[]> | readonly Row[]>> = {
  'readers-dynamodb': () => benchReaders('fixed DynamoDB'),
  'readers-dynamodb-local': () => benchReaders('DynamoDB Local'),
  'readers-mongodb-fixed': () => benchReaders('fixed MongoDB'),
  'readers-mongodb-real': () => benchReaders('MongoDB'),
  front: benchFront,
  decision: benchDecision,
  'pass-through': benchPassThrough,
  compare: benchCompare,
  memory: benchMemory,
  shadow: benchShadow,
  'shadow-cost': benchShadowCost,
  versions: () => benchVersions(process.env.BENCH_AGAINST ?? ''),
};

const RESULTS = join(import.meta.dirname, 'RESULTS.md');

const words = process.argv.slice(2);
const chosen = words.filter((word) => !word.startsWith('-'));
const parts = Object.keys(PARTS).filter((part) =>
  chosen.length === 0 ? part !== 'versions' : chosen.some((name) => part === name || part.startsWith(`${name}-`)),
);
const unknown = chosen.filter(
  (name) => !Object.keys(PARTS).some((part) => part === name || part.startsWith(`${name}-`)),
);

if (words.includes('--help') || unknown.length > 0) {
  process.stdout.write(
    `${unknown.map((name) => `There is no part ${name}.\n`).join('')}${HELP}\nParts: ${Object.keys(PARTS).join(', ')}\n`,
  );
  process.exit(unknown.length > 0 ? 2 : 0);
}

pinHere();
const machine = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${process.platform}`;
console.log(`${machine}\n`);
for (const part of parts) {
  const table = markdown((await PARTS[part]?.()) ?? []);
  console.log(`## ${part}\n\n${table}\n`);
  if (words.includes('--write')) await write(part, table);
}

/** Puts a table into its place; throws where RESULTS.md has none for it. */
async function write(part: string, table: string): Promise<void> {
  const text = await readFile(RESULTS, 'utf8');
  const [begin, end] = [`<!-- ${part} -->`, `<!-- end of ${part} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`RESULTS.md has no place for ${part}: ${begin} and ${end}`);
  const day = new Date().toISOString().slice(0, 10);
  const made = `${begin}\n${day}, ${machine}\n\n${table}\n`;
  await writeFile(RESULTS, text.slice(0, from) + made + text.slice(to));
}
