import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { axe, openPage, picture, withChromium } from '../support/chromium.ts';

/** The console of a demo with traffic, in a real browser. */
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const folder = await mkdtemp(join(tmpdir(), 'crossfade-console-'));
const browser = await withChromium(t);
const demo = await startDemo();
const signedIn = `${demo.url}#token=${demo.token}`;

const PAGES = { tenants: '#/tenants', rules: '#/rules', ask: '#/ask', health: '#/health', audit: '#/audit' };
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

t.test(
  'every page at every size, in both colours: nothing sideways, nothing for axe, nothing from elsewhere',
  async (t) => {
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page, complaints } = await openPage(browser, demo.origin, { viewport, colorScheme });
        await page.goto(demo.url);
        await page.getByRole('heading', { name: 'Sign in' }).waitFor();
        await check(t, page, `sign-in-${size}-${colorScheme}`);
        await page.goto(`about:blank`);
        await page.goto(signedIn);
        await page.locator('.ladder-row').first().waitFor();
        t.notMatch(page.url(), 'token', 'the token has left the address');
        await page.getByText('asking the gate').first().waitFor({ state: 'detached', timeout: 20_000 });
        await check(t, page, `stages-${size}-${colorScheme}`);
        for (const [name, hash] of Object.entries(PAGES)) {
          await go(page, hash);
          await page.getByText('…', { exact: false }).and(page.locator('.loading')).waitFor({ state: 'detached' });
          await check(t, page, `${name}-${size}-${colorScheme}`);
        }
        await go(page, '#/findings');
        await page.locator('.finding-row .row-link').first().waitFor({ timeout: 30_000 });
        await check(t, page, `findings-${size}-${colorScheme}`);
        await page.locator('.finding-row .row-link').first().click();
        await page.getByRole('heading', { name: 'Samples' }).waitFor();
        await check(t, page, `finding-${size}-${colorScheme}`);
        await askAgain(page);
        await check(t, page, `answers-${size}-${colorScheme}`);
        await go(page, '#/stages/getUser');
        await page.getByRole('heading', { name: 'Gate to' }).waitFor();
        await check(t, page, `operation-${size}-${colorScheme}`);
        await page.getByRole('button', { name: 'Move on to live…' }).click();
        await page.getByText('known tenants move').waitFor();
        await check(t, page, `move-${size}-${colorScheme}`);
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Kill…' }).click();
        await page.locator('.preview .what').waitFor();
        await check(t, page, `kill-${size}-${colorScheme}`);
        t.same(complaints, []);
        await page.context().close();
      }
    }
  },
);

t.test('an operation is moved back, seen to move, and the change undone', async (t) => {
  const { page, complaints } = await openPage(browser, demo.origin, { viewport: SIZES.desktop });
  await page.goto(signedIn);
  await page.locator('.ladder-row').first().waitFor();
  await go(page, '#/stages/getUser');
  const back = page.getByRole('button', { name: 'Move back to dynamodb…' });
  await back.click();
  const make = page.locator('dialog').getByRole('button', { name: 'Move all to dynamodb' });
  await page.getByText('known tenants move').waitFor();
  await page.getByLabel('Reason').fill('a look at <b>it</b>');
  await make.click();
  const dock = page.getByRole('complementary', { name: 'Effect of the last change' });
  await dock.waitFor();
  t.match(await readFile(join(folder, '.crossfade', 'stages.yaml'), 'utf8'), /getUser: \{[^}]*stage: dynamodb/);
  await page.locator('.track .at-dynamodb.here').waitFor();
  await dock.getByText(/1 of 1/).waitFor({ timeout: 15_000 });
  await picture(page, 'moved');
  t.same(await axe(page), []);

  await dock.getByRole('button', { name: 'Undo' }).click();
  await page.locator('.track .at-shadow.here').waitFor();
  t.match(await readFile(join(folder, '.crossfade', 'stages.yaml'), 'utf8'), /getUser: \{[^}]*stage: shadow/);
  await go(page, '#/audit');
  await page.getByText('a look at <b>it</b>').first().waitFor();
  t.same(complaints, []);
  await page.context().close();
});

