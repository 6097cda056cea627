import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import t from 'tap';
import { asker, tokens } from '../../support/admin.ts';
import { withChromium } from '../../support/chromium.ts';
import { until, visit } from '../../support/console.ts';
import { imports } from '../../support/facade.ts';
import { serveAlone } from '../../support/process.ts';
import { withMongo } from '../../support/stores.ts';
import { BINDINGS, CONTRACT, fill, ids, OPERATIONS, stages, TENANTS } from '../../support/things.ts';

/** Milliseconds. */
const FIRST_VIEW = 1_000;
const LONGEST_TASK = 100;
/** The machine has others on it: what holds once in so many rounds is the page's, what holds in none is not. */
const ROUNDS = 5;

/** When the rows of the first view stand there, and every task of the main thread above 50 ms. */
const WATCH = `(() => {
  globalThis.tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration }))))
    .observe({ type: 'longtask', buffered: true });
  const look = () => {
    const row = document.querySelector('.ladder-row .cell.here .share');
    if (row === null) return requestAnimationFrame(look);
    requestAnimationFrame(() => { globalThis.firstView = performance.now(); });
  };
  requestAnimationFrame(look);
})()`;

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** The longest task of a page's main thread, in milliseconds of its CPU: a busy machine makes tasks longer, not larger. */
function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString('utf8')) as { traceEvents: readonly TraceEvent[] };
  const place = ({ pid, tid }: TraceEvent) => `${pid}:${tid}`;
  const mains = new Set(
    traceEvents.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain').map(place),
  );
  const tasks = traceEvents.filter(
    (one) => /RunTask$/.test(one.name) && mains.has(place(one)) && one.tdur !== undefined,
  );
  if (tasks.length === 0) throw new Error('the trace has no task of the page');
  return Math.round(Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000);
}

const browser = await withChromium(t);

