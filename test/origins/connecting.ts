import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { buildConnector } from 'undici';
import { connector } from '../../src/origins/connecting.ts';

const TO = { hostname: '127.0.0.1', protocol: 'http:', port: '1' };

/** A thousand that want a connection; each takes so long to be made, and is refused. */
async function thousand(timeout: number, takes: number) {
  let now = 0;
  let most = 0;
  let made = 0;
  const slow: buildConnector.connector = (_options, done) => {
    now += 1;
    made += 1;
    most = Math.max(most, now);
    setTimeout(() => {
      now -= 1;
      done(new Error('refused'), null);
    }, takes);
  };
  const connect = connector(timeout, slow);
  const began = Date.now();
  const said = await Promise.all(
    Array.from(
      { length: 1_000 },
      () => new Promise<string>((done) => connect(TO, (...[error]) => done(error?.message ?? ''))),
    ),
  );
  return { most, made, said, took: Date.now() - began };
}

t.test('so many are made at a time, and all get their turn', async (t) => {
  const { most, made, said } = await thousand(60_000, 1);
  t.equal(most, 32);
  t.equal(made, 1_000);
  t.same(new Set(said), new Set(['refused']));
});

t.test('where none can be made nobody waits for the turn of all before', async (t) => {
  const { made, said, took } = await thousand(200, 200);
  t.ok(made <= 3 * 32, `${made} were tried`);
  t.ok(took < 5_000, `${took} ms`);
  t.ok(said.includes('legacy takes no connection'));
  await sleep(1);
});