t.test('by keyboard alone: pages, rows, a dialog that gives the focus back', async (t) => {
  const { page } = await openPage(browser, demo.origin, { viewport: SIZES.desktop });
  await page.goto(signedIn);
  await page.locator('.ladder-row').first().waitFor();
  const focused = async () => String(await page.evaluate('document.activeElement.textContent')).trim();
  await page.keyboard.press('Tab');
  t.equal(await focused(), 'Skip to the content');
  await page.keyboard.press('Enter');
  t.equal(await page.evaluate('document.activeElement.id'), 'main');
  await page.locator('.row-link').first().focus();
  const first = await focused();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  t.equal(await focused(), first, 'down and up again');
  await page.keyboard.press('End');
  await until(page, `document.activeElement.closest('[data-index]')?.dataset.index === '10'`);

  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.equal(await page.evaluate(`document.activeElement.closest('[data-index]')?.dataset.index`), '10');

  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await until(page, `location.hash === '#/findings' && document.activeElement.id === 'title'`);
  await page.goBack();
  await until(page, `location.hash !== '#/findings' && document.title.startsWith('Stages')`);
  await page.context().close();
});

t.test('QA goes through the findings of a filter by keyboard, and back to where it was', async (t) => {
  const { page, complaints } = await openPage(browser, demo.origin, { viewport: SIZES.desktop });
  await page.goto(signedIn);
  await page.locator('.ladder-row').first().waitFor();
  await go(page, '#/findings?pair=dynamodb-mongodb&state=persistent');
  await page.locator('.finding-row .row-link').nth(2).waitFor();
  const links = (await page.evaluate(
    `[...document.querySelectorAll('.finding-row .row-link')].map((one) => one.getAttribute('href'))`,
  )) as string[];
  await page.keyboard.press('j');
  await until(page, `document.activeElement.getAttribute('href') === ${JSON.stringify(links[0])}`);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Samples' }).waitFor();
  t.equal(await page.evaluate('location.hash'), links[0]);
  t.match(links[0], /\?pair=dynamodb-mongodb&state=persistent$/, 'the filter stays in the address');
  await page.getByText(/^1 of \d+$/).waitFor();
  await page.keyboard.press('j');
  await page.getByText(/^2 of \d+$/).waitFor();
  const second = String(await page.evaluate('location.hash'));
  t.not(second, links[0]);
  await page.keyboard.press('k');
  await page.getByText(/^1 of \d+$/).waitFor();
  await page.keyboard.press('j');
  await page.getByText(/^2 of \d+$/).waitFor();
  await page.keyboard.press('u');
  await until(page, `location.hash === '#/findings?pair=dynamodb-mongodb&state=persistent'`);
  await until(page, `document.activeElement.getAttribute('href') === ${JSON.stringify(second)}`);
  t.same(complaints, []);
  await page.context().close();
});

t.test('any read is asked of every origin: what differs is shown, what is wrong is said', async (t) => {
  const { page, complaints } = await openPage(browser, demo.origin, { viewport: SIZES.desktop });
  await page.goto(signedIn);
  await page.locator('.ladder-row').first().waitFor();
  await go(page, '#/stages/getUser');
  await page.getByRole('link', { name: 'Ask…' }).click();
  await page.getByText('Put values in place of what stands in braces.').waitFor();
  await page.getByLabel('Path, with its query').fill('/users/u-1007');
  await page.getByLabel('One a line').fill('no header');
  const ask = page.getByRole('button', { name: 'Ask every origin' });
  await ask.click();
  await page.getByText('“no header” is no header: write name: value.').waitFor();
  await page.getByLabel('One a line').fill('X-Tenant-Id: acme');
  await ask.click();
  await page.getByRole('heading', { name: 'Answers of now' }).waitFor();
  const chosen = page.locator('.tabs [aria-pressed=true]');
  t.match(await chosen.textContent(), /mismatch/, 'what differs comes first');
  await page.getByRole('button', { name: /^Next/ }).click();
  await page.getByText('equal but for case').first().waitFor();
  t.notMatch(page.url(), /acme/, 'headers stay out of the address');
  t.match(page.url(), /u-1007/);
  await go(page, '#/health');
  await page.getByRole('heading', { name: 'Latency of the origins' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'Answers of now' }).waitFor();
  t.same(complaints, []);
  await page.context().close();
});

