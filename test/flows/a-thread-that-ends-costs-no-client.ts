import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type Notes, note, withNotes } from '../support/shadow.ts';

const TENANT = { 'x-tenant-id': 'acme' };

/** A binding that ends the thread it runs in, but never the process. */
const ending = (text: string): string =>
  `import { isMainThread } from 'node:worker_threads';
  const ends = ({ path }) => {
    if (isMainThread) return;
    if (path.id === 'exits') process.exit(1);
    if (path.id === 'throws') setTimeout(() => { throw new Error('nobody listens'); });
  };
  ${text.replace('mongodb: ({ tenant, path }) => ({ findOne:', 'mongodb: ({ tenant, path }) => (ends({ path }), { findOne:')}`;

const scrape = async ({ facade }: Notes): Promise<string> =>
  await (await fetch(`${facade.app.adminUrl}/metrics`)).text();

async function metric(notes: Notes, name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await scrape(notes))?.[1]);
}

async function until(notes: Notes, name: string, value: number): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(20))
    if ((await metric(notes, name)) === value) return;
  throw new Error(`${name} is not ${value}`);
}

t.test('a thread that ends costs no client anything, and every shadow is accounted for', async (t) => {
  const notes = await withNotes(t, { edit: ending, env: { SHADOW_THREAD: 'on' } });
  const ids = ['a', 'b', 'exits', 'throws'];
  await notes.put(ids.map((id) => note(id)));
  const get = async (id: string) => (await notes.facade.get(`/notes/${id}`, TENANT)).status;
  t.equal(await metric(notes, 'crossfade_shadow_thread'), 1);
  const statuses: number[] = [];
  for (const [end, id] of ['exits', 'throws'].entries()) {
    for (const one of ['a', 'b', id]) statuses.push(await get(one));
    await until(notes, 'crossfade_shadow_thread_ended_total', end + 1);
    for (const one of ['a', 'b', 'a', 'b']) statuses.push(await get(one));
    await until(notes, 'crossfade_shadow_thread', 1);
  }
  for (const one of ['a', 'b']) statuses.push(await get(one));
  t.ok(
    statuses.every((status) => status === 200),
    'the same replies',
  );
  const { totals } = await notes.settled();
  t.equal(totals.offered, statuses.length);
  t.ok(totals.error > 0 && totals.shed > 0 && totals.match > 0, JSON.stringify(totals));
  const text = await scrape(notes);
  t.match(text, /crossfade_comparisons_total\{.*outcome="error",reason="internal"\} \d/);
  t.match(text, /crossfade_comparisons_total\{.*outcome="shed",reason="thread"\} \d/);
  t.match(text, /crossfade_breaker_open\{origin="mongodb",operation="getNote"\} 0/, 'the store is not to blame');
  const began = Date.now();
  await notes.facade.app.close();
  t.ok(Date.now() - began < 5_000, 'it closes as ever');
});
