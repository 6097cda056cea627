import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { startPulse } from '../../src/shadow/pulse.ts';

const block = (milliseconds: number): void => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

t.test(
  'a loop that is blocked is busy, at once and until a timer came in time; one below the bound is not',
  async (t) => {
    const [strict, patient] = [startPulse(50), startPulse(60_000)];
    t.teardown(() => {
      strict.stop();
      patient.stop();
    });
    await sleep(250);
    block(300);
    t.ok(strict.busy(), 'although the timer that is overdue has not come');
    t.notOk(patient.busy());
    const end = Date.now() + 5_000;
    while (strict.busy() && Date.now() < end) await sleep(20);
    t.notOk(strict.busy(), 'no more');
  },
);

t.test('one pause does not stand, however long; what comes again and again does', async (t) => {
  const pulse = startPulse(50);
  t.teardown(pulse.stop);
  const seen: { standing: number; elapsed: number }[] = [];
  pulse.onBeat((standing, elapsed) => seen.push({ standing, elapsed }));
  await sleep(400);
  block(1_000);
  await sleep(100);
  t.ok(pulse.standing() < 500, 'one beat was late by a second');
  t.ok(
    seen.some(({ elapsed }) => elapsed > 900),
    'and is said to have been so long',
  );
  for (let n = 0; n < 15; n += 1) {
    block(150);
    await sleep(1);
  }
  t.ok(pulse.standing() >= 100, `${pulse.standing()}`);
});

t.test('how much of its time the loop is at work is of the last moments', async (t) => {
  const pulse = startPulse(60_000);
  t.teardown(pulse.stop);
  const end = Date.now() + 20_000;
  while (pulse.utilization() < 0.8 && Date.now() < end) {
    block(30);
    await turn();
  }
  t.ok(pulse.utilization() >= 0.8, `${pulse.utilization()} at work`);
  const late = Date.now() + 20_000;
  while (pulse.utilization() > 0.2 && Date.now() < late) await sleep(50);
  t.ok(pulse.utilization() <= 0.2, `${pulse.utilization()} at rest`);
});