t.test(
  'a thousand operations and ten thousand tenants: seen in a second, moved without a stutter',
  { timeout: 300_000 },
  async (t) => {
    const { uri } = await withMongo(t);
    const { operator, ADMIN_TOKENS } = tokens();
    const folder = t.testdir({
      'stages.yaml': stages(25),
      'contract.yaml': CONTRACT,
      'api.bindings.ts': `${imports()}\n${BINDINGS}`,
    });
    const served = await serveAlone(t, folder, 'api.bindings.ts', {
      ...{ MONGODB_URI: uri, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1', ADMIN_TOKENS },
      ...{ LOG_REQUESTS: 'off', ORIGIN_TIMEOUT_MS: '200' },
    });
    const ask = asker(served.adminUrl);
    const api = async (path: string) => (await ask('GET', `/admin/v1${path}`, { token: operator })).json;
    await fill(uri, t, (await api('/findings')).evidence);
    await until('all is read', async () => {
      const { tenantsKnown, operations } = await api('/operations');
      const { total } = await api('/findings?limit=1');
      return (
        tenantsKnown === TENANTS &&
        total === OPERATIONS * 3 &&
        operations.every((one: { tenants?: object }) => one.tenants)
      );
    });

    const origin = new URL(served.adminUrl).origin;
    const enter = async () => {
      const visitor = await visit(t, browser, { origin }, { token: operator, prefix: 'scale', size: 'desktop' });
      await visitor.page.addInitScript(WATCH);
      return visitor;
    };
    const views: number[] = [];
    for (let round = 0; round < ROUNDS && !views.some((view) => view < FIRST_VIEW); round += 1) {
      const { page, close } = await enter();
      // Signed in already, and nothing of it in the cache.
      const session = await page.context().newCDPSession(page);
      await session.send('Network.setCacheDisabled', { cacheDisabled: true });
      await page.reload();
      views.push(
        Number(await until('the first view', async () => (await page.evaluate('globalThis.firstView')) as number)),
      );
      await close();
    }
    t.comment(`first view after ${views.map(Math.round).join(', ')} ms`);
    // Where others want the cores, too, each gets its part of them.
    const crowd = Math.min(3, Math.max(1, (loadavg()[0] as number) / availableParallelism()));
    t.ok(
      Math.min(...views) < FIRST_VIEW * crowd,
      `the first view of Stages within a second: ${views.map(Math.round)} ms`,
    );

    const { page, go, close, complaints } = await enter();
    await page.reload();
    await page.locator('.ladder-row .cell.here .share').first().waitFor();
    t.equal(await page.locator('[role=table]').getAttribute('aria-rowcount'), String(OPERATIONS + 1));
    t.ok((await page.locator('.ladder-row').count()) < 60, 'only what is seen is built');

    let ended = false;
    const traffic = (async () => {
      for (let at = 0; !ended; at += 1) {
        await fetch(`${served.url}/things${at % OPERATIONS}/1`, {
          headers: { 'x-tenant-id': `tenant-${at % TENANTS}` },
        })
          .then((reply) => reply.arrayBuffer())
          .catch(() => undefined);
        if (at % 10 === 0) await sleep(20);
      }
    })();
    const smooth = async (what: string, act: (page: Page) => Promise<void>) => {
      const longest: number[] = [];
      for (let round = 0; round < ROUNDS && !longest.some((one) => one < LONGEST_TASK); round += 1) {
        await browser.startTracing(page, { categories: ['toplevel'] });
        await act(page);
        longest.push(longestTask(await browser.stopTracing()));
      }
      t.comment(`${what}: longest task ${longest.join(', ')} ms of CPU`);
      t.ok(Math.min(...longest) < LONGEST_TASK, `${what}: no task of ${LONGEST_TASK} ms, but ${longest}`);
    };
    await smooth('while events arrive', async () => {
      await sleep(4_000);
    });
    await smooth('while scrolling', async () => {
      for (let turn = 0; turn < 25; turn += 1) {
        await page.mouse.wheel(0, 2_000);
        await page.waitForTimeout(30);
      }
      await page.evaluate('scrollTo(0, 0)');
    });
    let percent = 25;
    await smooth('while a quarter of the tenants moves', async () => {
      percent = percent === 25 ? 50 : 25;
      await page.getByRole('button', { name: 'Move… getThing0' }).first().click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('radio', { name: 'A share of tenants' }).check();
      await dialog.getByRole('radio', { name: 'shadow' }).check();
      await dialog.getByRole('slider').fill(String(percent));
      await dialog.getByLabel(/^Reason/).fill('measured');
      const move = dialog.getByRole('button', { name: `Ramp ${percent} % to shadow` });
      await until('it can be pressed', async () => (await move.getAttribute('aria-disabled')) === null);
      await move.click();
      await dialog.waitFor({ state: 'detached' });
      await page.getByText('1 of 1').waitFor();
      await sleep(2_000);
    });
    await smooth('while searching', async () => {
      await page.getByRole('searchbox', { name: 'Operation' }).pressSequentially('thing99', { delay: 40 });
      await page.getByRole('searchbox', { name: 'Operation' }).fill('');
    });
    await go('#/tenants');
    await page.locator('.tenant-row [role=rowheader]').first().waitFor();
    await smooth('while scrolling through the tenants', async () => {
      for (let turn = 0; turn < 25; turn += 1) {
        await page.mouse.wheel(0, 2_000);
        await page.waitForTimeout(30);
      }
    });
    await go('#/findings');
    await page.locator('.finding-row .row-link').first().waitFor();
    await smooth('while scrolling through the findings', async () => {
      for (let turn = 0; turn < 25; turn += 1) {
        await page.mouse.wheel(0, 2_000);
        await page.waitForTimeout(30);
      }
    });
    ended = true;
    await traffic;
    t.same(complaints, []);
    await close();
    t.equal(ids.length, OPERATIONS);
  },
);
