import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Test } from 'tap';
import { type Asking, asker, tokens } from './admin.ts';
import { axe, openPage, picture, type Watched } from './chromium.ts';
import { imports } from './facade.ts';
import { type Served, serveAlone } from './process.ts';
import { CONTRACT, type NotesOptions, type NotesStores, withNotesStores } from './shadow.ts';

export const SIZES = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 360, height: 740 },
} as const;
export type Size = keyof typeof SIZES;

/** How long a test waits for what must come to be so; a busy machine takes its time. */
export const PATIENCE = 30_000;

export interface ConsoleOptions extends NotesOptions {
  /** The contract; default that of notes. */
  readonly contract?: string;
  readonly flags?: string;
  /** Another way to the results, once that to MongoDB is known. */
  readonly resultsThrough?: (uri: string) => string;
}

export interface Console {
  readonly stores: NotesStores;
  readonly operator: string;
  readonly viewer: string;
  /** Of the façade for clients; stays the same when it is begun anew. */
  readonly url: string;
  readonly origin: string;
  readonly log: () => string;
  /** The admin API, as the operator. Throws where it is not answered with 2xx. */
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly api: (method: string, path: string, body?: unknown, asking?: Asking) => Promise<any>;
  readonly stop: () => Promise<unknown>;
  /** Begins it again at the same addresses, with the bindings' text changed. */
  readonly start: (edit?: (text: string) => string) => Promise<void>;
  readonly stagesFile: () => Promise<string>;
}

/** A façade over notes in a process of its own, with an operator and a viewer. */
export async function withConsole(t: Test, options: ConsoleOptions = {}): Promise<Console> {
  const made = tokens();
  const stores = await withNotesStores(t, options);
  const folder = t.testdir({
    'stages.yaml': options.flags ?? stores.stages,
    'contract.yaml': options.contract ?? CONTRACT,
    'api.bindings.ts': `${imports()}\n${stores.bindings}`,
  });
  const settings = {
    ...stores.env,
    ...{ ADMIN_TOKENS: made.ADMIN_TOKENS, ADMIN_SESSION_SECRETS: 'a-secret-that-outlives-the-process' },
    ...{ SAMPLE_SECRET: 'a-secret-for-samples-of-this-test', LOG_LEVEL: 'warn' },
    ...(options.resultsThrough === undefined ? {} : { RESULTS_URI: options.resultsThrough(stores.uri) }),
    ...options.env,
  };
  const serve = (more: Record<string, string> = {}): Promise<Served> =>
    serveAlone(t, folder, 'api.bindings.ts', { ...settings, LOG_LEVEL: 'info', LOG_REQUESTS: 'off', ...more });
  let served = await serve();
  const { url, adminUrl } = served;
  const ports = { PORT: new URL(url).port, ADMIN_PORT: new URL(adminUrl).port };
  const ask = asker(adminUrl);
  return {
    ...{ stores, url, operator: made.operator, viewer: made.viewer, origin: new URL(adminUrl).origin },
    log: () => served.log(),
    api: async (method, path, body, asking = {}) => {
      const { status, json, text } = await ask(method, `/admin/v1${path}`, { token: made.operator, body, ...asking });
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
      return json;
    },
    stop: () => served.stop(),
    start: async (edit = (text) => text) => {
      await served.stop();
      const file = join(folder, 'api.bindings.ts');
      await writeFile(file, edit(await readFile(file, 'utf8')));
      served = await serve(ports);
    },
    stagesFile: () => readFile(join(folder, 'stages.yaml'), 'utf8'),
  };
}

/** Until it is so; what is said last is in the error. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false) {
  const end = Date.now() + PATIENCE;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`never so: ${what}${last === undefined ? '' : ` (${String(last)})`}`);
    await sleep(50);
  }
}

export interface Visit extends Watched {
  /** Every request of the page, as `METHOD path`. */
  readonly asked: { readonly method: string; readonly url: string; readonly headers: Record<string, string> }[];
  /** Another page of the same visit, by its address after `#`. */
  readonly go: (hash: string) => Promise<void>;
  /** Leaves a picture; asserts that nothing goes sideways, and that axe finds nothing in light and in dark. */
  readonly step: (name: string) => Promise<void>;
  /** What the policy refused. */
  readonly refusals: () => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** A browser of somebody's own at the console. */
export async function visit(
  t: Test,
  browser: Browser,
  { origin }: Pick<Console, 'origin'>,
  { token, prefix, size, ...options }: { token?: string; prefix: string; size: Size } & BrowserContextOptions,
): Promise<Visit> {
  const watched = await openPage(browser, origin, {
    ...{ viewport: SIZES[size], colorScheme: 'light', hasTouch: size === 'phone' },
    ...options,
  });
  const { page, complaints } = watched;
  page.setDefaultTimeout(PATIENCE);
  const asked: Visit['asked'] = [];
  page.on('request', (request) =>
    asked.push({ method: request.method(), url: request.url(), headers: request.headers() }),
  );
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript(
    `globalThis.refusals = []; addEventListener('securitypolicyviolation', (event) => refusals.push(event.violatedDirective + ' ' + event.blockedURI));`,
  );
  if (token !== undefined) {
    await page.goto(`${origin}/console#token=${token}`);
    await page.getByRole('heading', { name: 'Stages' }).waitFor();
    await page.locator('.ladder-row').first().waitFor();
  }
  let steps = 0;
  // What was seen when it went wrong says most.
  t.teardown(async () => {
    if (!t.passing() && !page.isClosed()) await picture(page, `${prefix}-${size}-failed`);
  });
  return {
    ...watched,
    asked,
    go: async (hash) => {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    },
    step: async (name) => {
      steps += 1;
      const file = `${prefix}-${size}-${String(steps).padStart(2, '0')}-${name}`;
      t.ok((await picture(page, file)) <= 0, `${file}: nothing goes sideways`);
      t.same(await axe(page), [], `${file}: axe, in light`);
      await page.emulateMedia({ colorScheme: 'dark' });
      t.same(await axe(page, ['color-contrast']), [], `${file}: axe, in dark`);
      await page.emulateMedia({ colorScheme: 'light' });
    },
    refusals: () => page.evaluate('globalThis.refusals'),
    close: () => page.context().close(),
  };
}

/** Presses Tab until what has the focus is called so. */
export async function tabTo(page: Page, name: string | RegExp, most = 80): Promise<void> {
  const seen: string[] = [];
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press('Tab');
    const called = (await page.evaluate(NAME_OF_FOCUSED)) as string;
    seen.push(called);
    if (typeof name === 'string' ? called === name : name.test(called)) return;
  }
  throw new Error(`Tab never comes to ${String(name)}: ${seen.join(' | ')}`);
}

const NAME_OF_FOCUSED = `(() => {
  const at = document.activeElement;
  const label = at.labels?.[0]?.textContent;
  return (at.getAttribute('aria-label') ?? label ?? at.textContent ?? '').replace(/\\s+/g, ' ').trim();
})()`;
