import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { follow } from '../../src/flags/watch.ts';
import { heldIntervals, isClosedBy, watchers } from '../support/file-watch.ts';
import { soon } from '../support/flag-server.ts';

t.test('it is looked at one at a time, however long a look takes and however often it changes', async (t) => {
  const file = join(t.testdir({ a: '0' }), 'a');
  let [now, most, count] = [0, 0, 0];
  const stop = follow(file, async () => {
    now += 1;
    count += 1;
    most = Math.max(most, now);
    await sleep(350);
    now -= 1;
  });
  for (let n = 0; n < 12; n += 1) {
    await writeFile(file, String(n));
    await sleep(60);
  }
  await soon(t, 'looked at again', () => count > 1);
  stop();
  t.equal(most, 1);
});

t.test('it is looked at soon after a change, and without one too', async (t) => {
  const file = join(t.testdir({ a: '0' }), 'a');
  let count = 0;
  const stop = follow(file, async () => {
    count += 1;
  });
  t.teardown(stop);
  await soon(t, 'by itself', () => count > 0);
  await writeFile(file, '1');
  const before = count;
  await soon(t, 'after a change', () => count > before);
});

t.test('once it ends nobody looks, whatever changed just before', async (t) => {
  const file = join(t.testdir({ a: '0' }), 'a');
  let count = 0;
  const stop = follow(file, async () => {
    count += 1;
  });
  await writeFile(file, '1');
  // Long enough for the news to come, and not for what it brings about.
  await sleep(15);
  stop();
  const then = count;
  await sleep(400);
  t.equal(count, then);
});

t.test('a folder that is not there is no mistake', async (t) => {
  let count = 0;
  const stop = follow(join(t.testdir(), 'later', 'a'), async () => {
    count += 1;
  });
  await soon(t, 'looked at', () => count > 0);
  stop();
});

t.test('news of a change is enough: it does not wait until it would be looked at anyway', async (t) => {
  heldIntervals(t);
  const file = join(t.testdir({ a: '0' }), 'a');
  let count = 0;
  t.teardown(
    follow(file, async () => {
      count += 1;
    }),
  );
  writeFileSync(file, '1');
  await soon(t, 'looked at', () => count > 0);
  const before = count;
  writeFileSync(file, '2');
  await soon(t, 'looked at again', () => count > before);
});

t.test('it keeps no process from its end', async (t) => {
  const folder = t.testdir();
  const holding = () => process.getActiveResourcesInfo().filter((kind) => ['FSEventWrap', 'Timeout'].includes(kind));
  const before = holding();
  t.teardown(follow(join(folder, 'a'), async () => {}));
  t.strictSame(holding(), before);
});

t.test('a watch that fails is given up, and it is looked at all the same', async (t) => {
  const opened = watchers(t);
  let count = 0;
  t.teardown(
    follow(join(t.testdir(), 'a'), async () => {
      count += 1;
    }),
  );
  t.equal(opened.length, 1);
  await isClosedBy(t, opened[0], () => opened[0]?.emit('error', new Error('no space left')));
  await soon(t, 'looked at', () => count > 0);
});
