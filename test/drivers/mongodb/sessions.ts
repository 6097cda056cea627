import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BSON, type ClientSession, MongoClient, MongoNetworkError } from 'mongodb';
import t from 'tap';
import { createSessions } from '../../../src/drivers/mongodb/sessions.ts';
import { openMongoDb } from '../../../src/drivers/mongodb.ts';
import { createDeadlines } from '../../../src/model/deadline.ts';

t.test('as many as there can be connections, and each with one at a time', async (t) => {
  const client = new MongoClient('mongodb://127.0.0.1:9/', { maxPoolSize: 2 });
  t.teardown(() => client.close());
  const sessions = createSessions(client);
  const [one, two] = [sessions.take(), sessions.take()] as [ClientSession, ClientSession];
  t.not(one, two);
  t.equal(sessions.take(), undefined);
  sessions.giveBack(two);
  t.equal(sessions.take(), two);
  t.equal(sessions.drop(one, new MongoNetworkError('gone')), false);
  t.equal(one.hasEnded, true);
  const three = sessions.take();
  t.ok(three !== undefined && three !== one && !three.hasEnded);
  t.equal(three?.supports.causalConsistency, false);
});

t.test('behind a load balancer there are none', async (t) => {
  const client = new MongoClient('mongodb://127.0.0.1:9/?loadBalanced=true');
  t.teardown(() => client.close());
  t.equal(createSessions(client).take(), undefined);
});

t.test('servers without sessions are read all the same', async (t) => {
  const found = {
    cursor: { id: BSON.Long.fromNumber(0), ns: 'crossfade_bench.things', firstBatch: [{ n: 1 }] },
    ok: 1,
  };
  const member = {
    ...{ isWritablePrimary: true, helloOk: true, setName: 'rs', setVersion: 1, me: '', primary: '', hosts: [''] },
    ...{ minWireVersion: 0, maxWireVersion: 21, maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000 },
    ...{ maxWriteBatchSize: 100_000, ok: 1 },
  };
  const text = (document: BSON.Document) => Buffer.from(BSON.serialize(document)).toString('base64');
  const server = fork(join(import.meta.dirname, '../../../bench/support/fixed-mongodb.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.teardown(() => server.kill());
  server.send({ hello: text(member), finds: { things: text(found) } });
  const [{ url }] = (await once(server, 'message')) as [{ url: string }];
  const driver = openMongoDb({ uri: url, client: 'command', attempts: 1 });
  t.teardown(() => driver.close());
  const deadlines = createDeadlines(10_000);
  for (let n = 0; n < 2; n += 1) {
    const deadline = deadlines.next();
    const [item] = (await driver.findWire?.({ collection: 'things', filter: {}, limit: 1 }, deadline)) ?? [];
    deadline.end();
    t.strictSame(item && driver.decode(item), { n: 1 });
  }
});
