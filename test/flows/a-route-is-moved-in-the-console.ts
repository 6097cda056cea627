import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { withChromium } from '../support/chromium.ts';
import { type Answered, withClients } from '../support/clients.ts';
import { type Size, tabTo, until, visit, withConsole } from '../support/console.ts';
import { note } from '../support/shadow.ts';

/** acme is moved by name; of the others a quarter follows a ramp. */
const OTHERS = Array.from({ length: 19 }, (_, at) => `tenant-${at}`);
const TENANTS = ['acme', ...OTHERS];

const browser = await withChromium(t);
t.jobs = 3;

async function withStory(t: Test, size: Size) {
  const side = await withConsole(t, { stage: 'dynamodb' });
  await side.stores.put(TENANTS.map((pk) => note('n1', { pk })));
  const clients = withClients(t, side.url, '/notes/n1', TENANTS);
  /** Until each tenant's newest answer is as it must be; every answer in between was one. */
  const answered = (what: string, must: (one: Answered) => boolean) => {
    const newest = new Map<string, Answered>();
    clients.since();
    return until(`clients: ${what}`, () => {
      for (const one of clients.since()) newest.set(one.tenant, one);
      return newest.size === TENANTS.length && [...newest.values()].every(must) && [...newest.values()];
    });
  };
  const detail = () => side.api('GET', '/operations/getNote');
  return {
    side,
    clients,
    answered,
    detail,
    at: (token: string, prefix = 'story') =>
      visit(t, browser, side, { token, prefix, size, permissions: ['clipboard-read', 'clipboard-write'] }),
  };
}

const dialogOf = (page: Page) => page.getByRole('dialog');
const dockOf = (page: Page) => page.getByRole('complementary', { name: 'Effect of the last change' });

