import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient, ObjectId } from 'mongodb';
import t from 'tap';
import { createLeases } from '../../../src/drivers/mongodb/leases.ts';
import { type MongoDb, type MongoDbOptions, openMongoDb } from '../../../src/drivers/mongodb.ts';
import type { Item } from '../../../src/model/call.ts';
import { createDeadlines } from '../../../src/model/deadline.ts';
import { withMembers } from '../../support/replica-set.ts';

const deadlines = createDeadlines(20_000);
const MB = 1024 * 1024;

t.test('a replica set of three', async (t) => {
  const members = await withMembers(t);
  const { uri, client } = members;
  const things = client.db().collection<Item>('things');
  await things.insertMany(
    Array.from({ length: 40 }, (_, n) => ({ _id: new ObjectId(), n, text: `thing ${n}` })),
    { writeConcern: { w: 'majority' } },
  );

  const open = (more: Partial<MongoDbOptions> = {}) => {
    const reasons: string[] = [];
    const onUnleasable = (reason: string) => void reasons.push(reason);
    const driver = openMongoDb({ uri, serverSelectionTimeout: 20_000, onUnleasable, ...more });
    t.teardown(() => driver.close());
    return { driver, reasons };
  };
  const request = (n: number) => ({ collection: 'things', filter: { n }, limit: 1 });
  async function read({ findWire, decode }: MongoDb, n: number): Promise<Item | undefined> {
    const deadline = deadlines.next();
    try {
      const [found] = (await findWire?.(request(n), deadline)) ?? [];
      return found && decode(found);
    } finally {
      deadline.end();
    }
  }
  /** Reads by twenty at a time while something happens: how many, and what failed. */
  async function during(driver: MongoDb, happens: () => Promise<void>) {
    const failures: unknown[] = [];
    let [reads, over] = [0, false];
    const reader = async (n: number) => {
      while (!over) {
        await read(driver, n).then(
          (found) => found?.text === `thing ${n}` || failures.push(`${n}: ${JSON.stringify(found)}`),
          (error) => failures.push(error),
        );
        reads += 1;
        await sleep(2);
      }
    };
    const readers = Array.from({ length: 20 }, (_, n) => reader(n));
    await sleep(300);
    await happens();
    await sleep(500);
    over = true;
    await Promise.all(readers);
    return { reads, failures };
  }
  /** What the primary was asked for things while something happened: its profile. */
  async function commandsOf(happens: () => Promise<unknown>): Promise<Item[]> {
    const db = client.db();
    await db.command({ profile: 2 });
    await happens();
    await db.command({ profile: 0 });
    const seen = await db.collection('system.profile').find({ ns: 'test.things' }).toArray();
    await db.collection('system.profile').drop();
    // A member that copies the data names the collection by its UUID.
    return seen.map(({ command }) => command).filter(({ find, aggregate }) => (find ?? aggregate) === 'things');
  }
  /** Only the driver's own reads have a session. */
  const isLeased = (command: Item) => command.lsid === undefined;

  t.test('leased reads ask as the driver does, without its sessions', async (t) => {
    const { driver, reasons } = open();
    const { driver: plain } = open({ client: 'driver' });
    await read(driver, 1);
    const asked = { collection: 'things', filter: { n: { $lt: 5 } }, sort: { n: 1 as const }, skip: 1, limit: 3 };
    const deadline = deadlines.next();
    const commands = await commandsOf(async () => {
      await driver.findWire?.({ ...asked, projection: { n: 1 } }, deadline);
      await driver.findWire?.(request(1), deadline);
      await plain.find({ ...asked, projection: { n: 1 } }, deadline);
      await plain.findOne(request(1), deadline);
    });
    deadline.end();
    t.strictSame(commands.map(isLeased), [true, true, false, false]);
    const said = commands.map(({ lsid, $clusterTime, ...rest }) => rest);
    t.strictSame(said[0], said[2]);
    t.strictSame(said[1], said[3]);
    t.strictSame(reasons, []);
  });

  t.test('a server works no longer on a read than anybody waits for it', async (t) => {
    for (const kind of ['leased', 'command'] as const) {
      const { driver } = open({ client: kind, timeout: 5_000 });
      await read(driver, 1);
      const under = createDeadlines(3_000).next();
      const late = createDeadlines(20_000).next();
      const [short, long] = await commandsOf(async () => {
        await sleep(100);
        await driver.findWire?.(request(1), under);
        await driver.findWire?.(request(1), late);
      });
      const left = Number(short?.maxTimeMS);
      t.ok(left > 1_000 && left <= 2_910, `${kind}: ${left} of 3,000 ms are left`);
      t.equal(long?.maxTimeMS, 5_000, 'and never longer than the driver’s own limit');
      under.end();
      late.end();
    }
  });

  t.test('nor on what comes decoded', async (t) => {
    const { driver } = open({ client: 'driver', timeout: 5_000 });
    await driver.findOne(request(1), deadlines.next());
    const under = createDeadlines(3_000).next();
    const late = createDeadlines(20_000).next();
    const asked = async (deadline: typeof under) => {
      await driver.findOne(request(1), deadline);
      await driver.find(request(1), deadline);
      await driver.count('things', { n: 1 }, deadline);
      await driver.aggregate('things', [{ $match: { n: 1 } }], deadline);
    };
    const commands = await commandsOf(async () => {
      await sleep(100);
      await asked(under);
      await asked(late);
    });
    const times = commands.map(({ maxTimeMS }) => Number(maxTimeMS));
    t.equal(times.length, 8);
    for (const left of times.slice(0, 4)) t.ok(left > 500 && left <= 2_910, `${left} of 3,000 ms are left`);
    t.strictSame(times.slice(4), [5_000, 5_000, 5_000, 5_000]);
    under.end();
    late.end();
  });

  t.test('commands share sessions one after the other, and never at once', async (t) => {
    const { driver } = open({ client: 'command', maxPoolSize: 3 });
    const sessionsOf = async (happens: () => Promise<unknown>) =>
      (await commandsOf(happens)).map(({ lsid }) => (lsid as Item | undefined)?.id).map(String);
    await read(driver, 1);
    const inTurn = await sessionsOf(async () => {
      for (let n = 0; n < 4; n += 1) await read(driver, n);
    });
    t.strictSame([inTurn.length, new Set(inTurn).size], [4, 1]);
    const slow = { collection: 'things', filter: { $where: 'sleep(10) || true', n: 1 }, limit: 1 };
    const deadline = deadlines.next();
    const atOnce = await sessionsOf(() => Promise.all([1, 2, 3].map(() => driver.findWire?.(slow, deadline))));
    t.strictSame([atOnce.length, new Set(atOnce).size], [3, 3]);
    deadline.end();
    t.match(await Promise.all(Array.from({ length: 20 }, (_, n) => read(driver, n))), [{ n: 0 }, { n: 1 }]);
  });

  t.test('by the command, too', async (t) => {
    const { driver } = open({ client: 'command' });
    t.match(await read(driver, 7), { text: 'thing 7' });
    const [command] = await commandsOf(() => read(driver, 7));
    t.match(command, { find: 'things', limit: 1, singleBatch: true, readConcern: { level: 'majority' } });
    t.equal(isLeased(command as Item), false);
  });

  t.test('never more connections than the pool allows, and others get theirs', async (t) => {
    const { driver } = open({ maxPoolSize: 3 });
    const deadline = deadlines.next();
    await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        t.match(await read(driver, n % 40), { n: n % 40 });
        t.equal(await driver.count('things', { n: 1 }, deadline), 1);
        const { used, idle } = driver.connections();
        if (used + idle > 3) t.fail(`${used} used and ${idle} idle`);
      }),
    );
    t.strictSame(driver.connections().used, 0);
    t.equal(driver.connections().idle, 3);
    t.equal(await driver.count('things', {}, deadline), 40, 'although all lie ready for reads');
    deadline.end();
  });

  t.test('what is not used goes back to the pool, and close leaves none', async (t) => {
    const { driver } = open({ uri: `${uri}&appName=leaving` });
    const connected = async () => {
      const { inprog } = await client.db('admin').command({ currentOp: true, $all: true, appName: 'leaving' });
      return inprog.filter((one: Item) => 'connectionId' in one && one.desc !== 'monitor').length;
    };
    await Promise.all(Array.from({ length: 10 }, (_, n) => read(driver, n)));
    t.ok((await connected()) > 0);
    await driver.close();
    for (const end = Date.now() + 10_000; Date.now() < end && (await connected()) > 0; await sleep(50));
    t.equal(await connected(), 0);
    await t.rejects(read(driver, 1), { name: 'StoreError', failure: 'unavailable' });
  });

  t.test('a deadline closes the connection, so that no late reply is anybody else’s', async (t) => {
    const { driver } = open();
    await read(driver, 1);
    const soon = createDeadlines(150).next();
    const slow = { collection: 'things', filter: { $where: 'sleep(1000) || true' }, limit: 1 };
    await t.rejects(async () => await driver.findWire?.(slow, soon), { name: 'StoreError', failure: 'timeout' });
    for (let n = 0; n < 10; n += 1) t.match(await read(driver, n), { n });
    await sleep(1_200);
    for (let n = 0; n < 10; n += 1) t.match(await read(driver, n), { n });
    t.equal(driver.connections().used, 0);
  });

  t.test('more than one reply holds', async (t) => {
    const text = 'x'.repeat(MB);
    /** Those of the secondaries, which follow. */
    const cursors = async () => Number((await client.db().command({ serverStatus: 1 })).metrics.cursor.open.total);
    const before = await cursors();
    const large = client.db().collection('large');
    await large.insertMany(
      Array.from({ length: 20 }, (_, n) => ({ n, text })),
      { writeConcern: { w: 'majority' } },
    );
    for (const kind of ['leased', 'command'] as const) {
      const { driver } = open({ client: kind });
      await read(driver, 1);
      const deadline = deadlines.next();
      const asked = { collection: 'large', filter: {}, sort: { n: 1 as const }, limit: 30 };
      const found = (await driver.findWire?.(asked, deadline)) ?? [];
      t.strictSame(
        found.map((one) => driver.decode(one).n),
        Array.from({ length: 20 }, (_, n) => n),
      );
      deadline.end();
    }
    for (const end = Date.now() + 10_000; Date.now() < end && (await cursors()) > before; await sleep(50));
    const after = await cursors();
    t.ok(after <= before, `no cursor is left behind: there are ${after}, and were ${before}`);
  });

  t.test('a reply in pieces, whatever their size', async (t) => {
    const proxy = createServer((socket) => {
      const { hostname, port } = new URL(uri.replace(/,.*?\//, '/'));
      const store = connect(Number(port), hostname).setNoDelay(true);
      let size = 0;
      let sent = Promise.resolve();
      store.on('data', (bytes) => {
        sent = sent.then(async () => {
          for (let at = 0; at < bytes.length; at += size) {
            size = (size % 19) + 1;
            socket.setNoDelay(true).write(bytes.subarray(at, at + size));
            await sleep(1);
          }
        });
      });
      socket.pipe(store);
      for (const one of [socket, store])
        one.on('error', () => {}).on('close', () => [socket, store].map((it) => it.destroy()));
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.teardown(() => proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const { driver } = open({ uri: `mongodb://127.0.0.1:${port}/test?directConnection=true` });
    await read(driver, 1);
    for (let n = 0; n < 8; n += 1) t.match(await read(driver, n), { n, text: `thing ${n}` });
  });

  t.test('errors of the server are those of the driver’s own reads', async (t) => {
    const fail = (data: Item, mode: Item | string = { times: 1 }) =>
      client
        .db('admin')
        .command({ configureFailPoint: 'failCommand', mode, data: { failCommands: ['find'], ...data } });
    const named = `${uri}&appName=failing`;
    for (const kind of ['leased', 'command', 'driver'] as const) {
      const { driver } = open({ uri: named, client: kind });
      const { driver: single } = open({ uri: named, client: kind, attempts: 1 });
      const ask = async (one: MongoDb) =>
        kind === 'driver' ? await one.findOne(request(3), deadlines.next()) : await read(one, 3);
      await Promise.all([ask(driver), ask(single)]);
      const appName = 'failing';
      for (const data of [{ errorCode: 11602 }, { errorCode: 13435 }, { closeConnection: true }]) {
        await fail({ appName, ...data });
        t.match(await ask(driver), { n: 3 }, `${kind}: once more after ${JSON.stringify(data)}`);
        await fail({ appName, ...data });
        const failure = { name: 'StoreError', failure: 'unavailable' };
        await t.rejects(ask(single), failure, `${kind}: or not, where one attempt is all`);
        t.match(await ask(single), { n: 3 });
      }
      const others = [
        [50, 'timeout'],
        [462, 'throttled'],
        [13, 'unavailable'],
        [2, 'refused'],
      ] as const;
      for (const [errorCode, failure] of others) {
        await fail({ appName, errorCode });
        await t.rejects(ask(driver), { name: 'StoreError', failure }, `${kind}: ${errorCode}`);
      }
      await fail({ appName, errorCode: 2 }, 'off');
      t.match(await ask(driver), { n: 3 });
    }
  });

  t.test('what leases cannot do takes the public way, and says so', async (t) => {
    const cases = [
      ['readPreference=secondaryPreferred', /secondaryPreferred/],
      ['compressors=zlib', /compressed/],
    ] as const;
    for (const [option, reason] of cases) {
      const { driver, reasons } = open({ uri: `${uri}&${option}` });
      await read(driver, 2);
      t.match(await read(driver, 2), { n: 2 }, option);
      t.match(reasons, [reason], option);
      t.equal(reasons.length, 1);
    }
  });

  t.test('a driver that is built otherwise', async (t) => {
    type Inside = {
      readonly topology: { readonly s: { servers: Map<string, { readonly pool: { checkIn: unknown } }> } };
    };
    const own = new MongoClient(uri);
    t.teardown(() => own.close());
    await own.connect();
    const { topology } = own as unknown as Inside;
    const { servers } = topology.s;
    const changes = {
      'no servers': () => {
        topology.s.servers = undefined as never;
        return () => {
          topology.s.servers = servers;
        };
      },
      'no way back to the pool': () => {
        const pools = [...servers.values()].map(({ pool }) => pool);
        for (const pool of pools) pool.checkIn = undefined;
        return () => {
          for (const pool of pools as { checkIn?: unknown }[]) delete pool.checkIn;
        };
      },
    };
    const told = () => own.emit('topologyDescriptionChanged', undefined as never);
    for (const [name, change] of Object.entries(changes)) {
      const reasons: string[] = [];
      const leases = createLeases(own, (reason) => void reasons.push(reason));
      told();
      t.not(leases.target(), undefined, name);
      const back = change();
      told();
      back();
      t.equal(leases.target(), undefined, name);
      t.match(reasons, [/built otherwise/], name);
      told();
      t.equal(leases.target(), undefined, 'for good');
      t.equal(reasons.length, 1);
      leases.close();
    }
  });

  t.test('while the primary steps down no read fails', async (t) => {
    for (const kind of ['leased', 'command'] as const) {
      const { driver, reasons } = open({ client: kind });
      const { reads, failures } = await during(driver, members.stepDown);
      t.ok(reads > 100, `${reads} reads`);
      t.strictSame(failures, [], kind);
      const [command] = await commandsOf(() => read(driver, 1));
      t.equal(isLeased(command as Item), kind === 'leased', 'and the next primary is asked in the same way');
      t.strictSame(reasons, []);
    }
  });

  t.test('when the primary is killed none fails either, and the next is found', async (t) => {
    const { driver } = open();
    const { reads, failures } = await during(driver, members.killPrimary);
    t.ok(reads > 100, `${reads} reads`);
    t.strictSame(failures, []);
    const [command] = await commandsOf(() => read(driver, 1));
    t.ok(isLeased(command as Item));
  });
});
