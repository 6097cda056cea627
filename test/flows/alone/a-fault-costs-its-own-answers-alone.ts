import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { TargetName } from '../../../bench/faults/bed.ts';
import { type Fault, NOTHING, WAYS } from '../../../bench/faults/faults.ts';
import { allFine, type Fared, spreadOf, wrongs } from '../../../bench/faults/judge.ts';
import { startLoad } from '../../../bench/faults/load.ts';
import { type Ran, run } from '../../../bench/faults/run.ts';
import { nothingYet } from '../../../bench/faults/seen.ts';
import { withBed } from '../../support/faults.ts';
import { patience } from '../../support/tools.ts';

patience(t, 400);

/** Some of `npm run faults`, each for some milliseconds. */
const CHOSEN: readonly (readonly [TargetName, string, number?])[] = [
  ['dynamodb', 'nothing'],
  ['dynamodb', 'half-open'],
  ['mongodb', 'reset'],
  ['mongodb', 'half-open'],
  ['legacy', 'cut'],
  // A write looks for its store for two seconds.
  ['results', 'refused', 4_000],
  ['unleash', 'refused'],
];
/** The usual ones: what they let hang is let go when the fault ends. */
const DEADLINES = { control: 10_000, candidate: 5_000 };
const TIMES = { quiet: 1_000, lasts: 2_000, deadline: DEADLINES.control, patience: 30_000 };
const RATE = 4;
/** Milliseconds: where a plain server beside the façade is as late as that, the machine does something else. */
const NOISE = 200;
const ATTEMPTS = 3;
/** What may be the machine's: all of a loud moment, and lateness alone, which a fault of ours shows each time. */
const mayPass = ({ canary }: Ran, wrong: readonly string[]): boolean =>
  canary.p99 > NOISE || wrong.every((one) => one.startsWith('clients of others waited'));

const named = (name: string): Fault => [NOTHING, ...WAYS].find((fault) => fault.name === name) as Fault;

t.test('a fault costs no answers but those of who is at fault, and is over when it is over', async (t) => {
  const bed = await withBed(t, DEADLINES);
  const load = startLoad(bed.facade.url, bed.canary, RATE);
  t.teardown(load.stop);
  const ordinary = nothingYet();
  await sleep(2_000);
  const calm: Fared[] = [];
  for (const [name, faultName, lasts = TIMES.lasts] of CHOSEN) {
    const fault = named(faultName);
    let ran: Ran;
    let wrong: readonly string[];
    let attempts = 0;
    do {
      ran = await run(bed, load, ordinary, fault, bed.targets[name], { ...TIMES, lasts });
      calm.push(ran.quiet.others);
      // A hundredth of these few requests is one: how late it was says nothing.
      wrong = wrongs(ran, spreadOf(calm), ['p90']);
      attempts += 1;
    } while (wrong.length > 0 && mayPass(ran, wrong) && attempts < ATTEMPTS);
    t.same(wrong, [], `${name}, ${faultName}`);
    if (fault === NOTHING) {
      t.ok(allFine(ran.own), 'nothing costs nobody anything');
      continue;
    }
    t.not(ran.seen.length, 0, `${name}, ${faultName}: the metrics say so`);
    // A store that is asked once more may answer after all, when the fault is over.
    const felt = !allFine(ran.own) || ran.own.longest > TIMES.lasts / 2;
    if (ran.own.requests > 0) t.ok(felt, `${name}, ${faultName}: is a fault`);
  }
});
