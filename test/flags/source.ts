import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { ConfigError } from '../../src/errors.ts';
import type { FlagsState } from '../../src/flags/decide.ts';
import { openFlags } from '../../src/flags/source.ts';
import { soon } from '../support/flag-server.ts';
import { flagApi as api } from '../support/flags.ts';

const STAGES = 'operations: { getUser: { stage: live, floor: dynamodb } }\n';

t.test('a kill file that is there at the start kills before any flags, and whoever listens is told', async (t) => {
  const folder = t.testdir({ 'stages.yaml': STAGES, kill: 'wrong totals\n' });
  const [file, killFile] = [join(folder, 'stages.yaml'), join(folder, 'kill')];
  const changes: FlagsState[] = [];
  const logged: unknown[] = [];
  const flags = await openFlags({
    ...{ file, killFile, api },
    log: (...line) => void logged.push(line),
    onChange: (state) => void changes.push(state),
  });
  t.teardown(() => flags.close());
  const none = { source: 'none', place: file, confirmed: 0, kept: [], revision: '' };
  const nothing = { sampling: 100, operations: [] };
  t.strictSame(changes[0], { ...none, ...nothing, kill: true, killFile: 'wrong totals' });
  t.match(changes[1], { source: 'file', kill: true, killFile: 'wrong totals', revision: flags.revision() });
  t.equal(flags.stageOf(0, 'acme').stage, 'dynamodb');
  t.strictSame(logged.splice(0), [
    ['warn', `${killFile} is there: every operation is at its floor`, { reason: 'wrong totals' }],
  ]);

  await writeFile(killFile, 'still');
  await soon(t, 'another reason', () => flags.state().killFile === 'still');
  t.match(changes.at(-1), { killFile: 'still' });
  t.strictSame(logged, [], 'it is still there');

  await rm(killFile);
  await soon(t, 'lifted', () => flags.stageOf(0, 'acme').stage === 'live');
  t.match(flags.state(), { kill: false, killFile: undefined });
  t.match(changes.at(-1), { kill: false, killFile: undefined });
  t.strictSame(logged.splice(0), [['warn', `${killFile} is gone: the flags decide again`]]);

  await writeFile(killFile, '');
  await soon(t, 'killed again', () => flags.state().kill);
  t.strictSame(logged, [['warn', `${killFile} is there: every operation is at its floor`, { reason: '' }]]);
});

t.test('a kill file that is not there is no news', async (t) => {
  const folder = t.testdir({ 'stages.yaml': STAGES });
  const logged: unknown[] = [];
  const flags = await openFlags({
    ...{ file: join(folder, 'stages.yaml'), killFile: join(folder, 'kill'), api },
    log: (...line) => void logged.push(line),
  });
  t.teardown(() => flags.close());
  t.strictSame(logged, []);
  t.equal(flags.stageOf(0, 'acme').stage, 'live');
  t.equal(flags.peek(0, 'acme').stage, 'live');
  t.strictSame(flags.stages(), [['live'], ['dynamodb'], ['legacy']]);
  t.ok(flags.ready());
  t.strictSame([...flags.odd()], [], 'a file says nothing that no ladder does');
});

t.test('nothing is followed once the flags could not be opened, or are closed', async (t) => {
  const folder = t.testdir({ 'stages.yaml': 'kil: true', 'good.yaml': STAGES });
  const killFile = join(folder, 'kill');
  const logged: unknown[] = [];
  const log = (...line: unknown[]) => void logged.push(line);
  await t.rejects(openFlags({ file: join(folder, 'stages.yaml'), killFile, api, log }), ConfigError);
  await (await openFlags({ file: join(folder, 'good.yaml'), killFile, api, log })).close();
  await writeFile(killFile, '');
  await sleep(500);
  t.strictSame(logged, []);
});
