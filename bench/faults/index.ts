/**
 * `npm run faults`: each fault between a façade under load and each of those whom it asks, printed and written into
 * docs/faults.md. `npm run faults -- mongodb half-open` takes some of them, and writes nothing. Exit code 1: something is
 * not as it must be.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bed, openBed, SHORT, TARGETS, type TargetName } from './bed.ts';
import { ENDS, type Fault, NOTHING, STEP_DOWN, WAYS } from './faults.ts';
import { spreadOf, wrongs } from './judge.ts';
import { startLoad } from './load.ts';
import { machine, rowOf, tables } from './page.ts';
import { type Ran, run } from './run.ts';
import { nothingYet } from './seen.ts';

const PAGE = join(import.meta.dirname, '../../docs/faults.md');
const MARK = '<!-- From here on `npm run faults` writes. -->\n';

/** Requests a second of each lane. */
const RATE = Number(process.env.FAULTS_RATE ?? 8);
const TIMES = { quiet: 1_500, lasts: 4_000, deadline: SHORT.control, patience: 60_000 };
/** A quiet time in which a hundredth waited for longer is none: the machine did something else. */
const NOISE = 1_000;
const AGAIN = 2;

const words = process.argv.slice(2);
const known = new Set<string>([...TARGETS, 'set', ...[NOTHING, ...WAYS, ...ENDS, STEP_DOWN].map(({ name }) => name)]);
const unknown = words.find((word) => !known.has(word));
if (unknown !== undefined) {
  console.error(`There is no target and no fault called ${unknown}: ${[...known].join(', ')}`);
  process.exit(2);
}
const wants = (kind: ReadonlySet<string>, name: string): boolean =>
  words.includes(name) || !words.some((word) => kind.has(word));
const places = new Set<string>([...TARGETS, 'set']);
const faults = new Set([...known].filter((name) => !places.has(name)));

/** Under load, one after the other; the façade is the same in all. */
async function runAll(bed: Bed, pairs: readonly (readonly [TargetName, Fault])[]): Promise<Ran[]> {
  const load = startLoad(bed.facade.url, bed.canary, RATE);
  const ordinary = nothingYet();
  const done: Ran[] = [];
  try {
    await sleep(4_000);
    for (const [name, fault] of pairs) {
      let ran = await run(bed, load, ordinary, fault, bed.targets[name], TIMES);
      for (let n = 0; n < AGAIN && ran.quiet.others.p99 > NOISE; n += 1)
        ran = await run(bed, load, ordinary, fault, bed.targets[name], TIMES);
      done.push(ran);
      const cells = Object.entries(rowOf(ran)).slice(1);
      console.log(`\n${name}, ${fault.name}\n${cells.map(([what, said]) => `  ${what}: ${said}`).join('\n')}`);
      if (ran.died !== undefined) break;
    }
    return done;
  } finally {
    await load.stop();
  }
}

async function within<T>(members: number, work: (bed: Bed) => Promise<T>): Promise<T> {
  const bed = await openBed({ log: console.log, members });
  const end = () => {
    bed.facade.child.kill('SIGKILL');
    process.exit(130);
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  try {
    return await work(bed);
  } catch (error) {
    console.error(bed.facade.log().slice(-5_000));
    throw error;
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
    await bed.stop();
  }
}

const chosen = TARGETS.filter((name) => wants(places, name)).flatMap((name) =>
  [NOTHING, ...WAYS, ...ENDS]
    .filter((fault) => wants(faults, fault.name) && (fault.of ?? TARGETS).includes(name))
    .map((fault) => [name, fault] as const),
);
const elections = wants(places, 'set')
  ? [NOTHING, STEP_DOWN, ...ENDS.filter(({ name }) => name === 'kill -9' || name === 'SIGSTOP')]
      .filter(({ name }) => wants(faults, name))
      .map((fault) => ['mongodb', fault] as const)
  : [];

const began = Date.now();
const all = chosen.length === 0 ? [] : await within(1, (bed) => runAll(bed, chosen));
const sets = elections.length === 0 ? [] : await within(3, (bed) => runAll(bed, elections));
const spread = spreadOf([...all, ...sets].map(({ quiet }) => quiet.others));
const bad = [...all, ...sets].flatMap((ran) =>
  wrongs(ran, spread).map((line) => `${ran.target}, ${ran.fault.name}: ${line}`),
);
const minutes = ((Date.now() - began) / 60_000).toFixed(0);
const quiet = `Of all quiet times p90 was ${spread.p90.toFixed(0)} ms and p99 ${spread.p99.toFixed(0)} ms at most.`;
const verdict =
  bad.length === 0 ? 'All is as it must be.' : `Not as it must be:\n\n${bad.map((line) => `- ${line}`).join('\n')}`;
const generated = `${machine()}, ${6 * RATE} requests a second, ${minutes} minutes. ${quiet} ${verdict}\n\n${tables(all, sets)}`;
console.log(`\n${generated}`);
if (words.length === 0) {
  const [told] = (await readFile(PAGE, 'utf8')).split(MARK);
  await writeFile(PAGE, `${told}${MARK}\n${generated}`);
}
process.exit(bad.length === 0 ? 0 : 1);
