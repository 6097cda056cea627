/** Records results for ever, and says after each write how many are surely in MongoDB. Ends by being killed, or on a line. */
import { openResults } from '../../src/drivers/results.ts';
import { createWriter } from '../../src/results/writer.ts';
import { result } from './results.ts';

const [uri = '', count = '0'] = process.argv.slice(2);
const store = openResults({ uri });
const writer = createWriter({ store, api: 'notes', evidence: 'e', version: '0.0.0', every: 20 });
let recorded = 0;
const timer = setInterval(() => {
  for (let n = 0; n < 37 && recorded < Number(count); n += 1)
    writer.record(result({ at: Date.now(), operation: `op${recorded++ % 5}` }));
}, 1);
const flusher = setInterval(async () => {
  const before = recorded;
  await writer.flush();
  await writer.flush();
  process.stdout.write(`${JSON.stringify({ replica: writer.replica, written: before, recorded })}\n`);
}, 30);
process.stdin.once('data', async () => {
  clearInterval(timer);
  clearInterval(flusher);
  await writer.close(5_000);
  await store.close();
  process.stdout.write(`${JSON.stringify({ replica: writer.replica, written: recorded, recorded })}\n`, () =>
    process.exit(),
  );
});
