import { rename, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Test } from 'tap';
import { type App, compose } from '../../src/compose.ts';
import { loadConfig } from '../../src/config.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  readonly json: any;
}

export interface Facade {
  readonly app: App;
  readonly url: string;
  /** Sends the path as it stands: `fetch` would rewrite it. */
  readonly send: (
    method: string,
    path: string,
    headers?: Record<string, string | string[]>,
    body?: string,
  ) => Promise<Reply>;
  readonly get: (path: string, headers?: Record<string, string | string[]>) => Promise<Reply>;
  /** Writes stages.yaml as an editor does and waits until the flags run on it. */
  readonly stages: (text: string) => Promise<void>;
}

export interface FacadeOptions {
  /** A bindings module's file, or its text after the imports of `bind` and `key`. */
  readonly bindings: { readonly file: string } | { readonly text: string; readonly contract: string };
  readonly env: Readonly<Record<string, string>>;
  readonly stages?: string;
}

/** The façade on free ports, closed after the test. */
export async function withFacade(
  t: Test,
  { bindings, env, stages = 'operations: {}\n' }: FacadeOptions,
): Promise<Facade> {
  const folder = t.testdir({
    'stages.yaml': stages,
    ...('text' in bindings
      ? { 'contract.yaml': bindings.contract, 'api.bindings.ts': `${imports()}\n${bindings.text}` }
      : {}),
  });
  const file = 'file' in bindings ? bindings.file : join(folder, 'api.bindings.ts');
  const stagesFile = join(folder, 'stages.yaml');
  const config = loadConfig(
    { PORT: '0', ADMIN_PORT: '0', SERVER_TIMING: 'true', LOG_LEVEL: 'silent', STAGES_FILE: stagesFile, ...env },
    folder,
  );
  const app = await compose(config, { bindings: file, log: () => undefined });
  t.teardown(() => app.close());
  const send: Facade['send'] = (method, path, headers = {}, body) => sendTo(app.facadeUrl, method, path, headers, body);
  return {
    app,
    url: app.facadeUrl,
    send,
    get: (path, headers) => send('GET', path, headers),
    stages: (text) => moveStages(app, stagesFile, text),
  };
}

async function moveStages(app: App, file: string, text: string): Promise<void> {
  const before = app.flags.revision();
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  const deadline = Date.now() + 5_000;
  while (app.flags.revision() === before) {
    if (Date.now() > deadline) throw new Error(`The flags did not take: ${app.flags.problem() ?? text}`);
    await sleep(5);
  }
}

function sendTo(
  base: string,
  method: string,
  path: string,
  headers: Record<string, string | string[]>,
  body?: string,
): Promise<Reply> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const message = httpRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
      });
    });
    message.on('error', reject);
    message.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a bindings module of a test begins with. */
export const imports = () =>
  `import { bind, key } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href)};`;
