import t from 'tap';
import { parseDuration } from '../../src/model/duration.ts';

t.test('a number and its unit', async (t) => {
  for (const [text, milliseconds] of [
    ['250ms', 250],
    ['5s', 5_000],
    ['1.25s', 1_250],
    ['2 m', 120_000],
    ['10h', 36_000_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ] as const)
    t.equal(parseDuration(text), milliseconds, text);
  for (const text of ['', '5', 's', '5S', '5 sec', '-5s', ' 5s', '5s ', '1.s', '.5s', '5 x s', '1.as', 'PT5S', '1e3s'])
    t.equal(parseDuration(text), undefined, text);
});
