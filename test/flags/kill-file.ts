import { writeFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { followKillFile } from '../../src/flags/kill-file.ts';
import { fingerprint, readText } from '../../src/flags/watch.ts';
import { heldIntervals, isClosedBy, watchers } from '../support/file-watch.ts';
import { soon } from '../support/flag-server.ts';

async function followed(t: Test, text?: string) {
  const file = join(t.testdir(text === undefined ? {} : { kill: text }), 'kill');
  const told: (string | undefined)[] = [];
  const stop = await followKillFile(file, (reason) => void told.push(reason));
  t.teardown(stop);
  return { file, told, stop };
}

t.test('there is none: told at once; then why, each time that it changes; and that it is gone', async (t) => {
  const { file, told } = await followed(t);
  t.strictSame(told, [undefined]);
  await writeFile(file, 'wrong totals\nsince noon\n');
  await soon(t, 'killed', () => told.at(-1) === 'wrong totals');
  await writeFile(file, 'still wrong');
  await soon(t, 'another reason', () => told.at(-1) === 'still wrong');
  await rm(file);
  await soon(t, 'lifted', () => told.at(-1) === undefined);
  const { length } = told;
  await sleep(400);
  t.equal(told.length, length, 'nothing is told twice');
});

const texts: [text: string, reason: string][] = [
  ['', ''],
  ['\nbelow', ''],
  ['x'.repeat(300), 'x'.repeat(200)],
];
for (const [text, reason] of texts) {
  t.test(`a file of ${JSON.stringify(text.slice(0, 10))} kills`, async (t) => {
    t.strictSame((await followed(t, text)).told, [reason]);
  });
}

t.test('a file that is there and cannot be read kills too', async (t) => {
  const folder = t.testdir();
  await mkdir(join(folder, 'kill'));
  const told: (string | undefined)[] = [];
  t.teardown(await followKillFile(join(folder, 'kill'), (reason) => void told.push(reason)));
  t.strictSame(told, ['']);
});

t.test('where it cannot be found out whether there is one it kills, and that is told once', async (t) => {
  const told: (string | undefined)[] = [];
  t.teardown(await followKillFile(join(t.testdir(), 'x'.repeat(300)), (reason) => void told.push(reason)));
  await sleep(400);
  t.strictSame(told, ['']);
});

t.test('ended: nothing is told any more', async (t) => {
  const { file, told, stop } = await followed(t);
  stop();
  await writeFile(file, 'x');
  await sleep(400);
  t.strictSame(told, [undefined]);
});

t.test('ended in the middle of a look: what it finds is not told, and nothing is watched', async (t) => {
  const opened = watchers(t);
  const pass = heldIntervals(t);
  const { file, told, stop } = await followed(t);
  // All within one turn, so that no news of it comes between.
  writeFileSync(file, 'x');
  pass(250);
  await isClosedBy(t, opened[0], stop);
  await sleep(50);
  t.strictSame(told, [undefined]);
});

t.test('a file is told from another of its name, and none from one that cannot be looked at', async (t) => {
  const folder = t.testdir({ a: 'x' });
  const file = join(folder, 'a');
  const first = await fingerprint(file);
  t.match(first, /^\d+ 1 \d+ \d+$/);
  await writeFile(file, 'yy');
  t.not(await fingerprint(file), first);
  for (const none of [join(folder, 'b'), join(file, 'below')]) {
    t.equal(await fingerprint(none), '');
    t.equal(await readText(none), undefined);
  }
  t.equal(await readText(file), 'yy');
  await t.rejects(readText(folder), { code: 'EISDIR' });
  await t.rejects(fingerprint(`${folder}/\u0000`), { code: 'ERR_INVALID_ARG_VALUE' });
});

t.test('a folder that is not there yet is looked for all the same', async (t) => {
  const folder = join(t.testdir(), 'later');
  const told: (string | undefined)[] = [];
  t.teardown(await followKillFile(join(folder, 'kill'), (reason) => void told.push(reason)));
  await mkdir(folder);
  await writeFile(join(folder, 'kill'), 'x');
  await soon(t, 'killed', () => told.at(-1) === 'x');
});
