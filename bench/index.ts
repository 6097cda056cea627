import { cpus } from 'node:os';
import { benchCompare } from './compare.ts';
import { markdown } from './measure.ts';
import { benchPassThrough } from './pass-through.ts';
import { benchShadow } from './shadow.ts';
import { benchVersions } from './versions.ts';

const chosen = process.argv.slice(2);
const wants = (name: string): boolean => chosen.length === 0 || chosen.includes(name);

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}\n`);
if (wants('compare')) console.log(`## Comparing two bodies\n\n${markdown(benchCompare())}\n`);
if (wants('shadow')) {
  console.log('## What a client notices of the shadow\n');
  console.log(`${markdown(await benchShadow())}\n`);
}
if (wants('pass-through')) {
  console.log('## Passing on to the legacy service\n');
  console.log(`${markdown(await benchPassThrough())}\n`);
}
const against = process.env.BENCH_AGAINST;
if (chosen.includes('versions') && against !== undefined) {
  console.log('## Beside another version\n');
  console.log(`${markdown(await benchVersions(against))}\n`);
}
