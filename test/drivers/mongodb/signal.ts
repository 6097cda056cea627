import { setTimeout as sleep } from 'node:timers/promises';
import { type BSON, MongoClient } from 'mongodb';
import t from 'tap';
import { DeadlineSignal } from '../../../src/drivers/mongodb/signal.ts';
import { createDeadlines, type Deadline } from '../../../src/model/deadline.ts';
import { withMongo } from '../../support/stores.ts';

/** Ours, and Node's own as its twin. */
const KINDS = { ours: (deadline: Deadline) => new DeadlineSignal(deadline), node: ({ signal }: Deadline) => signal };

for (const [kind, signalOf] of Object.entries(KINDS)) {
  t.test(`${kind}: what the driver asks of a signal`, async (t) => {
    const deadline = createDeadlines(20).next();
    const signal = signalOf(deadline);
    t.equal(signal.aborted, false);
    t.equal(signal.reason, undefined);
    signal.throwIfAborted();
    const heard: string[] = [];
    const listener = function (this: AbortSignal, { type }: Event) {
      heard.push(`${type} ${this.aborted} ${this.reason.name}`);
    };
    const removed = () => heard.push('removed');
    signal.addEventListener('abort', listener, { once: true });
    signal.addEventListener('abort', listener, { once: true });
    signal.addEventListener('abort', { handleEvent: ({ type }: Event) => heard.push(type) });
    signal.addEventListener('another', () => heard.push('another'));
    signal.addEventListener('abort', removed, { once: true });
    signal.removeEventListener('abort', removed);
    signal.removeEventListener('abort', () => {});
    await sleep(60);
    t.strictSame(heard, ['abort true TimeoutError', 'abort']);
    t.equal(signal.aborted, true);
    t.equal(signal.reason, signal.reason);
    t.throws(() => signal.throwIfAborted(), { name: 'TimeoutError' });
    t.equal(signalOf(deadline).aborted, true, 'and of a deadline that has passed');
    t.throws(() => signalOf(deadline).throwIfAborted(), { name: 'TimeoutError' });
  });

  t.test(
    `${kind}: it ends the wait for a server, for a connection and for a reply, which closes the connection`,
    async (t) => {
      const { uri } = await withMongo(t);
      const client = new MongoClient(uri, { maxPoolSize: 1, serverSelectionTimeoutMS: 20_000 });
      t.teardown(() => client.close());
      await client.db('test').collection('things').insertOne({});
      const [sooner, later] = [createDeadlines(150), createDeadlines(400)];
      const away = new MongoClient('mongodb://127.0.0.1:9/', { serverSelectionTimeoutMS: 20_000 });
      t.teardown(() => away.close());
      const fails = async (one: MongoClient, command: BSON.Document, deadlines = sooner) => {
        const began = performance.now();
        const deadline = deadlines.next();
        await t.rejects(one.db('test').command(command, { signal: signalOf(deadline) }), { name: 'TimeoutError' });
        const took = performance.now() - began;
        t.ok(took > 140 && took < 5_000, `after ${took} ms`);
      };
      await fails(away, { find: 'things' });
      let closed = 0;
      client.on('connectionClosed', () => {
        closed += 1;
      });
      const slow = { find: 'things', filter: { $where: 'sleep(6000) || true' } };
      // The second has no connection to ask on.
      await Promise.all([fails(client, slow, later), fails(client, { find: 'things' })]);
      t.equal(closed, 1);
      await client.db('test').command({ ping: 1 });
    },
  );
}
