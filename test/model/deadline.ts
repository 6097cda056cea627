import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { callAfter, createDeadlines } from '../../src/model/deadline.ts';

t.test('a deadline passes once, for all who wait for it, and for who comes later', async (t) => {
  const deadline = createDeadlines(20).next();
  const seen: string[] = [];
  deadline.onPassed(() => seen.push('first'));
  const forget = deadline.onPassed(() => seen.push('forgotten'));
  forget();
  const { signal } = deadline;
  t.notOk(deadline.passed);
  t.notOk(signal.aborted);

  await sleep(60);
  t.ok(deadline.passed);
  t.strictSame(seen, ['first']);
  t.ok(signal.aborted);
  t.equal(signal.reason.name, 'TimeoutError');
  deadline.onPassed(() => seen.push('late'));
  t.strictSame(seen, ['first', 'late']);
  t.ok(createDeadlines(0).next().signal instanceof AbortSignal);
});

t.test('an ended deadline never passes, wherever it stands in the line', async (t) => {
  const deadlines = createDeadlines(30);
  const line = [deadlines.next(), deadlines.next(), deadlines.next(), deadlines.next(), deadlines.next()];
  const passed: number[] = [];
  line.forEach((one, at) => {
    one.onPassed(() => passed.push(at));
  });
  for (const at of [0, 2, 4, 2]) line[at]?.end();
  await sleep(70);
  t.strictSame(passed, [1, 3]);
});

t.test('deadlines pass in their order, each in its time', async (t) => {
  const deadlines = createDeadlines(40);
  const began = performance.now();
  const passed: { at: number; due: number }[] = [];
  for (let n = 0; n < 5; n += 1) {
    const one = deadlines.next();
    one.onPassed(() => passed.push({ at: performance.now(), due: one.at }));
    await sleep(15);
  }
  await sleep(80);
  t.equal(passed.length, 5);
  t.ok(passed.every(({ at, due }) => at >= due));
  t.ok(passed.every(({ due }, n) => n === 0 || due >= (passed[n - 1]?.due ?? 0)));
  t.ok((passed[0]?.at ?? 0) - began < 1_000);
});

t.test('an answer that takes no time leaves nothing behind', async (t) => {
  const deadlines = createDeadlines(25);
  for (let n = 0; n < 10_000; n += 1) deadlines.next().end();
  const last = deadlines.next();
  await sleep(80);
  t.ok(last.passed);
});

t.test('a wait that nobody ends is over in its time, and one that is ended never', async (t) => {
  const called: string[] = [];
  callAfter(20, () => called.push('over'));
  callAfter(20, () => called.push('ended'))();
  t.same(called, []);
  await sleep(60);
  t.same(called, ['over']);
});

t.test('a process that stood still reads what came meanwhile before it gives up', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown];
  t.teardown(() => {
    client.destroy();
    peer.destroy();
    server.close();
  });
  let called = '';
  callAfter(50, () => {
    called += 'late';
  });
  const cancel = callAfter(50, () => {
    called += 'in vain';
  });
  client.once('data', () => cancel());
  const deadlines = createDeadlines(50);
  const [answered, silent] = [deadlines.next(), deadlines.next()];
  client.on('data', () => answered.end());
  peer.write('an answer');
  const until = performance.now() + 250;
  while (performance.now() < until);
  await sleep(20);
  t.notOk(answered.passed, 'the answer had come');
  t.ok(silent.passed, 'whoever has none has waited too long all the same');
  t.equal(called, 'late');
});
