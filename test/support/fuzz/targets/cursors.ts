import fc from 'fast-check';
import { type CursorContent, createCursors, plainPosition, revive } from '../../../../src/bindings/cursor.ts';
import { RequestError } from '../../../../src/errors.ts';
import { mustKeepSecret, OTHER, OWN, withTwoTenants } from '../notes.ts';
import { must, type Target } from '../target.ts';

/** A cursor that was issued, changed, and shown again, perhaps by another tenant, for another list. */
type Input = {
  /** Which of those that were issued. */
  readonly issued: number;
  /** Cut out from, up to, and what is put there instead. */
  readonly edits: readonly { readonly from: number; readonly to: number; readonly text: string }[];
  readonly tenant: string;
  readonly shelf: string;
  readonly limit: number;
  /** For a position to be sealed, opened and given back. */
  readonly position: readonly (readonly [name: string, value: string | number | boolean | null])[];
};

const SECRETS = 'a-secret-of-the-test-that-seals,an-older-secret-of-the-test';
const SHELVES = ['a', 'b', 'z', 'a-'];
const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);

export const cursors: Target<Input> = {
  name: 'cursors',
  about: 'cursors of ours, changed and carried elsewhere, and positions',
  inputs: fc.record({
    issued: fc.nat({ max: 20 }),
    edits: fc.array(
      fc.record({
        from: fc.nat({ max: 260 }),
        to: fc.nat({ max: 260 }),
        text: fc.oneof(
          fc.string({ maxLength: 3 }),
          fc.base64String({ maxLength: 40 }),
          fc.constantFrom('', '=', '-', '_', 'xf1_', 'xf2_', '%00', '\u0130'),
        ),
      }),
      { maxLength: 3 },
    ),
    tenant: fc.constantFrom(OWN, OWN, OTHER, 'nobody'),
    shelf: fc.constantFrom(...SHELVES),
    limit: fc.constantFrom(1, 1, 2, 3, 100),
    position: fc.array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'id')), scalar), {
      maxLength: 3,
    }),
  }),
  examples: [
    { issued: 0, edits: [], tenant: OWN, shelf: 'a', limit: 1, position: [['id', 'x']] },
    { issued: 4, edits: [{ from: 20, to: 21, text: 'A' }], tenant: OTHER, shelf: 'a', limit: 2, position: [['n', 1]] },
  ],
  words: ['xf1_', 'xf1', '_', '=', '==', 'A', '-', '/', '+', OWN, OTHER],
  async open(t) {
    const { facade } = await withTwoTenants(t, { stage: 'dynamodb', env: { CURSOR_SECRETS: SECRETS } });
    // What legacy issued may not go back to it.
    await facade.stages(
      'operations: { getNote: { floor: dynamodb }, listNotes: { stage: dynamodb, floor: dynamodb, tenants: { globex: live } } }\n',
    );
    const { prefix, seal, open } = createCursors(SECRETS.split(','));
    const stranger = createCursors(['a-secret-that-nobody-here-has']);
    const ask = (tenant: string, shelf: string, limit: number, cursor?: string) =>
      facade.get(
        `/notes?shelf=${shelf}&limit=${limit}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        { 'x-tenant-id': tenant },
      );
    const issued: { readonly cursor: string; readonly of: string; readonly next: string }[] = [];
    for (const tenant of [OWN, OTHER]) {
      for (const shelf of ['a', 'a-']) {
        for (const limit of [1, 2, 3]) {
          const { json } = await ask(tenant, shelf, limit);
          if (json.next !== undefined)
            issued.push({ cursor: json.next, of: JSON.stringify([tenant, shelf, limit]), next: json.notes.at(-1).id });
        }
      }
    }
    const { content } = open(issued[0]?.cursor ?? '') as { content: CursorContent };
    issued.push({ cursor: stranger.seal(content), of: 'a stranger', next: '' });
    return async ({ issued: at, edits, tenant, shelf, limit, position }) => {
      const own = Object.fromEntries(position);
      const sealed = open(seal({ ...content, position: plainPosition(own) }));
      must(sealed.ours, 'what was sealed does not open');
      const given = revive(sealed.content.position, 'dynamodb');
      must(same(given, own), 'a position comes back as another', [own, given]);

      const one = issued[Math.abs(Math.trunc(at)) % issued.length] ?? issued[0];
      must(one !== undefined, 'no cursor was issued');
      const text = edits.reduce((so, { from, to, text }) => so.slice(0, from) + text + so.slice(to), one.cursor);
      if (
        !text.isWellFormed() ||
        !/^[!-~]{1,128}$/.test(tenant) ||
        !/^[a-z-]+$/.test(shelf) ||
        !(limit >= 1 && limit <= 100) ||
        !Number.isInteger(limit)
      )
        return 'cannot be sent';
      const genuine = issued.find(({ cursor, of }) => cursor === text && of !== 'a stranger');
      const opens = opened(() => open(text).ours);
      must(opens !== true || genuine !== undefined, 'a cursor opens that was never sealed', text);
      const reply = await ask(tenant, shelf, limit, text);
      mustKeepSecret(tenant, reply.text);
      const right = genuine?.of === JSON.stringify([tenant, shelf, limit]);
      // An empty value of an optional parameter is none.
      const wanted = right || text === '' ? 200 : 400;
      // Pages of another size may be asked for, if only all else is the same.
      must(reply.status === wanted, `${reply.status} and not ${wanted} to a cursor`, [text, reply.text]);
      if (right) must((reply.json.notes[0]?.id ?? '~') > (genuine?.next ?? ''), 'the page does not follow', reply.text);
      return `${reply.status} ${text.startsWith(prefix) ? 'ours' : 'foreign'} ${opens}`;
    };
  },
};

function opened(work: () => boolean): boolean | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof RequestError && error.kind === 'invalidCursor') return undefined;
    throw error;
  }
}

/** Numbers may come back as the store's own, with the same digits. */
const same = (given: object, own: object): boolean => {
  const text = (one: object) => JSON.stringify(Object.entries(one).map(([name, value]) => [name, plain(value)]));
  return text(given) === text(own);
};

const plain = (value: unknown): unknown =>
  typeof value === 'number' || typeof value === 'bigint' ? Number(value) : (value ?? null);
