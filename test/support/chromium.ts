import { execFile } from 'node:child_process';
import { access, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';

const run = promisify(execFile);

const BINARY = '/usr/bin/chromium';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** Where pictures are left, to be looked at. */
const PICTURES = join(import.meta.dirname, '..', '..', '.tap', 'console');

/** Debian's Chromium, installed where it is missing. Throws what apt-get said where it cannot be. */
export async function withChromium(t: Test): Promise<Browser> {
  const missing = await access(BINARY).then(
    () => false,
    () => true,
  );
  if (missing) {
    t.comment('Installing Chromium by apt-get (400 MB, once), the browser of the tests');
    const install = ['-c', 'apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium'];
    await run('sh', install, { maxBuffer: 2 ** 26 }).catch((error: Error) => {
      throw new Error(`Chromium is not installed and cannot be had by apt-get: install it (${error.message})`);
    });
  }
  const browser = await chromium.launch({ executablePath: BINARY, args: ['--no-sandbox', '--disable-gpu'] });
  t.teardown(() => browser.close());
  return browser;
}

export interface Watched {
  readonly page: Page;
  /** Errors of scripts, refusals of the policy, and requests that left the page's own origin. */
  readonly complaints: string[];
}

/** A page of a browser of its own, which notes what should not happen. */
export async function openPage(browser: Browser, origin: string, options: BrowserContextOptions): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`script: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    const known = /Failed to load resource/.test(message.text());
    if (message.type() === 'error' && !known) complaints.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) complaints.push(`asked elsewhere: ${request.url()}`);
  });
  return { page, complaints };
}

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds on the page as it is, a line each; `only` these rules, where the others were asked already. */
export async function axe(page: Page, only: readonly string[] = RULES): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(await readFile(AXE, 'utf8'));
  const found = await violationsOf(page, only);
  // What a notice at the foot covers in part is whole once it is scrolled from under it.
  if (!found.some(({ id }) => id === SIZE)) return found.map(sentence);
  await page.evaluate("document.querySelector('.bottom').style.visibility = 'hidden'");
  const sizes = await violationsOf(page, [SIZE]);
  await page.evaluate("document.querySelector('.bottom').style.visibility = ''");
  return [...found.filter(({ id }) => id !== SIZE), ...sizes].map(sentence);
}

const SIZE = 'target-size';

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly string[] }[];
}

const violationsOf = async (page: Page, only: readonly string[]): Promise<readonly Violation[]> =>
  ((await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(only)} })`)) as { violations: Violation[] })
    .violations;

const sentence = ({ id, help, nodes }: Violation): string =>
  `${id}: ${help} (${nodes.map(({ target }) => target).join(', ')})`;

/** Leaves a picture, and says how far the page goes beyond its window. */
export async function picture(page: Page, name: string): Promise<number> {
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  return await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}
