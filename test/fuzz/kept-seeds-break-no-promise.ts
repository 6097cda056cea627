import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { fuzz, judged } from '../support/fuzz/engine.ts';
import { repliesIn } from '../support/fuzz/replies.ts';
import { readSeeds, SEEDS } from '../support/fuzz/seeds.ts';
import { must, type Target } from '../support/fuzz/target.ts';
import { TARGETS } from '../support/fuzz/targets/index.ts';

t.jobs = 1;

for (const target of TARGETS) {
  t.test(`${target.name}: ${target.about}`, async (t) => {
    const run = await target.open(t);
    for (const [at, input] of target.examples.entries()) t.ok(await judged(target, run, input), `example ${at}`);
    for (const { name, why, input } of readSeeds(target.name))
      t.ok(await judged(target, run, input), `${name}: ${why}`);
  });
}

t.test('each kept seed belongs to a target', async (t) => {
  const names = new Set(TARGETS.map(({ name }) => name));
  t.same(
    (await readdir(SEEDS)).filter((name) => !names.has(name)),
    [],
  );
});

/** Breaks its promise where a text holds a letter that no input of its own has. */
const broken: Target<{ readonly text: string; readonly free: number }> = {
  name: 'broken',
  about: 'a target with a mistake',
  inputs: fc.record({ text: fc.string({ unit: fc.constantFrom('x', 'y'), maxLength: 30 }), free: fc.nat() }),
  examples: [{ text: 'abc', free: 1 }],
  words: ['q', 'r'],
  open: async () => async (input) => {
    must(!/q/.test(input.text), 'a letter', input.text);
    return String(input.text.length % 3);
  },
};

t.test('a broken promise is found, told once, made small, and kept', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-fuzz-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const target = broken as unknown as Target;
  const told: string[] = [];
  const { findings, inputs } = await fuzz(target, await target.open(t), {
    ...{ milliseconds: 2_000, seed: 1, keep: false, folder },
    onFinding: ({ message }) => told.push(message),
  });
  t.equal(findings.length, 1, `after ${inputs} inputs`);
  t.match(told, [/^a letter: .*q/]);
  const [seed] = readSeeds('broken', folder);
  t.match(seed, { why: /^a letter/, input: { text: /q/ } });
  await t.rejects(async () => judged(target, await target.open(t), seed?.input ?? null), /a letter/);
});

t.test('what nobody caught, what has no end and what is slow breaks a promise', async (t) => {
  const of = (run: () => Promise<string>) => judged({ ...(broken as unknown as Target), patience: 20 }, run, null);
  await t.rejects(
    of(async () => {
      process.emit('unhandledRejection', new Error('stray'), Promise.resolve());
      return 'x';
    }),
    /nobody caught[\s\S]*stray/,
  );
  const slow = (times: number, sound: number) => {
    let left = times;
    const run = async (input: unknown) => {
      if (input !== null) await new Promise((done) => setTimeout(done, sound));
      else if (left > 0) {
        left -= 1;
        await new Promise((done) => setTimeout(done, 400));
      }
      return 'x';
    };
    return judged({ ...(broken as unknown as Target), patience: 20 }, run, null);
  };
  await t.rejects(slow(3, 0), /takes too long/);
  t.equal(await slow(2, 0), 'x', 'what was slow twice may have been the machine');
  t.equal(await slow(3, 60), 'x', 'and so may what is slow while all is');
});

t.test('replies are read as RFC 9112 has them', (t) => {
  const of = (text: string) => repliesIn(text).map(({ status, body, whole }) => [status, body, whole]);
  t.same(of('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No Content\r\n\r\n'), [
    [200, 'ok', true],
    [204, '', true],
  ]);
  t.same(
    of('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n').length,
    2,
    'a HEAD',
  );
  t.same(of('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'), [[200, 'ok', true]]);
  t.same(of('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'), [[200, 'ok', false]]);
  for (const wrong of [
    'hello',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n',
  ])
    t.throws(() => repliesIn(wrong), /no HTTP/, JSON.stringify(wrong));
  t.end();
});
