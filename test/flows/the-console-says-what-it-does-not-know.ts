import t, { type Test } from 'tap';
import { asker, ownPage } from '../support/admin.ts';
import { withChromium } from '../support/chromium.ts';
import { type Console, until, visit, withConsole } from '../support/console.ts';
import { through, withProxy } from '../support/proxy.ts';
import { note } from '../support/shadow.ts';

const browser = await withChromium(t);
let results: Awaited<ReturnType<typeof withProxy>> | undefined;
const side: Console = await withConsole(t, {
  throughMongo: async (uri) => {
    const url = new URL(uri);
    results = await withProxy(t, url.hostname, Number(url.port));
    return uri;
  },
  resultsThrough: (uri) => through(uri, results?.port ?? 0),
});
await side.stores.put([note('n1')]);
const asked = () =>
  fetch(`${side.url}/notes/n1`, { headers: { 'x-tenant-id': 'acme' } }).then((reply) => reply.arrayBuffer());
const at = (t: Test, prefix: string) => visit(t, browser, side, { token: side.operator, prefix, size: 'desktop' });
const state = 'role=banner >> .link-state';
await asked();

t.test('a token leaves nothing behind: no address, no history, no referrer, no storage', async (t) => {
  const { page, asked, close } = await at(t, 'token');
  const session = await page.context().newCDPSession(page);
  const { entries } = await session.send('Page.getNavigationHistory');
  await page.getByRole('link', { name: 'Findings' }).click();
  await page.reload();
  await page.getByRole('heading', { name: 'Findings' }).waitFor();
  const kept = await page.evaluate(
    'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.referrer, location.href])',
  );
  t.notMatch(kept, side.operator);
  const addresses = entries.map(({ url }) => url);
  t.notMatch(addresses.join(' '), side.operator, 'not in the history');
  t.match(addresses.join(' '), '/console', 'which was asked for');
  for (const { url, headers } of asked) {
    t.notMatch(url, side.operator);
    t.equal(headers.referer ?? '', '', 'no referrer');
    t.equal(headers.authorization, undefined);
  }
  t.ok(asked.some(({ url }) => url.endsWith('/session')));
  const cookies = await page.context().cookies();
  t.equal(cookies.length, 1);
  t.match(cookies[0], { httpOnly: true, sameSite: 'Strict' });
  t.notMatch(cookies[0]?.value, side.operator);
  await close();
});

t.test('two operators: the change of the other shows, and a preview that is old is refused', async (t) => {
  const { page, step, go, complaints, close } = await at(t, 'two');
  const dialog = page.getByRole('dialog');
  await go('#/stages/getNote');
  await page.getByRole('button', { name: 'Move back to dynamodb…' }).click();
  const move = dialog.getByRole('button', { name: 'Move all to dynamodb' });
  await dialog.locator('.preview .what').waitFor();
  await side.api('POST', '/changes', {
    operation: 'getNote',
    stage: 'live',
    tenants: ['globex'],
    force: true,
    reason: 'the other',
  });
  await move.click();
  await dialog.getByText('Nothing was changed.').waitFor();
  t.match(await dialog.locator('.problem').innerText(), /changed/);
  await step('stale');
  const { operation } = await side.api('GET', '/operations/getNote');
  t.equal(operation.stage, 'shadow', 'nothing was changed');
  await until('the preview is of now', async () => (await move.getAttribute('aria-disabled')) === null);
  await move.click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('complementary', { name: 'Effect of the last change' }).waitFor();
  await until(
    'the flags have it',
    async () => (await side.api('GET', '/operations/getNote')).operation.stage === 'dynamodb',
  );

  await side.api('POST', '/changes', { operation: 'getNote', stage: 'shadow', all: true, reason: 'the other again' });
  await page.locator('.track .cell.at-shadow.here').waitFor();
  await page.getByRole('complementary').getByRole('button', { name: 'Undo' }).click();
  await page.getByText(/followed by another change/).waitFor();
  await step('undo-refused');
  t.equal((await side.api('GET', '/operations/getNote')).operation.stage, 'shadow');
  await go('#/audit');
  await page.getByText('the other again').waitFor();
  await side.api('POST', '/changes', { operation: 'listNotes', stage: 'dynamodb', reason: 'seen as it happens' });
  await page.getByText('seen as it happens').waitFor();
  t.same(complaints, []);
  await close();
});

