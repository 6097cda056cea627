import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import t, { type Test } from 'tap';
import { createCursors } from '../../src/bindings/cursor.ts';
import { evidenceId } from '../../src/bindings/evidence.ts';
import { VERSION } from '../../src/config.ts';
import type { Observation } from '../../src/model/answer.ts';
import { openAsking } from '../../src/thread/open.ts';
import { createThread, type Thread } from '../../src/thread/thread.ts';
import { questionOf, withKinds } from '../support/kinds.ts';
import { withMongo } from '../support/stores.ts';

const SECRETS = ['a secret of cursors that is long enough'];

interface Options {
  readonly edit?: (text: string) => string;
  readonly quiet?: number;
}

/** A thread over a collection with one item, which is begun anew after 300 ms. */
async function withThread(t: Test, { edit, quiet }: Options = {}) {
  const { uri } = await withMongo(t);
  const client = new MongoClient(uri);
  t.teardown(() => client.close());
  await client.db().collection('kinds').insertOne({ pk: 'acme', id: 'plain', text: 'here' });
  const { bindings } = await withKinds(t, edit);
  const said: string[] = [];
  let ends = 0;
  const stores = {
    dynamodb: { region: 'eu-west-1', endpoint: 'http://127.0.0.1:9', client: 'wire' as const },
    ...{ mongodbUri: uri, mongodbClient: 'leased' as const },
  };
  const shared = { cursorSecrets: SECRETS, timeout: 2_000, concurrency: 16, version: VERSION, legacy: false };
  const options = {
    given: { ...shared, bindings: bindings.file, stores },
    evidence: await evidenceId(bindings.file, bindings.contract.source, VERSION),
    log: (_: string, message: string) => void said.push(message),
    onViolations: () => {},
    onEnd: () => {
      ends += 1;
    },
    onUp: () => {},
    ...{ pause: 300, quiet },
  };
  const thread = createThread(options);
  t.teardown(() => thread.close());
  const ask = (how: string, of: Pick<Thread, 'observe'> = thread): Promise<Observation> => {
    const { question, error } = questionOf(bindings, { of: how, url: `/kinds/${how}` });
    return of.observe('mongodb', question, error, { consistent: false });
  };
  return { thread, ask, said, ends: () => ends, bindings, options, shared, stores };
}

async function until(t: Test, what: string, holds: () => boolean, within = 15_000): Promise<void> {
  for (const end = Date.now() + within; Date.now() < end; await sleep(10)) if (holds()) return;
  t.fail(`${what} came to nothing`);
}

const ways = [
  { how: 'exits', of: 'a binding that ends the process' },
  { how: 'throws-later', of: 'a binding that throws when nobody listens' },
  { how: 'rejects-later', of: 'a binding whose promise nobody looks at' },
  { how: 'eats-memory', of: 'a binding that takes all memory' },
  { how: 'hangs', of: 'a binding that never gives the loop back', quiet: 1_500 },
] as const;

for (const { how, of, ...more } of ways) {
  t.test(`${of}: what the thread had is refused, nobody is asked for a while, and it begins again`, async (t) => {
    const { thread, ask, said, ends } = await withThread(t, more);
    await thread.ready();
    t.equal(thread.way(), 'thread');
    t.match(await ask('plain'), { ok: true, answer: { status: 200 } });
    const lost = await Promise.allSettled([ask(how), ask('waits')]);
    for (const one of lost) {
      t.equal(one.status, 'rejected');
      if (one.status === 'rejected') t.match(one.reason.message, 'has ended');
    }
    t.equal(thread.way(), 'nobody', 'what ended it must not be asked beside clients');
    t.match(await ask('plain'), { ok: false, error: { name: 'StoreError', failure: 'unavailable' } });
    t.equal(ends(), 1);
    t.strictSame(thread.connections(), {});
    await until(t, 'beginning again', () => thread.way() === 'thread');
    t.match(await ask('plain'), { ok: true, answer: { status: 200 } });
    t.match(said, [/^the thread that asks candidates has ended; it begins again in 300 ms$/]);
  });
}

