import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, UsageError } from '../../src/errors.ts';
import type { StagesEdit } from '../../src/flags/edit.ts';
import { revisionOf } from '../../src/flags/revision.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { type Change, type ChangeOptions, fileTarget } from '../../src/flags/target.ts';
import { changing, thrown } from '../support/flag-stand-in.ts';
import { flagApi as api } from '../support/flags.ts';

const TEXT = 'operations:\n  getUser: { stage: dynamodb } # ours\n';
const LIVE = [{ operation: 'getUser', stage: 'live' }] as const;

t.test('a file: read, changed, and nothing written by a dry run', async (t) => {
  const file = join(t.testdir({ 'stages.yaml': TEXT }), 'stages.yaml');
  const target = fileTarget(file, api);
  t.match(target, { kind: 'file', name: file });
  t.ok(Object.isFrozen(target));
  const { state, odd } = await target.read();
  t.strictSame(state, parseStages(TEXT, api, file));
  t.equal(odd.size, 0);
  t.equal(await target.revision(), revisionOf(TEXT));
  const checked: unknown[] = [];
  const check: ChangeOptions['check'] = (before, after, anew) => void checked.push(before, after, anew);
  const would = await target.change(changing(LIVE, { dryRun: true, check }));
  const after = TEXT.replace('dynamodb', 'live');
  const expected: Change = {
    before: state,
    after: parseStages(after, api, file),
    anew: [],
    text: { before: TEXT, after },
  };
  t.strictSame(would, expected);
  t.strictSame(checked, [expected.before, expected.after, []]);
  t.equal(await readFile(file, 'utf8'), TEXT);
  t.strictSame(await target.change(changing(LIVE, { check })), expected);
  t.equal(checked.length, 6);
  t.equal(await readFile(file, 'utf8'), after);
  t.strictSame(await readdir(join(file, '..')), ['stages.yaml']);
  await target.close();
});

t.test('a file: what the plan or the check refuses is not written', async (t) => {
  const file = join(t.testdir({ 'stages.yaml': TEXT }), 'stages.yaml');
  const target = fileTarget(file, api);
  const no = () => {
    throw new UsageError('no');
  };
  for (const more of [{ plan: no }, { check: no }])
    for (const dryRun of [true, false])
      await t.rejects(target.change(changing(LIVE, { ...more, dryRun })), new UsageError('no'));
  t.equal(await readFile(file, 'utf8'), TEXT);
});

t.test('a file: an edit that the file would refuse names no line, since it is the edit that is wrong', async (t) => {
  const file = join(t.testdir({ 'stages.yaml': 'operations: { getUser: { floor: live } }\n' }), 'stages.yaml');
  const edits: StagesEdit[] = [
    { operation: 'getUser', stage: 'shadow' },
    { operation: 'listMessages', stage: 'live' },
  ];
  const error = await thrown(fileTarget(file, api).change(changing(edits)));
  t.strictSame(
    error,
    new UsageError(
      'getUser: stage shadow is below the floor, live\nlistMessages: stage: listMessages cannot have stage live until the bindings say `freshness`; it can have dynamodb, shadow',
    ),
  );
});

t.test('a file that is not there is made only where it is said', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  const target = fileTarget(file, api);
  const missing = new UsageError(`there is no ${file}: run this where it is, or say STAGES_FILE`);
  await t.rejects(target.read(), missing);
  for (const dryRun of [true, false]) await t.rejects(target.change(changing(LIVE, { dryRun })), missing);
  t.equal(await target.revision(), revisionOf(''));
  const made = fileTarget(file, api, true);
  t.strictSame((await made.read()).state, parseStages('', api, file));
  const would = await made.change(changing(LIVE, { dryRun: true }));
  t.match(would.text, { before: '', after: /getUser: \{ stage: live \}/ });
  t.strictSame(await readdir(join(file, '..')), []);
  await made.change(changing(LIVE));
  t.equal(await readFile(file, 'utf8'), would.text?.after);
});

t.test('a file that is wrong, or cannot be read, says where', async (t) => {
  const folder = t.testdir({ 'stages.yaml': 'operations:\n  getUsr: {}\n' });
  const wrong = fileTarget(join(folder, 'stages.yaml'), api);
  t.match(await thrown(wrong.read()), { name: 'ConfigError', message: /stages\.yaml:2: .*did you mean `getUser`/ });
  t.match(await thrown(wrong.change(changing(LIVE))), ConfigError);
  await mkdir(join(folder, 'folder'));
  t.match(await thrown(fileTarget(join(folder, 'folder'), api).read()), {
    name: 'ConfigError',
    message: /folder: cannot be read: EISDIR/,
  });
});
