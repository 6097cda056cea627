/**
 * A program: `npm run soak -- [--minutes N] [--seed N] [--samples FILE]` runs the façade under load with faults and moves for
 * half an hour, or as long as is said, and prints what came of it; what each replica had goes to FILE, a line of JSON every
 * few seconds. Exit code 1: something is not as it must be.
 */
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { markdown } from '../support/measure.ts';
import { type Soaked, soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    samples: { type: 'string' },
  },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run soak -- [--minutes N] [--seed N] [--samples FILE]');
  process.exit(2);
}
console.log(`${minutes} minutes, seed ${seed}`);
const soaked = await soak({
  ...{ milliseconds: minutes * 60_000, seed, times: { pause: 8_000, lasts: 5_000 } },
  log: (line) => console.log(`${new Date().toISOString().slice(11, 19)} ${line}`),
  onSample: (replica, sample) => {
    if (values.samples !== undefined) appendFileSync(values.samples, `${JSON.stringify({ replica, ...sample })}\n`);
  },
});
console.log(`\n${markdown(rowsOf(soaked))}\n`);
for (const line of soaked.wrong) console.log(line);
process.exit(soaked.wrong.length === 0 ? 0 : 1);

function rowsOf({
  capacity,
  rate,
  verdicts,
  unasked,
  moves,
  disturbances,
  recovery,
  flatness,
  rest,
  comparisons,
  wrong,
}: Soaked) {
  const row = (what: string, said: string) => ({ what, said });
  const ours = disturbances.filter(({ how }) => how !== 'itself');
  const faults = Object.entries(Object.groupBy(ours, ({ target }) => target));
  return [
    row('load', `${rate.toFixed(0)} requests a second, of ${capacity.toFixed(0)} that it can`),
    ...Object.entries(verdicts).map(([verdict, count]) => row(verdict, String(count))),
    row('not asked, too many under way', String(unasked)),
    row('moves of stages', String(moves)),
    ...faults.map(([target, all]) => row(`faults of ${target}`, String(all?.length ?? 0))),
    row('times that a control was not well by itself', String(disturbances.length - ours.length)),
    row('last failure after a fault', `${(recovery / 1000).toFixed(1)} s`),
    row('comparisons', comparisons),
    ...flatness.map(({ line, rise, most, flat }, at) => {
      const [mean, more, bound] = [line.mean, rise, most].map((bytes) => (bytes / 1e6).toFixed(0));
      const judged = flat === undefined ? 'too short to say' : flat ? 'flat' : 'rises';
      return row(
        `replica ${at}, resident MB, floors`,
        `${mean} on average, ${more} more at the end than at the beginning, at most ${bound}: ${judged}`,
      );
    }),
    ...rest.map(([before, after], at) =>
      row(
        `replica ${at}, at rest`,
        `${(after.rss / 1e6).toFixed(0)} MB and ${after.fds} handles after the run, ${(before.rss / 1e6).toFixed(0)} and ${before.fds} before it`,
      ),
    ),
    row('wrong', String(wrong.length)),
  ];
}
