import t from 'tap';
import { ConfigError } from '../../src/errors.ts';
import { withKillCure } from '../../src/operate/edits.ts';

t.test('however much is wrong with a file, whoever wants to kill is told the other way', async (t) => {
  const problems = Array.from({ length: 150 }, (_, n) => ({ where: `stages.yaml:${n}`, message: 'is wrong' }));
  const { message } = withKillCure(new ConfigError(problems)) as ConfigError;
  t.match(message, /is not done.*crossfade kill --local/);
  t.match(message, /and 51 more, to be seen once these are mended$/);
});
