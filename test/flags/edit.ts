import { writeFileSync } from 'node:fs';
import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type { OperationStages } from '../../src/flags/api.ts';
import { edited, editStages, type StagesEdit } from '../../src/flags/edit.ts';
import { replaceFile } from '../../src/flags/replace.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { flagApi as api } from '../support/flags.ts';

const TEXT = `# who may change this: the payments team
kill: false

operations:
  # the busiest one
  getUser: { stage: dynamodb, ramp: { to: shadow, percent: 25 }, tenants: { acme: live } } # see ticket 7
  listMessages:
    stage: dynamodb # not yet
    tenants:
      acme: shadow # our own
`;

t.test('moves change their own words only', async (t) => {
  const whole = editStages(TEXT, { operation: 'listMessages', stage: 'shadow' });
  t.equal(whole, TEXT.replace('stage: dynamodb # not yet', 'stage: shadow # not yet'));
  const ended = editStages(TEXT, { operation: 'getUser', stage: 'shadow' });
  t.equal(ended, TEXT.replace('stage: dynamodb, ramp: { to: shadow, percent: 25 }', 'stage: shadow'));
  const ramped = editStages(TEXT, { operation: 'getUser', ramp: { to: 'shadow', percent: 50 } });
  t.equal(ramped, TEXT.replace('percent: 25', 'percent: 50'));
  const named = editStages(TEXT, { operation: 'getUser', stage: 'shadow', tenants: ['acme', 'globex'] });
  t.equal(named, TEXT.replace('acme: live', 'acme: shadow, globex: shadow'));
});

