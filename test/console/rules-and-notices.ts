import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import t, { type Test } from 'tap';
import { MAX_LISTENERS } from '../../src/admin/events.ts';
import { tokens } from '../support/admin.ts';
import { axe, openPage, picture, withChromium } from '../support/chromium.ts';
import { note, withNotes } from '../support/shadow.ts';

const browser = await withChromium(t);
const VIEWPORT = { width: 1280, height: 800 };
const HOSTILE = '<img src=x onerror=alert(1)> \u202Eesrever';

t.test('rules: those in use, dead and expired, told apart', async (t) => {
  const { notes, url, operator } = await withConsole(
    t,
    `compare: [
      { path: '/tags', rule: 'unordered', reason: ${JSON.stringify(HOSTILE)}, until: '2099-01-01' },
      { path: '/text', rule: 'ignore', reason: 'long over', until: '2020-01-01' },
      { path: '/nowhere', rule: 'ignore', reason: 'of a field that was' },
    ],`,
  );
  await notes.put([note('one')]);
  await notes.db.collection('notes').updateOne({ id: 'one' }, { $set: { tags: ['c', 'b', 'a'] } });
  await notes.facade.get('/notes/one', { 'x-tenant-id': 'acme' });
  await notes.settled();
  for (const width of [1280, 360]) {
    const { page, complaints } = await openPage(browser, url, { viewport: { ...VIEWPORT, width } });
    await page.goto(`${url}/console#token=${operator}`);
    await page.locator('.ladder-row').first().waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.getByRole('heading', { name: 'Rules', exact: true }).waitFor();
    const rows = page.locator('tbody tr');
    await rows.nth(2).waitFor();
    const texts = await rows.allTextContents();
    t.match(texts[0], /expired.*\* ignore \/text.*long over.*2020-01-01/, 'what wants doing comes first');
    t.match(texts[1], /dead.*\* ignore \/nowhere.*–0$/);
    t.match(texts[2], /used.*\* unordered \/tags<img src=x onerror=alert\(1\)> \\u\{202e\}esrever2099-01-011$/);
    t.ok((await picture(page, `rules-${width}`)) <= 0);
    t.same(await axe(page), []);
    t.same(complaints, []);
    await page.context().close();
  }
});

t.test('a notice comes and goes, and nothing moves under the pointer', async (t) => {
  const { notes, url, operator } = await withConsole(t);
  const { page } = await openPage(browser, url, { viewport: VIEWPORT });
  await page.goto(`${url}/console#token=${operator}`);
  const row = page.locator('.ladder-row').first();
  await row.waitFor();
  const before = await row.boundingBox();
  await notes.facade.stages('kill: true\noperations: {}\n');
  await page.getByText('The kill switch is on.').waitFor();
  t.same(await row.boundingBox(), before);
  t.ok(await page.getByText('The kill switch is on.').isVisible());
  await page.locator('.ladder-row .at-dynamodb.here').first().waitFor();
  t.equal(await page.locator('.ladder-row .at-shadow.here').count(), 0, 'everything is at its floor');
  await picture(page, 'killed');
  t.same(await axe(page), []);
  await page.context().close();
});

t.test('where events alone are refused the page says why', async (t) => {
  const { url, operator, viewer } = await withConsole(t);
  const streams = await Promise.all(Array.from({ length: MAX_LISTENERS }, () => listen(url, viewer)));
  const { page } = await openPage(browser, url, { viewport: VIEWPORT });
  await page.goto(`${url}/console#token=${operator}`);
  await page.getByText(`${MAX_LISTENERS} listen already: close a page`).waitFor();
  for (const stream of streams) stream.destroy();
  await page.locator('.ladder-row').first().waitFor({ timeout: 20_000 });
  await page.context().close();
});

async function withConsole(t: Test, more = '') {
  const { ADMIN_TOKENS, operator, viewer } = tokens();
  const notes = await withNotes(t, { more, env: { ADMIN_TOKENS } });
  return { notes, operator, viewer, url: notes.facade.app.adminUrl };
}

async function listen(url: string, token: string): Promise<IncomingMessage> {
  const asked = request(`${url}/admin/v1/events`, { headers: { authorization: `Bearer ${token}` }, agent: false });
  asked.end();
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  reply.on('error', () => {});
  reply.resume();
  if (reply.statusCode !== 200) throw new Error(`not listened to: ${reply.statusCode}`);
  return reply;
}
