import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Binary, Decimal128, Long, MongoClient, ObjectId } from 'mongodb';
import t from 'tap';
import { openMongoDb } from '../../src/drivers/mongodb.ts';
import { NoSuchItem } from '../../src/errors.ts';
import { createDeadlines } from '../../src/model/deadline.ts';
import { withMongo } from '../support/stores.ts';

const soon = () => createDeadlines(10_000).next();
const signal = () => AbortSignal.timeout(10_000);

t.test('on a real store', async (t) => {
  const { uri } = await withMongo(t);
  const client = new MongoClient(uri);
  t.teardown(() => client.close());
  const things = client.db().collection('things');
  const types = {
    long: Long.fromString('9007199254740993'),
    short: 7,
    double: 1.5,
    decimal: Decimal128.fromString('1.50'),
    date: new Date(1234),
    bytes: new Binary(Buffer.from('abc')),
  };
  const _id = new ObjectId();
  await things.insertOne({ _id, ...types });
  await things.createIndex({ short: 1 });

  const driver = openMongoDb({ uri });
  t.teardown(() => driver.close());

  t.test('numbers come without loss, others as the driver gives them', async (t) => {
    const item = await driver.findOne({ collection: 'things', filter: { _id } }, soon());
    t.type(item?.long, Long);
    t.equal(String(item?.long), '9007199254740993');
    t.match(item, { short: 7, double: 1.5, decimal: { _bsontype: 'Decimal128' }, date: new Date(1234), bytes: Binary });
    t.equal(await driver.findOne({ collection: 'things', filter: { _id: 'none' } }, soon()), undefined);
  });

  t.test('reads with projection, sort, skip and limit; counts; pipelines', async (t) => {
    const projection = { _id: 0, short: 1 };
    t.strictSame(await driver.find({ collection: 'things', filter: {}, projection, sort: { short: 1 } }, soon()), [
      { short: 7 },
    ]);
    t.strictSame(await driver.find({ collection: 'things', filter: {}, skip: 1, limit: 1 }, soon()), []);
    t.equal(await driver.count('things', { short: 7 }, soon()), 1);
    t.strictSame(await driver.aggregate('things', [{ $project: projection }], soon()), [{ short: 7 }]);
  });

  t.test('what the collection has', async (t) => {
    t.equal(await driver.collectionExists('things', signal()), true);
    t.equal(await driver.collectionExists('nothings', signal()), false);
    t.match(await driver.listIndexes('things', signal()), [{ key: { _id: 1 } }, { key: { short: 1 } }]);
    t.strictSame(await driver.listIndexes('nothings', signal()), []);
    await driver.ping(signal());
  });

  t.test('a value that BSON cannot hold is no such item', async (t) => {
    const find = (value: unknown) => driver.find({ collection: 'things', filter: { a: value } }, soon());
    await t.rejects(find({ 'a\0b': 1 }), NoSuchItem);
    t.strictSame(await find('a\0b'), []);
    t.strictSame(await find('x'.repeat(2 ** 20)), []);
  });

  t.test("the author's mistakes are refused", async (t) => {
    const refused = { name: 'StoreError', origin: 'mongodb', failure: 'refused' };
    await t.rejects(driver.find({ collection: 'things', filter: { $wrong: 1 } }, soon()), refused);
    await t.rejects(driver.aggregate('things', [{ $wrong: 1 }], soon()), refused);
    await t.rejects(driver.find({ collection: '', filter: {} }, soon()), refused);
  });

  t.test('the deadline ends a call, on our side or on the server', async (t) => {
    const slow = { collection: 'things', filter: { $where: 'sleep(3000) || true' } };
    await t.rejects(driver.find(slow, createDeadlines(100).next()), { name: 'StoreError', failure: 'timeout' });
    const short = openMongoDb({ uri, timeout: 100 });
    t.teardown(() => short.close());
    await t.rejects(short.find(slow, soon()), { name: 'StoreError', failure: 'timeout' });
    await t.resolves(short.ping(signal()));
  });
});

t.test('a store that is away', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  const driver = openMongoDb({ uri: `mongodb://127.0.0.1:${port}/none`, serverSelectionTimeout: 100 });
  t.teardown(() => driver.close());
  await t.rejects(driver.ping(signal()), { name: 'StoreError', failure: 'unavailable' });
  await t.rejects(driver.count('a', {}, soon()), { name: 'StoreError', failure: 'unavailable' });
});

t.test('a connection that hangs is given up in time for the next to be made', async (t) => {
  const { uri } = await withMongo(t);
  const store = new URL(uri);
  let hangs = true;
  const proxy = createServer((socket) => {
    socket.on('error', () => {});
    // Whoever came while it hung waits for ever.
    if (hangs) return void socket.resume();
    const behind = connect(Number(store.port), store.hostname);
    socket.pipe(behind).pipe(socket);
    for (const one of [socket, behind])
      one.on('error', () => {}).on('close', () => [socket, behind].map((it) => it.destroy()));
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.teardown(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const driver = openMongoDb({
    uri: `mongodb://127.0.0.1:${port}/test?directConnection=true`,
    serverSelectionTimeout: 20_000,
  });
  t.teardown(() => driver.close());
  const began = Date.now();
  setTimeout(() => {
    hangs = false;
  }, 200);
  await driver.ping(AbortSignal.timeout(20_000));
  t.ok(Date.now() - began < 4_500, `${Date.now() - began} ms`);
});
