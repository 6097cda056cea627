import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { crossfade, type Served, serveAlone } from './process.ts';
import { note, withNotes } from './shadow.ts';
import { withFaultyProxy, withUnleash } from './unleash.ts';

/** Two façades in processes of their own, an Unleash, both stores, and an operator's shell. */
export async function withFleet(t: Test) {
  const unleash = await withUnleash(t);
  const name = `notes-${randomBytes(4).toString('hex')}`;
  const notes = await withNotes(t, { name });
  await notes.put([note('n-1'), ...['globex', 'umbrella'].map((pk) => note('n-1', { pk }))]);
  await notes.facade.app.close();
  const proxy = await withFaultyProxy(t, unleash.url);
  const bindings = notes.facade.app.bindings.file;
  const env = { ...notes.env, ...unleash.env };
  const shell = join(t.testdirName, 'shell');
  const folders = [join(t.testdirName, 'one'), join(t.testdirName, 'two')];
  for (const folder of [shell, ...folders]) await mkdir(folder, { recursive: true });
  const operator = (...words: string[]) => crossfade(shell, { ...env, BINDINGS: bindings }, ...words);
  const serve = (at: number) => serveAlone(t, folders[at] as string, bindings, { ...env, UNLEASH_URL: proxy.url });
  return { unleash, notes, name, proxy, env, operator, serve, shell, folders, bindings };
}

export async function stageAt({ url }: Served, tenant: string): Promise<string> {
  const reply = await fetch(`${url}/notes/n-1`, { headers: { 'x-tenant-id': tenant } });
  await reply.text();
  return reply.status === 200
    ? (/stage;desc=(\w+)/.exec(reply.headers.get('server-timing') ?? '')?.[1] ?? '')
    : String(reply.status);
}

export const readyz = async ({ adminUrl }: Served) => {
  const reply = await fetch(`${adminUrl}/readyz`);
  return { status: reply.status, flags: ((await reply.json()) as { parts: { part: string }[] }).parts[0] };
};

export const metric = async ({ adminUrl }: Served, name: string) =>
  (await (await fetch(`${adminUrl}/metrics`)).text()).split('\n').find((line) => line.startsWith(name)) ?? '';
