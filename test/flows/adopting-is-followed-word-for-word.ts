import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';

const ROOT = join(import.meta.dirname, '../..');

/** A fenced block of docs/adopting.md. */
interface Block {
  readonly language: string;
  readonly text: string;
}

/** The page's blocks in order, as they would be typed in a clone, but for where the clone and free ports are. */
async function blocksOf(ports: { readonly facade: number }): Promise<readonly Block[]> {
  const page = await readFile(join(ROOT, 'docs/adopting.md'), 'utf8');
  return [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text: text
      .replaceAll('../node_modules/.bin/node ../src/cli.ts', `"${process.execPath}" "${ROOT}/src/cli.ts"`)
      .replaceAll('../openapi/', `${ROOT}/openapi/`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports.facade}`),
  }));
}

/** A shell that is typed into. What runs until Ctrl-C is `stay`ed with. */
class Terminal {
  readonly #shell: ChildProcessWithoutNullStreams;
  #text = '';

  constructor(cwd: string, env: Readonly<Record<string, string>>) {
    this.#shell = spawn('bash', ['--noprofile', '--norc'], {
      ...{ cwd, detached: true },
      env: { ...process.env, ...env, NO_COLOR: '1' },
    });
    for (const stream of [this.#shell.stdout, this.#shell.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#text += text;
      });
  }

  /** Types a block; gives what was printed and the last exit code. */
  async type(text: string): Promise<{ readonly text: string; readonly code: number }> {
    this.#text = '';
    this.#shell.stdin.write(`${text}\necho "[exit $?]"\n`);
    await this.until(/\[exit \d+\]/, 90_000);
    return { text: this.#text, code: Number(/\[exit (\d+)\]/.exec(this.#text)?.[1]) };
  }

  /** Types a block whose last command stays; resolves when it has printed this. */
  async stay(text: string, ready: RegExp): Promise<void> {
    this.#text = '';
    this.#shell.stdin.write(`${text}\n`);
    await this.until(ready, 90_000);
  }

  async until(pattern: RegExp, milliseconds: number): Promise<void> {
    const late = Date.now() + milliseconds;
    while (!pattern.test(this.#text)) {
      if (Date.now() > late || this.#shell.exitCode !== null) throw new Error(`no ${pattern} in:\n${this.#text}`);
      await sleep(50);
    }
  }

  /** Ends the whole group: the shell and what stays in it. */
  async close(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#shell;
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    const closed = new Promise((done) => this.#shell.once('close', done));
    process.kill(-pid, 'SIGTERM');
    await closed;
  }
}

async function freePorts(): Promise<{ readonly facade: number; readonly admin: number }> {
  const servers = await Promise.all(
    [0, 1].map(async () => {
      const server = createServer();
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
      return server;
    }),
  );
  const [facade = 0, admin = 0] = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) await new Promise((done) => server.close(done));
  return { facade, admin };
}

/** The page says where each ts block goes. */
async function edit(file: string, block: string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const places: readonly (readonly [RegExp, RegExp, (text: string) => string])[] = [
    [/^ {4}getUser: \{/, /^ {4}getUser: \{\n[\s\S]*?^ {4}\},\n/m, () => block],
    [/^ {2}headers: /, /^ {2}tenant: .*\n/m, (tenant) => tenant + block],
    [/^ {8}'\/avatarUrl'/, /^ {8}'\/storageBytes'/m, (next) => block + next],
  ];
  const [, at, put] = places.find(([what]) => what.test(block)) ?? [];
  if (at === undefined || put === undefined || !at.test(before)) throw new Error(`nowhere to put:\n${block}`);
  await writeFile(file, before.replace(at, put));
}

/** The request id is the one header that the façade adds; the date may be another second. */
const told = (reply: string): string =>
  reply
    .split('\r\n')
    .filter((line) => !/^(date|x-request-id|connection|keep-alive):/i.test(line))
    .join('\r\n');

t.test('docs/adopting.md is true, word for word', { timeout: 240_000 }, async (t: Test) => {
  const folder = t.testdir({});
  const ports = await freePorts();
  // The machine of a test is busy with others; what is shed by that is tested by itself.
  const env = { PORT: String(ports.facade), ADMIN_PORT: String(ports.admin), SHADOW_EVENT_LOOP_MS: '5000' };
  const [company, you] = [new Terminal(folder, {}), new Terminal(folder, {})];
  const facades: Terminal[] = [];
  t.teardown(() => Promise.all([company, you, ...facades].map((terminal) => terminal.close())));
  const said: { readonly typed: string; readonly text: string; readonly code: number }[] = [];
  let setUp = '';

  for (const { language, text } of await blocksOf(ports)) {
    if (language === 'ts') await edit(join(folder, 'adopting/photos.bindings.ts'), text);
    else if (text.includes('crossfade demo')) await company.stay(text, /Ctrl-C stops everything/);
    else if (text.includes('crossfade serve')) {
      setUp ||= text.slice(0, text.indexOf('cp '));
      await facades.at(-1)?.close();
      const next = new Terminal(folder, env);
      facades.push(next);
      await next.stay(facades.length === 1 ? text : `${setUp}${text}`, /"msg":"ready"/);
    } else said.push({ typed: text, ...(await you.type(text)) });
  }

  const after = (typed: RegExp) => said.filter((one) => typed.test(one.typed));
  const [direct = '', through = ''] = (after(/^curl/m)[0]?.text ?? '').split(/(?=HTTP\/1\.1)/);
  t.match(direct, /^HTTP\/1\.1 200 OK/);
  t.equal(told(through).replace(/\[exit 0\]\s*$/, ''), told(direct), 'byte for byte');

  const [first, second] = after(/^crossfade report/m);
  t.match(first, { code: 1, text: /wrong binding: Both stores agree against legacy/ });
  for (const forgotten of [
    'missing getUser /avatarUrl',
    'header getUser header:cache-control',
    'missing getUser /error',
  ])
    t.match(first?.text, forgotten);
  t.match(after(/^crossfade diff/m)[0]?.text, /header:cache-control/);

  t.match(second, { code: 1, text: /Earlier evidence, which counts no more/ });
  const causes = second?.text.match(/^ {2}(wrong binding|wrong data|legacy’s own|missing access check)/gm) ?? [];
  t.ok(causes.length > 0 && causes.every((cause) => cause === '  wrong data'), 'what is left is data alone');

  t.match(after(/^crossfade gate/m)[0], { code: 1, text: /requests/ });
  t.match(after(/^crossfade stage getUser legacy/m)[0], { code: 0, text: /acme: legacy/ });
});