t.test('a session that ends in the middle of a dialog, or in another tab, is said to have ended', async (t) => {
  const { page, step, complaints, close } = await at(t, 'session');
  await page.getByRole('button', { name: 'Move… getNote' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: 'dynamodb' }).check();
  await dialog.getByLabel(/^Reason/).fill('never done');
  const move = dialog.getByRole('button', { name: 'Move all to dynamodb' });
  await until('it can be pressed', async () => (await move.getAttribute('aria-disabled')) === null);
  const [cookie] = await page.context().cookies();
  const before = await side.stagesFile();
  await Promise.all([
    page.context().clearCookies(),
    asker(side.origin)('DELETE', '/admin/v1/session', ownPage(side.origin, `${cookie?.name}=${cookie?.value}`)),
  ]);
  await move.click({ force: true }).catch(() => undefined);
  await page.getByText('Your session has ended.').waitFor();
  t.equal(await dialog.count(), 0);
  await step('ended');
  t.equal(await side.stagesFile(), before, 'nothing was done');
  await page.getByLabel('Token').fill(side.viewer);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.ladder-row').first().waitFor();
  t.equal(await dialog.count(), 0, 'who signs in is not in the dialog of another');
  t.equal(await page.getByText('Your session has ended.').count(), 0);

  t.comment('a viewer sees it, and cannot');
  const open = page.getByRole('button', { name: 'Move… getNote' });
  t.equal(await open.getAttribute('aria-disabled'), 'true');
  await open.click({ force: true });
  t.equal(await dialog.count(), 0);
  await page.getByText('You are a viewer: changing this takes the role operator.').waitFor({ state: 'attached' });
  await step('viewer');
  const refused = await page.evaluate(
    `fetch('/admin/v1/changes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"kill":true}' }).then(({ status }) => status)`,
  );
  t.equal(refused, 403);

  const other = await page.context().newPage();
  await other.goto(`${side.origin}/console`);
  await other.getByRole('button', { name: 'Sign out' }).click();
  await other.getByRole('heading', { name: 'Sign in to Crossfade' }).waitFor();
  t.equal(await other.getByText('Your session has ended.').count(), 0, 'who signs out knows');
  await page.getByText('Your session has ended.').waitFor();
  t.same(complaints, []);
  await close();
});

t.test('results out of reach are said to be, and come back by themselves', async (t) => {
  const { page, step, go, complaints, close } = await at(t, 'results');
  if (results === undefined) throw new Error('no way to the results');
  results.mode = 'refused';
  await page.getByText('Results are out of reach.').waitFor();
  await step('away');
  await go('#/findings');
  await page.locator('.note, .problem').first().waitFor();
  t.equal(await page.getByText('Nothing differs').count(), 0, 'not known is not nothing');
  await step('findings-away');
  await go('#/audit');
  await page.locator('.problem, .note').first().waitFor();
  await step('audit-away');
  results.mode = 'pass';
  await page.getByText('Results are out of reach.').waitFor({ state: 'detached' });
  await go('#/findings');
  await page.getByText('Nothing differs').waitFor();
  t.same(complaints, []);
  await close();
});

t.test('a façade that is begun anew: old numbers are said to be old, then all is live again', async (t) => {
  const { page, step, complaints, close } = await at(t, 'restart');
  await page.evaluate('globalThis.sameVisit = true');
  await page.getByRole('button', { name: 'Move… getNote' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('.preview .what').waitFor();
  await side.stop();
  await dialog.getByRole('radio', { name: 'complete' }).check();
  await dialog.getByText('It cannot be previewed.').waitFor();
  await step('no-preview');
  await page.keyboard.press('Escape');
  await page.getByText(/^Reconnecting since/).waitFor();
  await page.locator('main.stale').waitFor();
  t.match(await page.locator(state).innerText(), /reconnecting since/);
  t.match(await page.locator('.banner.warn').innerText(), /not of now/);
  await step('away');
  await side.start();
  await until('live', async () => /live$/.test((await page.locator(state).innerText()).trim()));
  await page.locator('main.stale').waitFor({ state: 'detached' });
  await asked();
  await until('what happens now is seen', async () =>
    /\d\/s/.test(await page.locator('.ladder-row .cell.at-shadow').first().innerText()),
  );
  t.equal(await page.evaluate('globalThis.sameVisit'), true, 'without a reload');
  t.same(complaints, []);
  await close();
});