t.test('control and candidate lie over each other, within their plot', async (t) => {
  const { page } = await openPage(browser, demo.origin, { viewport: SIZES.desktop });
  await page.goto(signedIn);
  await page.locator('.ladder-row').first().waitFor();
  await go(page, '#/health');
  for (const part of ['p99', 'p50']) {
    const plot = page.getByRole('img', {
      name: new RegExp(`^${part} of the last 15 minutes; now .*dynamodb, control`),
    });
    await plot.waitFor({ timeout: 30_000 });
    const { drawn, within } = (await page.evaluate(`(() => {
      const svg = document.querySelector('.plots svg[aria-label^="${part}"]');
      const [own, figure] = [svg, svg.closest('figure')].map((one) => one.getBoundingClientRect());
      const drawn = [...svg.querySelectorAll('path')].filter((one) => one.getAttribute('d') !== '');
      return {
        drawn: drawn.map((one) => one.getAttribute('class')),
        within: own.height > 50 && own.bottom <= figure.bottom && own.right <= figure.right,
      };
    })()`)) as { drawn: string[]; within: boolean };
    for (const line of ['line dynamodb control', 'line mongodb candidate'])
      t.ok(
        drawn.some((name) => name.startsWith(line)),
        `${part}: ${line} is drawn`,
      );
    t.ok(within, 'it does not overflow');
  }
  await page.getByRole('row', { name: /dynamodb, control .* it is the control/ }).waitFor();
  await page.context().close();
});

t.test('signs out, refuses a wrong token, and says so', async (t) => {
  const { page } = await openPage(browser, demo.origin, { viewport: SIZES.desktop });
  await page.goto(signedIn);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').fill('crossfade_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('That is not a token of this façade.').waitFor();
  t.equal(await page.locator('.ladder-row').count(), 0);
  await page.getByLabel('Token').fill(demo.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.ladder-row').first().waitFor();
  await page.context().close();
});

/** Asks until it is so; the page's policy lets nobody else evaluate text. */
async function until(page: Page, condition: string): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await page.waitForTimeout(50)) {
    if (await page.evaluate(condition)) return;
  }
  throw new Error(`never so: ${condition}`);
}

/** Another page of the same visit. */
async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.waitForTimeout(300);
}

/** Until answers are there: while the page is looked at, traffic may put another sample in the place of the one that is asked. */
async function askAgain(page: Page): Promise<void> {
  await page.getByText('Ask again now').first().click();
  const tree = page.locator('.answers .tree');
  const gone = page.locator('.problem').filter({ hasText: 'Newer samples have come' });
  for (let tries = 0; tries < 5; tries++) {
    await tree.or(page.locator('.problem')).first().waitFor();
    if (await tree.isVisible()) return;
    if (!(await gone.isVisible())) break;
    await gone.getByRole('button', { name: 'Try again' }).click();
    await gone.waitFor({ state: 'detached' });
  }
  throw new Error(`no answers: ${await page.locator('main').innerText()}`);
}

async function check(t: Test, page: Page, name: string): Promise<void> {
  t.ok((await picture(page, name)) <= 0, `${name}: not wider than the window`);
  t.same(await axe(page), [], name);
}

async function startDemo() {
  const kept = Object.entries(process.env).filter(([name]) => !/^_?TAP/.test(name) && name !== 'CI');
  const child = spawn(process.execPath, [CLI, 'demo', '--traffic'], {
    cwd: folder,
    env: { ...Object.fromEntries(kept), NODE_OPTIONS: '', PORT: '0', ADMIN_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  for (const end = Date.now() + 120_000; Date.now() < end && child.exitCode === null; ) {
    const [, url, token] = /(http:\S+\/console)#token=(\S+)/.exec(said) ?? [];
    if (url !== undefined && token !== undefined) return { url, token, origin: new URL(url).origin };
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`the demo did not start: ${said}`);
}
