import t from 'tap';
import { createCompile } from '../../src/contract/schema.ts';

t.test('equal schemas have one validator', async (t) => {
  const compile = createCompile('3.0');
  const first = compile({ type: 'string', maxLength: 3 });
  t.equal(compile({ type: 'string', maxLength: 3 }), first);
  t.not(compile({ type: 'string', maxLength: 4 }), first);
  t.not(compile({ type: 'string', maxLength: 3, nullable: true }), first);
  t.same([first('abc'), first('abcd'), first(null)], [true, false, false]);
  t.equal(compile(true), compile(true));
});
