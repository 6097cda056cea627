import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { crossfade, type Served, serveAlone } from '../support/process.ts';
import { note, withNotes } from '../support/shadow.ts';
import { withUnleash } from '../support/unleash.ts';

interface Reply {
  readonly at: number;
  readonly status: number;
  readonly origin: string;
}

/** Requests from eight clients, one after the other each, until told to stop. */
function load({ url }: Served) {
  const replies: Reply[] = [];
  let going = true;
  const client = async (at: number): Promise<void> => {
    while (going) {
      const sent = Date.now();
      const headers = { 'x-tenant-id': `tenant-${at}` };
      const reply = await fetch(`${url}/notes/n-1`, { headers }).catch(() => undefined);
      await reply?.arrayBuffer();
      const origin = /origin;desc=(\w+)/.exec(reply?.headers.get('server-timing') ?? '')?.[1] ?? 'none';
      replies.push({ at: sent, status: reply?.status ?? 0, origin });
      await sleep(2);
    }
  };
  const clients = Array.from({ length: 8 }, (_, at) => client(at));
  return {
    replies,
    stop: async () => {
      going = false;
      await Promise.all(clients);
    },
  };
}

/** A façade at `live` for eight tenants, with flags from a server or from stages.yaml. */
async function scene(t: Test, source: 'server' | 'file', floor: string) {
  const name = `notes-${randomBytes(4).toString('hex')}`;
  const notes = await withNotes(t, { name });
  await notes.put(Array.from({ length: 8 }, (_, at) => note('n-1', { pk: `tenant-${at}` })));
  await notes.facade.app.close();
  const folder = join(t.testdirName, 'served');
  await mkdir(folder, { recursive: true });
  const unleash = source === 'server' ? (await withUnleash(t)).env : { STAGES_FILE: 'stages.yaml' };
  const env = { ...notes.env, ...unleash, UNLEASH_REFRESH_MS: '500' };
  const bindings = notes.facade.app.bindings.file;
  const operator = (...words: string[]) => crossfade(folder, { ...env, BINDINGS: bindings }, ...words);
  const forced = ['--force', '--reason', 'the test'];
  if (source === 'server') await operator('flags', 'init');
  else await writeFile(join(folder, 'stages.yaml'), 'operations: {}\n');
  const moved = await operator('stage', 'getNote', floor === 'complete' ? 'complete' : 'live', ...forced);
  t.equal(moved.code, 0, moved.err);
  t.equal((await operator('floor', 'getNote', floor)).code, 0);
  const served = await serveAlone(t, folder, bindings, env);
  return { operator, served };
}

for (const source of ['server', 'file'] as const) {
  t.test(
    `kill during load at live with floor shadow, flags from a ${source}: DynamoDB within a second, no error`,
    async (t) => {
      const { operator, served } = await scene(t, source, 'shadow');
      const traffic = load(served);
      await sleep(500);
      t.ok(traffic.replies.length > 20 && traffic.replies.every(({ origin }) => origin === 'mongodb'));
      const killed = await operator('kill', '--reason', 'wrong totals');
      const returned = Date.now();
      t.match(killed, { code: 0, out: /getNote +100 % live +shadow/ });
      await sleep(1_500);
      const lifted = await operator('kill', '--lift');
      t.equal(lifted.code, 0);
      await sleep(1_200);
      await traffic.stop();
      const { replies } = traffic;
      t.strictSame([...new Set(replies.map(({ status }) => status))], [200], 'no error');
      const first = replies.find(({ origin }) => origin === 'dynamodb')?.at ?? 0;
      const killedReplies = replies.filter(({ at }) => at > returned + 1_000 && at < returned + 1_500);
      t.ok(killedReplies.length > 20);
      t.ok(
        killedReplies.every(({ origin }) => origin === 'dynamodb'),
        'all from DynamoDB a second after the command',
      );
      t.comment(
        `the first from DynamoDB ${first - returned} ms after the command returned; ${replies.length} requests`,
      );
      t.equal(replies.at(-1)?.origin, 'mongodb', 'lifted');
    },
  );
}

t.test('kill with floor complete: nothing moves, and the operator is told why', async (t) => {
  const { operator, served } = await scene(t, 'server', 'complete');
  const traffic = load(served);
  const preview = await operator('kill', '--dry-run');
  t.match(preview, {
    code: 0,
    out: /getNote +100 % complete +complete +0 +stays: its floor is complete, older answers are not true any more/,
  });
  t.match(await operator('kill'), { code: 0, out: /getNote .* stays: its floor is complete/ });
  await sleep(1_500);
  await traffic.stop();
  t.ok(traffic.replies.every(({ origin, status }) => origin === 'mongodb' && status === 200));
  t.match(await operator('floor', 'getNote', 'shadow'), {
    code: 2,
    err: /gives true answers again; someone must answer for it/,
  });
  t.match(await operator('floor', 'getNote', 'shadow', '--force', '--reason', 'restored'), { code: 0 });
  await sleep(1_000);
  const reply = await fetch(`${served.url}/notes/n-1`, { headers: { 'x-tenant-id': 'tenant-1' } });
  t.match(reply.headers.get('server-timing'), 'origin;desc=dynamodb', 'the kill reaches as far as the floor lets it');
});