t.test('from nothing', async (t) => {
  for (const text of ['', '# hello\n', 'operations: {}\n', 'operations:\n']) {
    const edited = editStages(text, { operation: 'getUser', stage: 'live' });
    t.match(edited, /operations:\n {2}getUser: \{ stage: live \}\n/);
    if (text.includes('hello')) t.match(edited, /# hello/);
  }
});

const stages = (more: Partial<OperationStages>): OperationStages => ({
  ...{ id: 'getUser', stage: 'shadow', floor: 'legacy', ramp: undefined, tenants: new Map(), named: true },
  ...more,
});
const user = (more: object) => ({ operation: 'getUser', ...more }) as StagesEdit;
const carried = (more: Partial<OperationStages>) => user({ stages: stages(more) });
const FULL =
  'operations:\n  getUser: { stage: live, tenants: { a: complete, b: shadow }, ramp: { to: complete, percent: 5 } }\n';
const under = (text: string) => `operations:\n  getUser:\n${text}`;

/** What stands where, word by word. */
const edits: [what: string, text: string, edit: StagesEdit, edited: string][] = [
  ['a byte order mark stays', '\uFEFF# x\nkill: false\n', { kill: true }, '\uFEFF# x\nkill: true\n'],
  ['one elsewhere is no such mark', 'kill: false # \uFEFF', { kill: true }, 'kill: true # \uFEFF\n'],
  [
    'ends of lines stay those of Windows, new ones too',
    '# x\r\nkill: false\r\n',
    user({ stage: 'live' }),
    '# x\r\nkill: false\r\noperations:\r\n  getUser: { stage: live }\r\n',
  ],
  ['what is said already stays as it is', 'kill:  true # y\n', { kill: true }, 'kill: true # y\n'],
  ['quotes too', under('    stage: "live" # x\n'), user({ stage: 'live' }), under('    stage: "live" # x\n')],
  ['what is no map goes', '[a]', { sampling: 7 }, 'sampling: 7\n'],
  [
    'on one line as it was',
    'operations: { listMessages: { stage: shadow } }\n',
    user({ stage: 'live' }),
    'operations: { listMessages: { stage: shadow }, getUser: { stage: live } }\n',
  ],
  [
    'a comment at what was nothing stands above the first entry',
    'operations: # mine\n',
    user({ stage: 'live' }),
    'operations:\n  # mine\n  getUser: { stage: live }\n',
  ],
  [
    'the same of an operation',
    'operations:\n  getUser: # mine\n',
    user({ stage: 'live' }),
    under('    # mine\n    stage: live\n'),
  ],
  [
    'the same of tenants, and no second key',
    under('    tenants: # none yet\n    stage: live\n'),
    user({ stage: 'live', tenants: ['a'] }),
    under('    tenants:\n      # none yet\n      a: live\n    stage: live\n'),
  ],
  [
    'tenants go on one line',
    under('    stage: live\n'),
    user({ stage: 'shadow', tenants: ['a', 'b'] }),
    under('    stage: live\n    tenants: { a: shadow, b: shadow }\n'),
  ],
  [
    'and so does a ramp',
    under('    stage: live\n'),
    user({ ramp: { to: 'complete', percent: 5 } }),
    under('    stage: live\n    ramp: { to: complete, percent: 5 }\n'),
  ],
  [
    'everybody: neither ramp nor tenants',
    FULL,
    user({ stage: 'shadow', all: true }),
    'operations:\n  getUser: { stage: shadow }\n',
  ],
  [
    'the floor, and what rests on it',
    'operations:\n  getUser: { floor: legacy, stage: dynamodb }\n',
    user({ floor: 'dynamodb', rest: 'shadow' }),
    'operations:\n  getUser: { floor: dynamodb, stage: shadow }\n',
  ],
  [
    'carried over, with less than there was',
    FULL,
    carried({}),
    'operations:\n  getUser: { stage: shadow, floor: legacy }\n',
  ],
  [
    'carried over, with other than there was',
    FULL,
    carried({
      ramp: { to: 'live', percent: 3 },
      tenants: new Map([
        ['b', 'live'],
        ['c', 'shadow'],
      ]),
    }),
    'operations:\n  getUser: { stage: shadow, tenants: { b: live, c: shadow }, ramp: { to: live, percent: 3 }, floor: legacy }\n',
  ],
  [
    'carried over, with more than there was',
    under('    stage: live\n'),
    carried({ ramp: { to: 'live', percent: 3 }, tenants: new Map([['b', 'live']]) }),
    under('    stage: shadow\n    floor: legacy\n    ramp: { to: live, percent: 3 }\n    tenants: { b: live }\n'),
  ],
  [
    'who stays keeps their comments',
    under('    stage: live\n    tenants:\n      # big\n      a: live # old\n      b: live\n'),
    carried({ stage: 'live', tenants: new Map([['a', 'complete']]) }),
    under('    stage: live\n    tenants:\n      # big\n      a: complete # old\n    floor: legacy\n'),
  ],
  [
    'a name that is no text is nobody',
    'operations:\n  getUser: { tenants: { ? [a] : b } }\n',
    carried({ tenants: new Map([['b', 'live']]) }),
    'operations:\n  getUser: { tenants: { b: live }, stage: shadow, floor: legacy }\n',
  ],
  ['a value that is missing', under('    stage:\n'), user({ stage: 'live' }), under('    stage: live\n')],
];
for (const [what, text, edit, wanted] of edits)
  t.test(`the text: ${what}`, async (t) => {
    t.equal(editStages(text, edit), wanted);
    t.equal(editStages(wanted, edit), wanted, 'and once more changes nothing');
  });

t.test('an edit names its operation, and no other', async (t) => {
  const before = parseStages('', api, 'stages.yaml');
  const after = edited(before, user({ stage: 'live' }));
  t.strictSame(
    after.operations.map(({ named }) => named),
    [true, false, false],
  );
  t.ok(Object.isFrozen(after.operations[0]));
});

t.test('what was edited reads back as it was meant, for any tenant', async () => {
  const tenant = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }).filter((name) => name.trim() === name);
  const words = fc.constantFrom('007', 'true', 'null', '~', '<<', '__proto__', '- a', '#', '*a', '{', 'a: b', '1e3');
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(tenant, words), { minLength: 1, maxLength: 5 }), (names) => {
      const edit: StagesEdit = { operation: 'getUser', stage: 'complete', tenants: names };
      const once = editStages(TEXT, edit);
      const state = parseStages(editStages(once, edit), api, 'stages.yaml');
      return names.every((name) => state.operations[0]?.tenants.get(name) === 'complete');
    }),
    { numRuns: Number(process.env.FLAG_CASES ?? 100) },
  );
});

t.test('a file is replaced in one step, keeping mode and link, leaving nothing behind', async (t) => {
  const folder = t.testdir({ real: { 'stages.yaml': 'a' } });
  const real = join(folder, 'real', 'stages.yaml');
  const link = join(folder, 'stages.yaml');
  await chmod(real, 0o640);
  await symlink(real, link);
  await replaceFile(link, (text) => `${text}b`);
  t.equal(await readFile(real, 'utf8'), 'ab');
  t.equal((await stat(real)).mode & 0o777, 0o640);
  t.strictSame(await readdir(join(folder, 'real')), ['stages.yaml']);
});

t.test('many at once take turns', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  await Promise.all(Array.from({ length: 12 }, () => replaceFile(file, (text) => `${text}x`)));
  t.equal(await readFile(file, 'utf8'), 'x'.repeat(12));
});

t.test('a change by someone else meanwhile is kept', async (t) => {
  const file = join(t.testdir(), 'stages.yaml');
  await writeFile(file, 'theirs');
  const edit = () => {
    writeFileSync(file, 'theirs, newer');
    return 'ours';
  };
  await t.rejects(replaceFile(file, edit), /was changed meanwhile/);
  t.equal(await readFile(file, 'utf8'), 'theirs, newer');
});