for (const size of ['desktop', 'phone'] as const) {
  t.test(
    `a tenant is moved, seen to move, found to differ, explained, moved on and back, at ${size} width`,
    { buffered: true, timeout: 200_000 },
    async (t) => {
      const { side, clients, answered, detail, at } = await withStory(t, size);
      await answered('all at dynamodb', ({ stage, origin }) => stage === 'dynamodb' && origin === 'dynamodb');
      await until(
        'the tenants are known',
        async () => (await side.api('GET', '/tenants?limit=50')).total === TENANTS.length,
      );

      const visitor = await at(side.operator);
      const { page, step, go, complaints, refusals } = visitor;
      t.notMatch(page.url(), /token/, 'the token has left the address');
      await page.getByRole('searchbox', { name: 'Operation' }).fill('getn');
      await until('one row', async () => (await page.locator('.ladder-row').count()) === 1);
      await until('requests are seen', async () =>
        /\d\/s/.test(await page.locator('.ladder-row .cell.at-dynamodb').innerText()),
      );
      await step('found');

      // Move one tenant, by name.
      await page.getByRole('button', { name: 'Move… getNote' }).click();
      const dialog = dialogOf(page);
      await dialog.getByRole('radio', { name: 'Tenants by name' }).check();
      await dialog.getByRole('textbox', { name: 'Tenants, one a line' }).fill('acme');
      await dialog.getByRole('radio', { name: 'shadow' }).check();
      await dialog.getByLabel(/^Reason/).fill('acme goes first');
      await dialog.getByText('1 known tenant moves').waitFor();
      t.match(await dialog.locator('.preview').innerText(), /acme/, 'the preview names who moves');
      await step('move');
      t.same((await detail()).tenants, [], 'a preview moves nobody');
      await dialog.getByRole('button', { name: 'Move 1 to shadow' }).click();
      await dialog.waitFor({ state: 'detached' });
      const dock = dockOf(page);
      await dock.getByText('1 of 1').waitFor();
      await until('the flags have it', async () => (await detail()).tenants.length === 1);
      t.same((await detail()).tenants, [{ tenant: 'acme', stage: 'shadow' }]);
      await answered(
        'acme at shadow, nobody else',
        ({ tenant, stage, origin }) => origin === 'dynamodb' && stage === (tenant === 'acme' ? 'shadow' : 'dynamodb'),
      );

      // Traffic follows, on the page.
      await dock.getByText(/shadow\s+(<0\.1|[\d.]+)\/s/).waitFor();
      await until('the row has requests and tenants at both stages', async () => {
        const cells = await Promise.all(
          ['dynamodb', 'shadow'].map((stage) => page.locator(`.ladder-row .cell.at-${stage}.here`).innerText()),
        );
        return (
          cells[0]?.includes('95') &&
          cells[1]?.includes('5 %'.replace(' ', '\u00a0')) &&
          cells.every((text) => /\/s/.test(text))
        );
      });
      await step('follows');

      // What differs appears by itself.
      await go('#/findings');
      await page.getByText('Nothing differs, as far as was compared.').waitFor();
      await page.evaluate('globalThis.sameVisit = true');
      await side.stores.db.collection('notes').updateOne({ pk: 'acme', id: 'n1' }, { $set: { text: 'Another text' } });
      const row = page.locator('.finding-row .row-link').first();
      await row.waitFor();
      await page.locator('.finding-row', { hasText: 'persistent' }).first().waitFor();
      t.equal(await page.evaluate('globalThis.sameVisit'), true, 'without a reload');
      await step('findings');
      const { findings } = await side.api('GET', '/findings');
      t.match(findings, [{ operation: 'getNote', path: '/text', kind: 'value', state: 'persistent' }]);
      t.equal(findings.length, 1);

      // Open it, and ask again.
      await row.click();
      await page.getByRole('heading', { name: 'Samples' }).waitFor();
      t.notMatch(await page.locator('main').innerText(), /Another text/, 'no value is kept in clear');
      await step('finding');
      await page.getByRole('button', { name: 'Ask again now' }).first().click();
      await page.locator('.tree').waitFor();
      const marked = page.locator('.tree-row.differs', { hasText: 'text:' });
      const texts = (await marked.allInnerTexts()).join('\n');
      t.match(texts, /"Text of n1"/);
      t.match(texts, /"Another text"/);
      const sides = page.locator('.tree-row.differs .half:visible', { hasText: 'text:' });
      t.equal(await sides.count(), 2);
      for (const half of await sides.all()) t.equal(await half.locator('.mark').count(), 1, 'marked on both sides');
      t.equal(await page.locator('.tree-row .mark:visible').count(), 2, 'and nothing else is');
      await step('answers');

      // Mark it as known.
      await page.getByRole('button', { name: 'Mark as known…' }).click();
      await dialogOf(page).getByLabel('Reason').fill('the copy of Friday');
      await dialogOf(page).getByLabel('Until').fill('2099-01-01');
      await step('mark');
      await dialogOf(page).getByRole('button', { name: 'Mark as known' }).click();
      await page.getByText('the copy of Friday').waitFor();
      t.match((await side.api('GET', '/findings')).findings[0].known, {
        who: 'olga',
        reason: 'the copy of Friday',
        until: '2099-01-01',
      });

      // Copy the rule, and write it into the bindings.
      await page.getByRole('button', { name: 'Copy rule' }).click();
      await page.getByText('Copied').waitFor();
      const rule = String(await page.evaluate('navigator.clipboard.readText()'));
      t.equal(rule, (await side.api('GET', `/findings/${findings[0].fingerprint}`)).rule);
      await step('known');
      const before = (await side.api('GET', '/findings')).evidence;
      await side.start((text) => text.replace('getNote: {', `getNote: { compare: [${rule}],`));
      await page.getByText(/is no finding of this evidence/).waitFor();
      await until('live again', async () => (await page.locator('.link-state').innerText()).trim().endsWith('live'));
      t.not((await side.api('GET', '/findings')).evidence, before, 'what was found before is history');
      await until('the rule covers it', async () =>
        (await detail()).pairs.some((pair: { ignored: number }) => pair.ignored > 0),
      );
      await go('#/stages/getNote');
      await page.getByRole('heading', { name: 'Evidence' }).waitFor();
      await until(
        'what is ignored is counted on the page',
        async () =>
          Number(
            await page
              .getByRole('row', { name: /dynamodb-mongodb/ })
              .getByRole('cell')
              .nth(2)
              .innerText(),
          ) > 0,
      );
      t.same((await side.api('GET', '/findings')).findings, []);
      await step('explained');

      // A quarter goes live, against the gate.
      await page.getByRole('button', { name: 'Ramp…' }).click();
      await dialog.getByRole('radio', { name: 'live' }).check();
      await dialog.getByRole('slider').fill('25');
      await dialog.getByRole('group', { name: 'Against the rules' }).waitFor();
      const force = dialog.getByRole('button', { name: 'Force: Ramp 25 % to live' });
      await force.click({ force: true });
      t.equal(await force.getAttribute('aria-disabled'), 'true');
      await dialog.getByText('tick the box above, and say why').waitFor();
      await step('ramp');
      await dialog.getByRole('checkbox', { name: /all the same/ }).check();
      await dialog.getByLabel(/^Reason/).fill('a trial, watched');
      await force.click();
      await dialog.waitFor({ state: 'detached' });
      const ramped = await answered('some live, from mongodb', ({ tenant, stage, origin }) =>
        tenant === 'acme' ? stage === 'shadow' : stage === 'dynamodb' || (stage === 'live' && origin === 'mongodb'),
      );
      const live = await until(
        'a quarter is live',
        async () => (await answered('', () => true)).filter(({ stage }) => stage === 'live').length,
      );
      t.ok(live >= 1 && live < OTHERS.length, `${live} of ${OTHERS.length} are live`);
      t.equal(ramped.length, TENANTS.length);
      await page.locator('.track .cell.at-live.here').waitFor();
      await dock.getByText(/live\s+(<0\.1|[\d.]+)\/s/).waitFor();
      await step('ramped');

      // Back, by the dock.
      await dock.getByRole('button', { name: 'Undo' }).click();
      await dock.getByText('Undone').waitFor();
      await answered(
        'nobody is live',
        ({ tenant, stage, origin }) => origin === 'dynamodb' && stage === (tenant === 'acme' ? 'shadow' : 'dynamodb'),
      );
      t.same((await detail()).operation.ramp, undefined);
      await page.locator('.track .cell.at-live.here').waitFor({ state: 'detached' });
      await step('undone');

      // Kill, and lift.
      await page.getByRole('button', { name: 'Kill…' }).click();
      const kill = dialog.getByRole('button', { name: 'Kill', exact: true });
      await dialog.locator('.preview .what').waitFor();
      await dialog.getByLabel(/^Reason/).fill('a drill');
      await dialog.getByLabel(/^Type/).fill('kil');
      await kill.click({ force: true });
      t.notMatch(await side.stagesFile(), /kill: true/, 'not without the word');
      await dialog.getByLabel(/^Type/).fill('kill');
      await step('kill');
      await kill.click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByRole('alert').getByText('The kill switch is on.').waitFor();
      await answered('all at the floor', ({ stage }) => stage === 'dynamodb');
      t.match(await side.stagesFile(), /kill: true/);
      await step('killed');
      await page.getByRole('alert').getByRole('button', { name: 'Lift…' }).click();
      await dialog.locator('.preview .what').waitFor();
      await dialog.getByRole('button', { name: 'Lift', exact: true }).click();
      await page.getByText('The kill switch is on.').waitFor({ state: 'detached' });
      await answered(
        'acme at shadow again',
        ({ tenant, stage }) => stage === (tenant === 'acme' ? 'shadow' : 'dynamodb'),
      );

      // Everything is written down, and can be taken back from there.
      await go('#/audit');
      const entries = page.locator('.audit-entry');
      await entries.filter({ hasText: 'acme goes first' }).waitFor();
      for (const text of ['known', 'a trial, watched', 'undo', 'a drill', '--lift', 'diff']) {
        await entries.filter({ hasText: text }).first().waitFor();
      }
      t.match(await entries.filter({ hasText: 'a trial, watched' }).first().innerText(), /olga.*forced/s);
      await step('audit');
      await entries.filter({ hasText: 'acme goes first' }).getByRole('button', { name: 'Undo…' }).click();
      await dialog.locator('.preview .what').waitFor();
      await dialog.getByLabel(/^Reason/).fill('acme goes last');
      await step('undo');
      await dialog.getByRole('button', { name: 'Undo', exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
      await answered('acme at dynamodb', ({ stage }) => stage === 'dynamodb');
      t.same((await detail()).tenants, []);
      await entries.filter({ hasText: 'acme goes last' }).waitFor();
      t.same(
        complaints.filter((line) => !/ERR_|Failed to fetch/.test(line)),
        [],
      );
      t.same(await refusals(), [], 'the policy refused nothing');
      await visitor.close();
      await clients.stop();
    },
  );
}

t.test('by keyboard alone: signed in, found, moved, undone', { buffered: true, timeout: 200_000 }, async (t) => {
  const side = await withConsole(t, { stage: 'dynamodb' });
  const { page, close, complaints } = await visit(t, browser, side, { prefix: 'keyboard', size: 'desktop' });
  const { keyboard } = page;
  const ofNote = () => side.api('GET', '/operations/getNote');
  await page.goto(`${side.origin}/console`);
  await page.getByRole('heading', { name: 'Sign in to Crossfade' }).waitFor();
  await tabTo(page, 'Token');
  await keyboard.type(side.operator);
  await keyboard.press('Enter');
  await page.locator('.ladder-row').first().waitFor();
  await keyboard.press('/');
  await keyboard.type('getn');
  await until('one row', async () => (await page.locator('.ladder-row').count()) === 1);
  await tabTo(page, 'getNote');
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'getNote' }).waitFor();
  await tabTo(page, 'Move tenants…');
  await keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await tabTo(page, 'Tenants, one a line');
  await keyboard.type('acme');
  await tabTo(page, /^shadow/);
  await keyboard.press('ArrowDown');
  await keyboard.press('ArrowUp');
  await tabTo(page, /^Reason/);
  await keyboard.type('by hand');
  const move = page.getByRole('button', { name: 'Move 1 to shadow' });
  await until('it can be pressed', async () => (await move.getAttribute('aria-disabled')) === null);
  await tabTo(page, 'Move 1 to shadow');
  await keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await until('the flags have it', async () => (await ofNote()).tenants.length === 1);
  t.same((await ofNote()).tenants, [{ tenant: 'acme', stage: 'shadow' }]);
  await until(
    'the focus is back',
    async () => (await page.evaluate('document.activeElement.textContent')) === 'Move tenants…',
  );
  await tabTo(page, 'Undo');
  await keyboard.press('Enter');
  await page.getByText('Undone', { exact: true }).waitFor();
  await until('the flags have it', async () => (await ofNote()).tenants.length === 0);
  await tabTo(page, /./);
  await keyboard.press('Shift+K');
  await page.getByRole('dialog', { name: /^Kill switch/ }).waitFor();
  await keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.notMatch(await side.stagesFile(), /kill: true/);
  t.same(complaints, []);
  await close();
});
