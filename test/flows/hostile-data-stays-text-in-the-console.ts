import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { visible } from '../../console/format.js';
import { withChromium } from '../support/chromium.ts';
import { type Console, SIZES, type Size, until, type Visit, visit, withConsole } from '../support/console.ts';
import { HOSTILE, LONE } from '../support/hostile.ts';
import { note } from '../support/shadow.ts';

const NAMES = Object.keys(HOSTILE);
const VALUES = Object.values(HOSTILE);
/** An operation of each: the contract is somebody else's, too. */
const IDS = VALUES.map((text, at) => `op${at} ${text}`);
const MARKUP = HOSTILE.image as string;
/** As a finding has it: a JSON pointer. */
const MARKUP_PATH = `/${MARKUP.replaceAll('/', '~1')}`;

const CONTRACT = JSON.stringify({
  openapi: '3.1.0',
  info: { title: HOSTILE.script, version: '1' },
  paths: Object.fromEntries(
    IDS.map((operationId, at) => [
      `/h${at}/{tenant}/{id}`,
      {
        get: {
          operationId,
          parameters: ['tenant', 'id'].map((name) => ({
            name,
            in: 'path',
            required: true,
            schema: { type: 'string' },
          })),
          responses: {
            200: {
              description: HOSTILE.end,
              headers: { 'X-Version': { schema: { type: 'string' } } },
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    properties: {
                      id: { type: 'string' },
                      text: { type: 'string' },
                      [MARKUP]: { type: 'string' },
                      labels: { type: 'object', additionalProperties: { type: 'string' } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ]),
  ),
});

const bindings = (notes: string) => {
  const table = /TableName: '([^']+)'/.exec(notes)?.[1];
  return `
const operation = {
  dynamodb: ({ path }) => ({ GetItem: { TableName: '${table}', Key: { pk: path.tenant, id: path.id } } }),
  mongodb: ({ tenant, path }) => ({ findOne: { collection: 'notes', filter: { pk: tenant, id: path.id } } }),
  headers: (request, { item }) => ({ 'x-version': item?.version }),
};
export default bind({
  contract: './contract.yaml',
  name: 'hostile',
  tenant: ({ path }) => path.tenant,
  freshness: { by: 'the test', within: '200ms' },
  reveal: ['/text', ${JSON.stringify(MARKUP_PATH)}, '/labels/*'],
  operations: Object.fromEntries(${JSON.stringify(IDS)}.map((id) => [id, operation])),
});`;
};

const browser = await withChromium(t);

/** Hostile texts in every place that the stores, the flags, the audit and the results have for one. */
async function withHostile(t: Test): Promise<Console> {
  const side = await withConsole(t, {
    ...{ contract: CONTRACT, edit: bindings },
    flags: `operations:\n${IDS.map((id) => `  ${JSON.stringify(id)}: { stage: shadow }`).join('\n')}\n`,
  });
  // The SDK cannot write an attribute of the name __proto__; MongoDB's copy has it.
  const keys = VALUES.filter((text) => text !== HOSTILE.proto);
  const labels = Object.fromEntries(keys.map((text) => [text.replace(/[.$]/g, '_'), text]));
  const notes = VALUES.map((pk) => note('n1', { pk, text: pk, [MARKUP]: pk, labels, version: MARKUP }));
  await side.stores.putDynamo(notes);
  await side.stores.db.collection('notes').insertMany(
    notes.map((one, at) => ({
      ...one,
      text: at === 0 ? 'x'.repeat(1_000_000) : `${one.text}, ${LONE.replace(/[\ud800-\udfff]/g, '')}`,
      [MARKUP]: HOSTILE.script,
      labels: Object.fromEntries(
        [...Object.entries(labels), ['__proto__', '']].map(([key, value]) => [key, `${value}!`]),
      ),
      version: `${MARKUP};x`,
    })),
  );
  for (const [at, tenant] of VALUES.entries()) {
    for (const path of [`/h${at}/`, '/h0/']) {
      const reply = await fetch(`${side.url}${path}${encodeURIComponent(tenant)}/n1`, {
        headers: { 'x-request-id': 'request-<b>' },
      });
      t.equal(reply.status, 200, `${NAMES[at]} is a tenant`);
      await reply.arrayBuffer();
    }
  }
  for (const [at, reason] of [...VALUES, LONE].entries())
    await side.api('POST', '/changes', { sampling: at % 2 === 0 ? 99 : 100, reason });
  await side.api('POST', '/changes', { operation: IDS[1], stage: 'dynamodb', tenants: VALUES, reason: MARKUP });
  const replicas = side.stores.db.collection<{ _id: string }>('crossfade_replicas');
  const own = await until('a heartbeat', async () => (await replicas.findOne()) ?? undefined);
  await replicas.insertMany(VALUES.map((host, at) => ({ ...own, _id: `r${at}`, host, version: host, flags: host })));
  await until('all is known', async () => {
    const { total, findings } = await side.api('GET', '/findings?limit=1000');
    const settled = findings.every((one: { state: string }) => one.state === 'persistent');
    const tenants = (await side.api('GET', '/tenants?limit=100')).total;
    return settled && total >= IDS.length * 4 && tenants === VALUES.length;
  });
  return side;
}

/** Nothing sideways, no row higher than its place, no element but the page's own. */
async function holds(t: Test, page: Page, where: string): Promise<void> {
  const found = await page.evaluate(LOOK);
  t.same(found, { sideways: true, high: [], foreign: [], ran: false }, `${where}: holds`);
}

const LOOK = `(() => {
  const high = [...document.querySelectorAll('.row-place')].flatMap((place) => {
    const inner = place.firstElementChild.getBoundingClientRect().height;
    return inner <= place.getBoundingClientRect().height + 1 ? [] : [place.textContent.slice(0, 80) + ' ' + inner];
  });
  const foreign = [...document.querySelectorAll('#app :is(script, img, iframe, object, embed, style, base, form[action])')];
  const handlers = [...document.querySelectorAll('#app *')].filter((one) =>
    one.getAttributeNames().some((name) => name.startsWith('on')) || /^\\s*javascript:/i.test(one.getAttribute('href') ?? ''));
  return {
    sideways: document.documentElement.scrollWidth <= document.documentElement.clientWidth,
    high,
    foreign: [...foreign, ...handlers].map((one) => one.outerHTML.slice(0, 100)),
    ran: 'ran' in globalThis,
  };
})()`;

/** Everything is said on the page, as text. */
async function says(t: Test, page: Page, where: string, texts: readonly string[]): Promise<void> {
  const squeeze = (text: string) => text.replace(/\s+/g, ' ');
  let missing: readonly string[] = texts;
  await until(`${where} says it`, async () => {
    const said = squeeze(String(await page.locator('main').first().textContent()));
    missing = texts.filter((text) => !said.includes(squeeze(visible(text))));
    return missing.length === 0;
  }).catch(() => undefined);
  t.same(missing, [], `${where}: says everything`);
}

/** Copies what is selected, and gives what then is in the clipboard. */
async function copied(page: Page, selector: string, index: number): Promise<string> {
  await page.evaluate(
    `getSelection().selectAllChildren(document.querySelectorAll(${JSON.stringify(selector)})[${index}])`,
  );
  await page.keyboard.press('ControlOrMeta+c');
  return String(await page.evaluate('navigator.clipboard.readText()'));
}

t.test('what hostile data says is shown, and does nothing', { timeout: 220_000 }, async (t) => {
  const side = await withHostile(t);
  const { findings } = await side.api('GET', '/findings?limit=1000');
  const of = (path: string, operation = IDS[0]) => {
    const found = findings.find(
      (one: { path: string; operation: string }) => one.path === path && one.operation === operation,
    );
    if (found === undefined)
      throw new Error(`no finding ${path}: ${findings.map((one: { path: string }) => one.path)}`);
    return found;
  };

  const look = async (visitor: Visit, size: Size): Promise<void> => {
    const { page, go, step } = visitor;
    const show = async (name: string, hash: string, ready: string, texts: readonly string[] = []) => {
      await go(hash);
      await page.locator(ready).first().waitFor();
      await says(t, page, `${name} at ${size}`, texts);
      await holds(t, page, `${name} at ${size}`);
      await step(name);
    };
    await show('stages', '#/stages', '.ladder-row', IDS.slice(0, 3));
    for (const at of [1, 6, 11, 12])
      await show(`operation-${NAMES[at]}`, `#/stages/${encodeURIComponent(IDS[at] as string)}`, '#evidence', [
        IDS[at] as string,
      ]);
    await show(
      'named',
      `#/stages/${encodeURIComponent(IDS[1] as string)}`,
      '.chips',
      VALUES.filter((text) => text.length <= 60),
    );
    await show('tenants', '#/tenants', '.tenant-row [role=rowheader]', size === 'desktop' ? VALUES : []);
    await show(
      'tenants-of',
      `#/tenants?operation=${encodeURIComponent(IDS[1] as string)}`,
      '.tenant-row [role=rowheader]',
    );
    await show('findings', '#/findings', '.finding-row .row-link');
    await show('finding-path', `#/findings/${of(MARKUP_PATH).fingerprint}`, '#samples', [
      MARKUP_PATH,
      HOSTILE.script as string,
    ]);
    await show('finding-keys', `#/findings/${of('/labels/*').fingerprint}`, '#samples');
    await page.getByText('Ask again now').first().click();
    await page.locator('.tree').waitFor();
    await holds(t, page, `keys asked again at ${size}`);
    await step('answers-keys');
    await show('finding-text', `#/findings/${of('/text').fingerprint}`, '#samples');
    await page.getByText('Ask again now').last().click();
    await page.locator('.answers .tree, .answers .note').first().waitFor();
    await holds(t, page, `a megabyte asked again at ${size}`);
    await step('answers-megabyte');
    await go('#/audit');
    await says(t, page, `audit at ${size}`, VALUES);
    await says(t, page, `audit at ${size}`, [LONE.slice(0, 5)]);
    for (const one of (await page.locator('.audit-entry summary').all()).slice(0, 3)) await one.click();
    await holds(t, page, `audit at ${size}`);
    await step('audit');
    await show(
      'health',
      '#/health',
      'main table, main .plot',
      size === 'desktop' ? [MARKUP, HOSTILE.script as string] : [],
    );
  };

  const sizes = Object.keys(SIZES) as Size[];
  const visitors = await Promise.all(
    sizes.map((size) =>
      visit(t, browser, side, {
        token: side.operator,
        prefix: 'hostile',
        size,
        permissions: ['clipboard-read', 'clipboard-write'],
      }),
    ),
  );
  for (const { page } of visitors) await page.evaluate('globalThis.pwned = () => { globalThis.ran = true; }');
  await Promise.all(visitors.map((visitor, at) => look(visitor, sizes[at] as Size)));

  const [desktop] = visitors as [Visit, ...Visit[]];
  const { page, go } = desktop;
  t.comment('a tenant with line breaks in its name is moved, and it alone');
  await go(`#/tenants?operation=${encodeURIComponent(IDS[2] as string)}&search=lines`);
  await until('one row', async () => (await page.locator('.tenant-row [role=rowheader]').count()) === 1);
  t.equal(await copied(page, '.tenant-row [role=rowheader] .data', 0), HOSTILE.lines, 'copied as it is');
  await page.getByRole('button', { name: 'Move…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: 'dynamodb' }).check();
  await dialog.getByText('1 known tenant moves').waitFor();
  await dialog.getByLabel(/^Reason/).fill(MARKUP);
  await dialog.getByRole('button', { name: 'Move 1 to dynamodb' }).click();
  await dialog.waitFor({ state: 'detached' });
  const tenants = await until('the flags have it', async () => {
    const detail = await side.api('GET', `/operations/${encodeURIComponent(IDS[2] as string)}`);
    return detail.tenants.length > 0 && detail.tenants;
  });
  t.same(tenants, [{ tenant: HOSTILE.lines, stage: 'dynamodb' }]);
  const reply = await until('the client is answered by the new stage', async () => {
    const answer = await fetch(`${side.url}/h2/${encodeURIComponent(HOSTILE.lines as string)}/n1`);
    await answer.arrayBuffer();
    return /stage;desc="?dynamodb/.test(answer.headers.get('server-timing') ?? '') && answer;
  });
  t.equal(reply.status, 200);

  t.comment('what is copied is the data');
  await go('#/tenants');
  await page
    .locator('.tenant-row [role=rowheader]')
    .nth(VALUES.length - 1)
    .waitFor();
  const rows = await page.locator('.tenant-row [role=rowheader] .data').count();
  const taken: string[] = [];
  for (let index = 0; index < rows; index += 1)
    taken.push(await copied(page, '.tenant-row [role=rowheader] .data', index));
  t.same(taken.sort(), [...VALUES].sort());

  for (const { complaints, refusals, asked, close } of visitors) {
    t.same(complaints, [], 'no error, no dialog, nothing asked elsewhere');
    t.same(await refusals(), [], 'the policy had nothing to refuse');
    t.same(
      asked.filter(({ url }) => !/^\/(console|admin\/v1)\b/.test(new URL(url).pathname)),
      [],
      'only the console and its API were asked',
    );
    await close();
  }
});
