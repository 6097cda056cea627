import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { ConfigError } from '../../../../src/errors.ts';
import type { StagesState } from '../../../../src/flags/api.ts';
import { createDecider } from '../../../../src/flags/decide.ts';
import { toFeatures } from '../../../../src/flags/ladder.ts';
import { openFlags } from '../../../../src/flags/source.ts';
import { parseStages } from '../../../../src/flags/stages.ts';
import { compareStages, STAGES } from '../../../../src/model/stage.ts';
import { flagApi as api } from '../../flags.ts';
import { must, type Target } from '../target.ts';

/** A stages.yaml; `followed`: also written to disk, where flags follow it. */
type Input = { readonly text: string; readonly followed: boolean };

export const ASKERS = ['acme', 'globex', '', '__proto__', 'tenant-7', 'x'.repeat(128), 'ü', '1', 'null', 'true'];

const word = fc.constantFrom(...STAGES, 'shadwo', '', 'LIVE', 'off', '1', 'null');
const stage = fc.oneof({ arbitrary: fc.constantFrom(...STAGES), weight: 8 }, { arbitrary: word, weight: 1 });
const tenant = fc.oneof(fc.constantFrom(...ASKERS), fc.string({ unit: 'grapheme', maxLength: 10 }));
const operation = fc.record(
  {
    stage,
    floor: stage,
    ramp: fc.oneof(
      fc.record({ to: stage, percent: fc.oneof(fc.nat({ max: 100 }), fc.constantFrom(-1, 101, 0.5, '5', null)) }),
      fc.constant(null),
      fc.anything({ maxDepth: 1 }),
    ),
    tenants: fc.dictionary(tenant, stage, { maxKeys: 4 }),
    color: fc.constant('blue'),
  },
  { requiredKeys: ['stage'] },
);
const state = fc.record(
  {
    kill: fc.oneof(fc.boolean(), fc.constantFrom('yes', 1, null)),
    sampling: fc.oneof(fc.nat({ max: 100 }), fc.constantFrom(-1, 101, 1e3, '50', null)),
    operations: fc.dictionary(fc.constantFrom('getUser', 'listMessages', 'putUser', 'getUsr', '__proto__'), operation, {
      maxKeys: 4,
    }),
    more: fc.anything({ maxDepth: 2 }),
  },
  { requiredKeys: ['operations'] },
);

const GOOD = 'operations: { getUser: { stage: shadow, floor: dynamodb, tenants: { acme: live } } }\n';

const WORDS = [
  ...[
    '&a ',
    '*a',
    '<<: *a\n',
    '!!binary ',
    '!!js/function ',
    '? ',
    '---\n',
    '...\n',
    '- ',
    ': ',
    '\t',
    '|\n',
    '>\n',
    '{',
    '}',
  ],
  ...[
    '[',
    ']',
    '#',
    "'",
    '"',
    '\\',
    '%YAML 1.1\n',
    '\ufeff',
    '\r\n',
    '\u2028',
    '__proto__',
    'constructor',
    'kill: true\n',
  ],
  ...[
    'operations:',
    'getUser',
    'stage',
    'floor',
    'ramp',
    'percent',
    'tenants',
    'sampling',
    '0x10',
    '0o7',
    '1e2',
    '.inf',
    '~',
  ],
  ...STAGES,
];

export const stages: Target<Input> = {
  name: 'stages',
  about: 'texts of stages.yaml, parsed, put in force, and followed on disk',
  inputs: fc.record({
    text: fc.oneof(
      { arbitrary: state.map((value) => written(value)), weight: 4 },
      {
        arbitrary: fc.array(fc.constantFrom(...WORDS, '\n  ', ' ', ', '), { maxLength: 30 }).map((all) => all.join('')),
        weight: 1,
      },
    ),
    followed: fc.nat({ max: 40 }).map((n) => n === 0),
  }),
  examples: [
    { text: GOOD, followed: true },
    {
      text: 'kill: false\nsampling: 50\noperations:\n  getUser:\n    stage: dynamodb\n    ramp: { to: live, percent: 25 }\n',
      followed: false,
    },
    { text: 'operations: {}\n', followed: false },
    { text: 'a: &a [x, x]\nb: &b [*a, *a]\noperations: {}\n', followed: false },
  ],
  words: WORDS,
  async open(t) {
    const file = join(t.testdir({ 'stages.yaml': GOOD }), 'stages.yaml');
    const flags = await openFlags({ file, api, log: () => {} });
    t.teardown(() => flags.close());
    const put = async (text: string) => {
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
    };
    /** Whether it is in force; a refusal is told. */
    const taken = async (before: string): Promise<boolean> => {
      const until = Date.now() + 15_000;
      while (flags.revision() === before && flags.problem() === undefined) {
        must(Date.now() < until, 'an edit is neither in force nor refused');
        await sleep(3);
      }
      return flags.revision() !== before;
    };
    const reset = async () => {
      const before = flags.revision();
      await put(`${GOOD}# ${Math.random()}\n`);
      for (
        const until = Date.now() + 15_000;
        flags.revision() === before || flags.problem() !== undefined;
        await sleep(3)
      )
        must(Date.now() < until, 'a good file is not taken any more', flags.problem());
    };
    return async ({ text, followed }) => {
      const state = parsed(text);
      if (state !== undefined) mustDecide(state);
      if (!followed)
        return state === undefined ? 'refused' : `good ${state.kill} ${state.operations.some(({ named }) => named)}`;
      await reset();
      const before = flags.revision();
      const stood = JSON.stringify(ASKERS.map((asker) => flags.stageOf(0, asker).stage));
      await put(text);
      const took = await taken(before);
      must(took === (state !== undefined && text.trim() !== ''), 'followed otherwise than parsed', [
        took,
        flags.problem(),
      ]);
      const stands = JSON.stringify(ASKERS.map((asker) => flags.stageOf(0, asker).stage));
      must(took || stood === stands, 'a refused file moves somebody', [stood, stands]);
      return `followed ${took}`;
    };
  },
};

/** The state, or `undefined` where it is refused with lines. */
function parsed(text: string): StagesState | undefined {
  try {
    return parseStages(text, api, 'stages.yaml');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = text.split(/\r\n|\n|\r/).length;
    for (const { where, message } of error.problems) {
      const line = Number(/^stages\.yaml:(\d+)$/.exec(where)?.[1]);
      must(line >= 1 && line <= lines && message !== '', 'a refusal without its line', [where, message]);
    }
    must(error.problems.length > 0, 'a refusal without a reason');
    return undefined;
  }
}

/** Everyone has a stage that is offered, and none is below the floor. */
function mustDecide(state: StagesState): void {
  const decider = createDecider(api);
  decider.swap('r', toFeatures(state, api));
  for (const [index, { offered }] of api.operations.entries()) {
    const asked = state.operations[index];
    for (const asker of ASKERS) {
      const { stage, floor } = decider.stageOf(index, asker);
      must(stage !== undefined && offered.includes(stage), 'a stage that is not offered', [index, asker, stage]);
      must(compareStages(stage, floor) >= 0, 'below the floor', [index, asker, stage, floor]);
      const own = asked?.tenants.get(asker);
      must(own === undefined || state.kill || stage === own, 'another stage than the file says', [asker, stage, own]);
    }
  }
}

function written(value: unknown): string {
  try {
    return stringify(value);
  } catch {
    return JSON.stringify(value) ?? '';
  }
}
