import t from 'tap';
import { compilePage, type Unpaged } from '../../src/bindings/page.ts';

const request = (query: object) => ({ query }) as unknown as Unpaged;
const prose = { value: ({ query }: Unpaged) => query.limit, default: 10, max: 100, parameter: 'limit' };

t.test('a limit that the contract says in prose', async (t) => {
  const clamp = compilePage({ limit: prose }).limit;
  const refuse = compilePage({ limit: { ...prose, over: 'refuse' } }).limit;
  const rows: [number | undefined, number, number | undefined][] = [
    [undefined, 10, 10],
    [1, 1, 1],
    [100, 100, 100],
    [101, 100, undefined],
    [0, 1, undefined],
  ];
  for (const [asked, clamped, allowed] of rows) {
    t.equal(clamp(request({ limit: asked })), clamped, `clamp ${asked}`);
    if (allowed === undefined)
      t.throws(() => refuse(request({ limit: asked })), {
        name: 'RequestError',
        kind: 'invalidParameter',
        parameter: 'limit',
      });
    else t.equal(refuse(request({ limit: asked })), allowed, `refuse ${asked}`);
  }
});

t.test('a position is the named attributes of the last item, or each store’s own function', async (t) => {
  const named = compilePage({ cursor: () => undefined, position: ['at', 'id'] });
  t.equal(named.issues, true);
  t.same(named.position('mongodb', { at: 1, id: 'x', other: true }), { at: 1, id: 'x' });
  const own = compilePage({
    cursor: () => undefined,
    position: { dynamodb: (last) => ({ at: last.created }), mongodb: (last) => ({ at: last.at.getTime() }) },
  });
  t.same(own.position('dynamodb', { created: 5 }), own.position('mongodb', { at: new Date(5) }));
});

t.test('page numbers issue no cursors', async (t) => {
  t.equal(compilePage({ limit: ({ query }) => query.size, total: '/total' }).issues, false);
});
