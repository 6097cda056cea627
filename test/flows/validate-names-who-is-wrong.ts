import type { Document } from 'mongodb';
import t from 'tap';
import type { FindingSummary } from '../../src/report/summary.ts';
import { LIKE_LEGACY, startNotesLegacy } from '../support/notes-legacy.ts';
import { note, withNotes } from '../support/shadow.ts';

const NOTES = 60;
/** Written while they are read, each every second or so. */
const RACED = 24;
const id = (n: number) => `n${String(n).padStart(3, '0')}`;
/** Every third note has no tags. */
const made = (n: number): Document => {
  const { tags, ...rest } = note(id(n));
  return n % 3 === 0 ? rest : { ...rest, tags };
};

/** Five wrong bindings. */
const WRONG_BINDINGS = `
  shapes: {
    Note: {
      '/at': { mongodb: { from: 'at', as: 'iso8601-seconds' } },
      '/labels': { dynamodb: 'label' },
    },
  },
`;
const wrong = (text: string) =>
  text.replace('sort: { id: 1 }', 'sort: { id: -1 }').replace('notFound: () => ({', 'notFound: () => ({ status: 410,');

/** Five wrong documents in MongoDB. */
const WRONG_DOCUMENTS: readonly (readonly [number, Document | undefined])[] = [
  [5, { $set: { text: 'Another text' } }],
  [11, { $set: { size: '12.5' } }],
  [17, undefined],
  [23, { $unset: { note: '' } }],
  [28, { $set: { tags: ['c', 'b', 'a'] } }],
];

/** What each planted fault is found as: the cause, and what a client can see of it. */
const PLANTED: Readonly<Record<string, readonly string[]>> = {
  'binding: the date form': ['wrong binding getNote value /at', 'wrong binding listNotes value /notes/*/at'],
  'binding: a missing property': [
    'wrong binding getNote missing /labels',
    'wrong binding listNotes missing /notes/*/labels',
  ],
  'binding: a default': ['wrong binding getNote missing /tags', 'wrong binding listNotes missing /notes/*/tags'],
  'binding: the order': ['wrong binding listNotes order /notes'],
  'binding: a status': ['wrong binding getNote status '],
  'document: a text': ['wrong data getNote value /text', 'wrong data listNotes value /notes/*/text'],
  'document: a type': ['wrong data getNote type /size', 'wrong data listNotes type /notes/*/size'],
  'document: gone': ['wrong data getNote status ', 'wrong data listNotes missing /notes/*'],
  'document: null against absent': ['wrong data getNote missing /note', 'wrong data listNotes missing /notes/*/note'],
  'document: an order': ['wrong data getNote order /tags', 'wrong data listNotes order /notes/*/tags'],
  'legacy: a type against the contract': [
    'legacy’s own getNote type /size',
    'legacy’s own listNotes type /notes/*/size',
  ],
  'legacy: a text cut short': ['legacy’s own getNote value /text', 'legacy’s own listNotes value /notes/*/text'],
  'access: what legacy refuses': ['missing access check getNote exposure '],
};

t.test(
  'thirteen planted faults end where they belong, and nothing else, under traffic',
  { timeout: 120_000 },
  async (t) => {
    const legacyFaults = (item: Document): Document => ({
      ...item,
      ...(Number(String(item.id).slice(1)) % 4 === 0 ? { size: String(item.size) } : {}),
      ...(item.id === id(31) ? { text: String(item.text).slice(0, 4) } : {}),
      ...(item.tags === undefined ? { tags: [] } : {}),
    });
    const notes = await withNotes(t, {
      ...{
        stage: 'validate',
        more: `${LIKE_LEGACY}${WRONG_BINDINGS}`,
        edit: wrong,
        env: { RECHECKS_PER_SECOND: '500' },
      },
      legacy: async (documents, table) =>
        (await startNotesLegacy(t, documents, table, { answer: legacyFaults, refuses: ({ id }) => id.startsWith('p') }))
          .url,
    });
    await notes.put(Array.from({ length: NOTES }, (_, n) => made(n)));
    await notes.put(['p1', 'p2'].map((one) => note(one)));
    const collection = notes.db.collection('notes');
    for (const [n, update] of WRONG_DOCUMENTS) {
      if (update === undefined) await collection.deleteOne({ id: id(n) });
      else await collection.updateOne({ id: id(n) }, update);
    }
    const race = await traffic(notes, collection);
    const { summary, totals } = await notes.settled();

    t.same(
      summary.findings.map(line).sort(),
      Object.values(PLANTED).flat().toSorted(),
      'each planted fault, told once, and nothing else',
    );
    t.equal(Object.keys(PLANTED).length, 13);
    t.same(summary.unsettled.map(line), []);
    t.same(summary.exposures.map(line), PLANTED['access: what legacy refuses']);
    t.ok(race > 20, `${race} writes raced`);
    t.equal(totals.error, 0);
    t.comment(JSON.stringify(totals), summary.findings.map((one) => `${line(one)}: ${one.because}`).join('\n'));
  },
);

const line = ({ cause, operation, kind, path }: FindingSummary) =>
  `${NAMES[cause ?? ''] ?? cause} ${operation} ${kind} ${path}`;

const NAMES: Readonly<Record<string, string>> = {
  access: 'missing access check',
  binding: 'wrong binding',
  data: 'wrong data',
  legacy: 'legacy’s own',
};

/** Reads of everything, each several times, while other notes are written, first to DynamoDB. Gives the writes. */
async function traffic(
  notes: Awaited<ReturnType<typeof withNotes>>,
  collection: ReturnType<Awaited<ReturnType<typeof withNotes>>['db']['collection']>,
): Promise<number> {
  let writes = 0;
  let over = false;
  const write = async () => {
    for (; !over; writes += 1) {
      const changed: Document = { ...note(`r${writes % RACED}`), text: `Version ${writes}`, tags: ['x'] };
      await notes.putDynamo([changed]);
      await new Promise((done) => setTimeout(done, 40));
      await collection.replaceOne({ id: changed.id }, { ...changed }, { upsert: true });
    }
  };
  const writing = write();
  const acme = { 'x-tenant-id': 'acme' };
  const paths = [
    ...Array.from({ length: NOTES }, (_, n) => `/notes/${id(n)}`),
    ...Array.from({ length: RACED }, (_, n) => `/notes/r${n}`),
    ...['p1', 'p2'].map((one) => `/notes/${one}`),
    ...Array.from({ length: 12 }, (_, n) => `/notes/none-${n}`),
    ...['n00', 'n01', 'n02', 'n03', 'n04', 'n05', 'n', 'x'].map((shelf) => `/notes?shelf=${shelf}&limit=100`),
    ...['n00', 'n01', 'n02', 'n03', 'n04', 'n05'].map((shelf) => `/notes?shelf=${shelf}`),
    '/notes?shelf=n&limit=0',
    '/notes',
  ];
  for (let round = 0; round < 3; round += 1) {
    for (const path of paths) {
      const { status } = await notes.facade.get(path, acme);
      if (status >= 500) throw new Error(`${path}: ${status}`);
    }
    await notes.facade.get('/notes/n001');
  }
  over = true;
  await writing;
  return writes;
}
