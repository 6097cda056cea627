/** Logs for a while; says on standard error how late its event loop was, what was dropped, and that it ends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openLogging } from '../../src/commands/logging.ts';

const { log, dropped, close } = openLogging('info');
const lines = Number(process.argv[2]);
const filler = 'x'.repeat(1_000);
let late = 0;
for (let n = 0; n < lines; n += 50) {
  const began = performance.now();
  for (let m = 0; m < 50; m += 1) log('info', 'a line', { n: n + m, filler });
  await sleep(1);
  late = Math.max(late, performance.now() - began);
}
// As at a second SIGTERM.
if (process.argv[4] === 'exit') process.exit(7);
// Whoever reads gets the time for it.
await close(Number(process.argv[3]));
process.stderr.write(JSON.stringify({ late, dropped: dropped(), memory: process.memoryUsage().rss }));
process.exit(0);
