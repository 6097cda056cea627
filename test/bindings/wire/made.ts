import t from 'tap';
import { isMade, made } from '../../../src/bindings/wire/made.ts';

t.test('what a function of the bindings throws is known as theirs', async (t) => {
  t.equal(
    made(() => 'text'),
    'text',
  );
  t.equal(
    made(() => undefined),
    undefined,
  );
  const cause = new TypeError('no');
  try {
    made(() => {
      throw cause;
    });
    t.fail('it was made');
  } catch (error) {
    t.ok(isMade(error));
    t.not(error, cause);
  }
});

t.test('nothing else is', async (t) => {
  for (const one of [undefined, null, 'made', {}, new Error('made'), Symbol('made')]) t.notOk(isMade(one));
});
