import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import t from 'tap';
import { startDemo } from '../../src/commands/demo.ts';
import { crossfade } from '../support/process.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

t.test('recorded requests of three formats, through the demo’s legacy service and both stores', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'crossfade-replay-'));
  t.teardown(() => rm(cwd, { recursive: true }));
  const quiet = { PORT: '0', ADMIN_PORT: '0', LOG_LEVEL: 'silent' };
  const demo = await startDemo({ out: () => {}, err: () => {}, env: quiet, cwd, color: false });
  t.teardown(() => demo.close());
  const run = (...words: string[]) => crossfade(cwd, {}, 'replay', ...words);

  const users = Array.from({ length: 12 }, (_, at) => `/users/u-${1001 + at}`);
  const ndjson = [...users, '/conversations', '/conversations/c-101', '/conversations/c-101/messages?limit=3'].map(
    (path) => JSON.stringify({ path, headers: { 'X-Tenant-Id': 'acme', Authorization: 'Bearer recorded' } }),
  );
  ndjson.push('{"method":"POST","path":"/conversations","body":{}}', '\u001b[31mnonsense');
  await writeFile(join(cwd, 'requests.ndjson'), `${ndjson.join('\n')}\n`);

  await t.test('NDJSON', async (t) => {
    const { code, out, err } = await run('requests.ndjson');
    t.equal(code, 1, err);
    t.match(out, /^15 requests replayed, \d+ later pages walked\.\n/);
    t.match(out, /getUser +legacy-mongodb +12 /);
    t.match(out, /getUser +dynamodb-mongodb +12 /);
    t.match(out, /type|value getUser|value +getUser/);
    t.match(out, /1 writes, which are never sent \(first: requests.ndjson:16\)/);
    t.match(out, /1 line could not be read:\n {2}requests.ndjson:17: no JSON\n/);
    t.match(out, /Go on with `crossfade report`/);
    t.notOk(/[^\P{Cc}\n]/u.test(out + err), 'no control character of the data is printed');
    const report = await crossfade(cwd, {}, 'report', 'getUser');
    t.equal(report.code, 1);
    t.match(report.out, /replayed, not clients’: .*12 of 12/);
    const data = JSON.parse((await crossfade(cwd, {}, 'report', '--json')).out);
    t.match(
      data.operations.filter(({ operation }: { operation: string }) => operation === 'getUser'),
      [{ compared: 12, replayed: 12 }, { replayed: 12 }, { replayed: 12 }],
    );
  });

  await t.test('combined log, compressed, for two tenants', async (t) => {
    const lines = users.map(
      (path) => `10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET ${path} HTTP/1.1" 200 12 "-" "curl"\n`,
    );
    await pipeline(Readable.from(lines), createGzip(), createWriteStream(join(cwd, 'access.log.gz')));
    const tenants = ['--tenants', 'acme,globex', '--origins', 'legacy,dynamodb', '--json'];
    const { code, out, err } = await run('access.log.gz', ...tenants);
    t.equal(code, 0, err);
    t.match(JSON.parse(out).counted, {
      taken: 24,
      operations: [{ operation: 'getUser', requests: 24, tenants: [{ requests: 12 }, { requests: 12 }] }],
      pairs: [{ pair: 'legacy-dynamodb', compared: 24, match: 24 }],
    });
    const without = await run('access.log.gz');
    t.match(without, { code: 0, out: /12 without a tenant: say --header or --tenants/ });
  });

  await t.test('HAR, previewed', async (t) => {
    const entries = users.map((path) => ({
      request: {
        method: 'GET',
        url: `https://photos.example${path}`,
        headers: [{ name: 'x-tenant-id', value: 'acme' }],
      },
    }));
    await writeFile(join(cwd, 'session.har'), JSON.stringify({ log: { entries } }));
    const { code, out } = await run('session.har', '--dry-run');
    t.equal(code, 0);
    t.match(
      out,
      /^12 requests of session.har would be asked; nobody was\.\n\noperation +tenant +requests\ngetUser +acme +12\n/,
    );
  });

  await t.test('Ctrl-C ends it with what was done so far', async (t) => {
    const slow = ['replay', 'requests.ndjson', '--rate', '4'];
    const child = spawn(process.execPath, [CLI, ...slow], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk) => out.push(chunk));
    const ended = once(child, 'close');
    await new Promise((done) => setTimeout(done, 3_500));
    child.kill('SIGINT');
    t.same(await ended, [130, null]);
    t.match(Buffer.concat(out).toString(), /^Interrupted: \d+ requests? replayed/);
  });

  await t.test('wrong use says what is wrong', async (t) => {
    for (const [words, message] of [
      [['none.log'], /there is no file none.log/],
      [['requests.ndjson', '--origins', 'mongo'], /mongo is none of legacy, dynamodb, mongodb/],
      [['requests.ndjson', '--origins', 'mongodb'], /Two or three different origins/],
      [['requests.ndjson', '--rate', '0'], /above 0/],
      [['requests.ndjson', '--limit', '1.5'], /whole number/],
      [['requests.ndjson', '--strict'], /requests.ndjson:17: no JSON/],
    ] as const) {
      const { code, err } = await run(...words);
      t.equal(code, 2, words.join(' '));
      t.match(err, message);
    }
  });
});

t.test('a file of any size is read in flat memory', async (t) => {
  const cwd = await mkdtemp(join(tmpdir(), 'crossfade-replay-'));
  t.teardown(() => rm(cwd, { recursive: true }));
  const lines = function* () {
    for (let at = 0; at < 200_000; at += 1)
      yield `10.0.0.${at % 256} - - [10/Oct/2026:13:55:36 +0000] "GET /users/u-${at} HTTP/1.1" 200 12 "https://photos.example/${'x'.repeat(300)}" "${'y'.repeat(300)}"\n`;
  };
  await pipeline(Readable.from(lines()), createWriteStream(join(cwd, 'access.log')));
  const bindings = join(import.meta.dirname, '..', '..', 'openapi', 'photos.bindings.ts');
  const heap = { NODE_OPTIONS: '--disable-warning=ExperimentalWarning --max-old-space-size=96' };
  const env = { ...heap, MONGODB_URI: 'mongodb://127.0.0.1:1/none', AWS_REGION: 'eu-west-1' };
  const words = ['access.log', '--tenants', 'acme', '--dry-run', '--json', '--bindings', bindings];
  const { code, out, err } = await crossfade(cwd, env, 'replay', ...words);
  t.equal(code, 0, err);
  t.match(JSON.parse(out || '{}'), { taken: 200_000, operations: [{ operation: 'getUser', requests: 200_000 }] });
});
