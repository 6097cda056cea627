import t from 'tap';
import { parseRoute, routeTo, tokenIn } from '../../console/route.js';

t.test('an address and back', async (t) => {
  const rows: [page: string, id: string | undefined, query: Record<string, string>][] = [
    ['stages', undefined, {}],
    ['stages', 'getUser', {}],
    ['stages', 'a/b?c#d %', { search: 'x&y=z', health: 'failing' }],
    ['findings', '0a1b2c', { pair: 'legacy-dynamodb' }],
  ];
  for (const [page, id, query] of rows) t.same(parseRoute(routeTo(page, id, query)), { page, id, query });
});

t.test('what nobody can have meant is the first page', async (t) => {
  for (const hash of ['', '#', '#/', '#/nothing', '#//x', '#token=a']) t.equal(parseRoute(hash).page, 'stages');
  t.equal(parseRoute('#/stages/%E0%A4%A').id, '%E0%A4%A', 'a broken escape stays as it is');
  t.equal(routeTo('stages', undefined, { search: '', health: undefined }), '#/stages');
});

t.test('a token is found in the address alone', async (t) => {
  t.equal(tokenIn('#token=a%2Bb'), 'a+b');
  for (const hash of ['', '#token=', '#/stages', '#/stages?token=a']) t.equal(tokenIn(hash), undefined);
});
