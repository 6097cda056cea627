import { mkdtemp } from 'node:fs/promises';
import { serveFacade } from './support/facade.ts';
import { cpuOf, pinHere, serve, startLoad } from './support/processes.ts';

pinHere();
const load = startLoad();
const folder = await mkdtemp('/tmp/x-gc-');
const kind = process.argv[2];
const s =
  kind === 'plain'
    ? await serve({
        words: ['/tmp/wD/bench/peers/plain.ts', 'object'],
        flags: process.argv.slice(3),
        env: {},
        cwd: folder,
      })
    : await serveFacade(folder, {
        bindings: 'bench/front/things.bindings.ts',
        stages: { getThing: 'dynamodb' },
        env: { MONGODB_URI: 'mongodb://127.0.0.1:9/none?serverSelectionTimeoutMS=1000' },
        flags: process.argv.slice(3),
      });
const b0 = await cpuOf(s.pid);
await new Promise((d) => setTimeout(d, 3000));
console.log('idle cpu us/s', ((await cpuOf(s.pid)) - b0) / 3);
for (let i = 0; i < 4; i++) {
  const b = await cpuOf(s.pid);
  const r = await load.run({ url: s.url, path: '/things/t-1', milliseconds: 2000 });
  console.log('cpu/req', ((await cpuOf(s.pid)) - b) / r.replies, 'rps', (r.replies / r.took) * 1000);
}
await s.stop();
load.stop();
