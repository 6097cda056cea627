import fc from 'fast-check';
import t from 'tap';
import type { StagesState } from '../../src/flags/api.ts';
import { sameStages, stagesProblem } from '../../src/flags/api.ts';
import { createDecider } from '../../src/flags/decide.ts';
import { edited, editStages, type StagesEdit } from '../../src/flags/edit.ts';
import { fromFeatures, toFeatures } from '../../src/flags/ladder.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { compareStages, type Stage } from '../../src/model/stage.ts';
import { flagApi as api, tenants } from '../support/flags.ts';

const parse = (text: string): StagesState => parseStages(text, api, 'stages.yaml');
const same = (a: StagesState, b: StagesState): boolean =>
  a.kill === b.kill &&
  a.sampling === b.sampling &&
  a.operations.every((one, at) => sameStages(one, b.operations[at] as (typeof b.operations)[number]));

const NAMES = tenants(300);
const stage = fc.constantFrom<Stage>('legacy', 'dynamodb', 'shadow', 'live', 'complete');
const edit: fc.Arbitrary<StagesEdit> = fc.oneof(
  fc.record({ operation: fc.constant('getUser'), stage, all: fc.boolean() }),
  fc.record({
    operation: fc.constant('getUser'),
    stage,
    tenants: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 260 }),
  }),
  fc.record({ operation: fc.constant('getUser'), ramp: fc.record({ to: stage, percent: fc.nat(100) }) }),
  fc.record({ operation: fc.constant('getUser'), floor: stage, rest: fc.constant('dynamodb' as Stage) }),
  fc.record({ kill: fc.boolean() }),
  fc.record({ sampling: fc.nat(100) }),
);

t.test('a file and a server come to the same by the same changes, and read them back', async () => {
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
      let text = '# ours\noperations:\n  getUser: { stage: dynamodb } # busy\n';
      let state = parse(text);
      for (const given of edits) {
        const one =
          'floor' in given ? { ...given, rest: (state.operations[0] as never as { stage: Stage }).stage } : given;
        const next = edited(state, one);
        const problem = next.operations
          .map((stages, at) => stagesProblem(stages, api.operations[at] as never))
          .find(Boolean);
        const written = editStages(text, one);
        if (problem !== undefined) {
          // What the server's side refuses the file's refuses too.
          let refused = false;
          try {
            parse(written);
          } catch {
            refused = true;
          }
          if (!refused) return false;
          continue;
        }
        [text, state] = [written, next];
        if (!same(parse(text), state)) return false;
        const read = fromFeatures(toFeatures(state, api), api);
        if (read.odd.size > 0 || !same(read.state, state)) return false;
      }
      return text.startsWith('# ours\n') && text.includes('# busy');
    }),
    { numRuns: Number(process.env.FLAG_CASES ?? 150) },
  );
});

t.test('a state that is carried over whole is the same there', async (t) => {
  const from = parse(
    'kill: true\nsampling: 7\noperations: { getUser: { stage: dynamodb, floor: dynamodb, ramp: { to: live, percent: 3 }, tenants: { "007": live, "a b": shadow } } }',
  );
  const to = 'operations:\n  getUser: { stage: complete, tenants: { other: complete } }\n';
  const edits: StagesEdit[] = [
    { kill: from.kill },
    { sampling: from.sampling },
    ...from.operations.map((stages) => ({ operation: stages.id, stages })),
  ];
  t.ok(same(parse(edits.reduce(editStages, to)), from));
  t.ok(same(edits.reduce(edited, parse(to)), from));
});

t.test('the floor that is decided by is the highest truth: nothing asked for below it is given', async () => {
  fc.assert(
    fc.property(stage, stage, fc.boolean(), fc.boolean(), (asked, floor, kill, enabled) => {
      const features = toFeatures(
        { ...parse(''), kill, operations: parse('').operations.map((one) => ({ ...one, stage: asked, floor })) },
        api,
      );
      const decider = createDecider(api);
      decider.swap(
        '1',
        features.map((feature) => (feature.name === 'photos.getUser' ? { ...feature, enabled } : feature)),
      );
      const found = decider.stageOf(0, 'acme').stage;
      return found !== undefined && compareStages(found, floor) >= 0 && (!kill || found === floor);
    }),
  );
});
