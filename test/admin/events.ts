import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { MAX_LISTENERS } from '../../src/admin/events.ts';
import { type Asked, withRoutes } from '../support/reading.ts';
import { note, withNotes } from '../support/shadow.ts';

interface Event {
  readonly name: string;
  readonly id: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it waits for
  readonly data: any;
}

interface Stream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly events: readonly Event[];
  readonly text: () => string;
  readonly ended: () => boolean;
  readonly until: (enough: (events: readonly Event[]) => boolean) => Promise<void>;
  readonly message: IncomingMessage;
}

async function listen(t: Test, admin: Asked): Promise<Stream> {
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpRequest(`${admin.url}/events`, { agent: false }, resolve);
    sent.on('error', reject);
    t.teardown(() => sent.destroy());
    sent.end();
  });
  let text = '';
  let ended = false;
  const events: Event[] = [];
  message.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    events.splice(0, events.length, ...eventsOf(text));
  });
  message.on('error', () => {});
  message.on('close', () => {
    ended = true;
  });
  return {
    ...{ status: message.statusCode ?? 0, headers: message.headers, events, message },
    text: () => text,
    ended: () => ended,
    async until(enough) {
      const deadline = Date.now() + 15_000;
      while (!enough(events)) {
        if (Date.now() > deadline) throw new Error(`it did not come: ${text.slice(-500)}`);
        await sleep(20);
      }
    },
  };
}

const eventsOf = (text: string): Event[] =>
  text
    .split('\n\n')
    .slice(0, -1)
    .filter((part) => part.includes('data: '))
    .map((part) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(part)?.[1] ?? '';
      return { name: field('event'), id: Number(field('id')), data: JSON.parse(field('data')) };
    });

const named = (name: string) => (events: readonly Event[]) => events.filter((one) => one.name === name);

t.test('what changes is told, once for all who listen', async (t) => {
  const notes = await withNotes(t);
  const { app, get, stages } = notes.facade;
  await notes.put([note('one')]);
  await notes.db.collection('notes').updateOne({ id: 'one' }, { $set: { text: 'other' } });
  const admin = await withRoutes(t, app.reading);
  const one = await listen(t, admin);
  t.equal(one.status, 200);
  t.match(one.headers, { 'content-type': /^text\/event-stream/, 'cache-control': 'no-store', connection: 'close' });
  await one.until((events) => events.length > 0);
  t.match(one.events[0], {
    name: 'operations',
    data: { kill: false, operations: [{ id: 'getNote' }, { id: 'listNotes' }] },
  });
  t.match(one.text(), /^retry: \d+\nid: /);

  await stages('operations: { getNote: { stage: live }, listNotes: { stage: shadow } }');
  const moved = (events: readonly Event[]) =>
    named('operations')(events).find(({ data }) =>
      data.operations.some((row: { stage: string }) => row.stage === 'live'),
    );
  await one.until((events) => moved(events) !== undefined);
  t.match(moved(one.events)?.data.revision, app.flags.revision());
  t.same(
    moved(one.events)?.data.operations.map(({ id }: { id: string }) => id),
    ['getNote'],
    'what changed alone',
  );

  await get('/notes/one', { 'x-tenant-id': 'acme' });
  await notes.settled();
  await one.until((events) => named('findings')(events).length > 0);
  t.same(named('findings')(one.events)[0]?.data, { changed: true });
  await one.until((events) => named('health')(events).length > 1);
  t.match(named('health')(one.events).at(-1)?.data, { ready: true, flags: { kill: false }, process: {} });

  const { json } = await admin.get('/findings');
  await admin.send('PUT', `/findings/${json.findings[0].fingerprint}/known`, { reason: 'seen', until: '2099-01-01' });
  await one.until((events) => named('audit')(events).length > 0);
  t.match(named('audit')(one.events)[0]?.data, { who: 'alice', what: /^known /, why: 'seen', forced: false });

  const ids = one.events.map(({ id }) => id);
  t.same(
    ids,
    ids.toSorted((a, b) => a - b),
  );
  // Who comes back begins with what is so now.
  const again = await listen(t, admin);
  await again.until((events) => events.length > 0);
  t.match(again.events[0], { name: 'operations', data: { operations: [{ id: 'getNote', stage: 'live' }, {}] } });
  const [first, second] = [one.events.length, again.events.length];
  await again.until((events) => events.length >= second + 2);
  await one.until((events) => events.length >= first + 2);
  const last = again.events.at(-1) as Event;
  t.ok(
    one.events.some(({ id, data }) => id === last.id && JSON.stringify(data) === JSON.stringify(last.data)),
    'the same',
  );
});

t.test('a session that ends, or that may no longer look, ends its stream', async (t) => {
  const notes = await withNotes(t);
  const admin = await withRoutes(t, notes.facade.app.reading);
  let valid = true;
  admin.caller = { who: 'bob', role: 'viewer', isValid: () => valid };
  const bob = await listen(t, admin);
  admin.caller = { who: 'alice', role: 'viewer', isValid: () => true };
  const alice = await listen(t, admin);
  await sleep(1_500);
  t.notOk(bob.ended());
  valid = false;
  const deadline = Date.now() + 5_000;
  while (!bob.ended() && Date.now() < deadline) await sleep(20);
  t.ok(bob.ended());
  t.notOk(alice.ended(), 'the others go on');
});

t.test('so many may listen, and who does not read is cut', async (t) => {
  const notes = await withNotes(t);
  const admin = await withRoutes(t, notes.facade.app.reading);
  const all = await Promise.all(Array.from({ length: MAX_LISTENERS }, () => listen(t, admin)));
  t.ok(all.every(({ status }) => status === 200));
  t.equal((await listen(t, admin)).status, 503);
  all[0]?.message.destroy();
  await sleep(200);
  t.equal((await listen(t, admin)).status, 200, 'who leaves makes room');

  await t.test('at the end they all end at once', async (t) => {
    const began = Date.now();
    await admin.close();
    t.ok(Date.now() - began < 1_000, `${Date.now() - began} ms`);
    await sleep(50);
    t.ok(all.every(({ ended }) => ended()));
  });
});
