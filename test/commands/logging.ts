import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const CHILD = join(import.meta.dirname, '..', 'support', 'logging-child.ts');

/** Runs the child that logs, its standard output wherever it is told; gives what it said of itself. */
async function logging(lines: number, stdout: 'pipe' | number, read: boolean, how: 'close' | 'exit' = 'close') {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(_?TAP|NODE_OPTIONS)/.test(name)));
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', CHILD, String(lines), read ? '10000' : '500', how],
    {
      stdio: ['ignore', stdout, 'pipe'],
      env,
    },
  );
  let [out, err] = ['', ''];
  if (read)
    child.stdout?.on('data', (chunk) => {
      out += chunk;
    });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  const stuck = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(stuck);
  return { code, out, said: JSON.parse(err || '{}') as { late: number; dropped: number; memory: number } };
}

t.test('every line is there when the process ends', async (t) => {
  const { code, out, said } = await logging(2_000, 'pipe', true);
  t.equal(code, 0);
  t.equal(said.dropped, 0);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { n: number });
  t.same(
    lines.map(({ n }) => n),
    Array.from({ length: 2_000 }, (_, n) => n),
  );
});

t.test('who does not read standard output stalls nobody', async (t) => {
  const fifo = join(t.testdir({}), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const places = { 'a socket': 'pipe' as const, 'a pipe': openSync(fifo, constants.O_RDWR) };
  for (const [of, stdout] of Object.entries(places)) {
    const { code, said } = await logging(10_000, stdout, false);
    t.equal(code, 0, `with ${of} it ends`);
    t.ok(said.late < 500, `its event loop was late by at most ${said.late} ms`);
    t.ok(said.dropped > 4_000, `${said.dropped} lines of 10,000 were dropped and counted`);
    t.ok(said.memory < 300 * 1024 * 1024);
  }
});

t.test('a standard output that takes nothing costs the log, and neither the process nor its end', async (t) => {
  // A full disk: each write fails at once.
  const { code, said } = await logging(10_000, openSync('/dev/full', 'w'), false);
  t.equal(code, 0, 'it runs and ends');
  t.ok(said.late < 500, `its event loop was late by at most ${said.late} ms`);
  t.ok(said.dropped > 4_000, `${said.dropped} lines of 10,000 were dropped and counted`);
});

t.test('an end without a close does not wait for who does not read', async (t) => {
  for (const stdout of [openSync('/dev/full', 'w'), 'pipe' as const]) {
    const { code } = await logging(10_000, stdout, false, 'exit');
    t.equal(code, 7);
  }
});