t.test('each end makes the pause longer', async (t) => {
  const { thread, ask, said } = await withThread(t);
  for (let time = 0; time < 2; time += 1) {
    if (time === 0) await thread.ready();
    else await until(t, 'beginning again', () => thread.way() === 'thread');
    await t.rejects(ask('exits'));
  }
  t.match(said, [/in 300 ms/, /in 600 ms/]);
});

t.test('a binding that throws at once, or waits, ends nothing; closing does not wait for it', async (t) => {
  const { thread, ask, ends } = await withThread(t);
  await thread.ready();
  t.match(await ask('throws'), { ok: false, error: { name: 'TypeError' } });
  const waits = ask('waits');
  t.match(await ask('plain'), { ok: true });
  const began = Date.now();
  await thread.close();
  t.ok(Date.now() - began < 5_000, `closed after ${Date.now() - began} ms`);
  t.match(await waits, { ok: false, error: { failure: 'unavailable' } }, 'as with a connection that is closed');
  t.equal(ends(), 0, 'it was asked to end');
  t.match(await ask('plain'), { ok: false, error: { failure: 'unavailable' } });
});

t.test('closed before it was ever up', async (t) => {
  const { thread } = await withThread(t);
  thread.begin();
  const began = Date.now();
  await thread.close();
  t.ok(Date.now() - began < 5_000);
  const never = await withThread(t);
  await never.thread.close();
  never.thread.begin();
  t.equal(never.thread.way(), 'here', 'it was never begun');
});

t.test('one that cannot come up leaves it to this thread', async (t) => {
  const { thread, said, ends } = await withThread(t, {
    edit: (text) =>
      `import { isMainThread } from 'node:worker_threads';\nif (!isMainThread) throw new Error('not here');\n${text}`,
  });
  t.equal(thread.way(), 'here');
  await thread.ready();
  t.equal(thread.way(), 'here');
  t.equal(ends(), 0, 'it was never asked');
  t.match(said, [/in 300 ms/, /in 600 ms/, /^the thread that asks candidates does not come up/]);
});

t.test('with other bindings on disk it is not asked', async (t) => {
  const { thread, said, bindings, ask } = await withThread(t);
  const text = await readFile(bindings.file, 'utf8');
  await writeFile(bindings.file, `${text}\n// edited\n`);
  await thread.ready();
  t.equal(thread.way(), 'here', 'this thread has what it began with');
  t.match(said, [/^the bindings have changed on disk since the start: candidates are asked beside clients/]);

  const other = await withThread(t);
  await other.thread.ready();
  await writeFile(other.bindings.file, `${await readFile(other.bindings.file, 'utf8')}\n// edited\n`);
  await t.rejects(other.ask('exits'));
  await until(t, 'coming up with others', () => other.said.length > 1);
  t.equal(other.thread.way(), 'nobody');
  t.match(other.said[1], /candidates are not asked until it is started again/);
  t.match(await ask('plain', other.thread), { ok: false, error: { failure: 'unavailable' } });
});

t.test('until it is up this thread asks, and then no more', async (t) => {
  const { options, bindings, shared, stores, ask } = await withThread(t);
  const asking = openAsking({
    ...{ ...options, ...shared, stores, bindings, cursors: createCursors(SECRETS), mode: 'auto' },
  });
  t.teardown(() => asking.close());
  t.notOk(asking.threaded(), 'nothing was shadowed yet');
  await asking.ready();
  t.notOk(asking.threaded(), 'and nobody waits for it');
  t.match(await ask('plain', asking), { ok: true });
  await until(t, 'coming up', () => asking.threaded());
  t.match(await ask('plain', asking), { ok: true });
  await until(t, 'connections of the thread alone', () => asking.connections().mongodb?.idle === 1);
  t.notOk(asking.away());
  await t.rejects(ask('exits', asking));
  t.ok(asking.away());
});
