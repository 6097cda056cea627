import type { Document } from 'mongodb';
import t from 'tap';
import { note, withNotes } from '../support/shadow.ts';

/** The whole measure is RACE_SECONDS=60 RACE_WRITES=1000 RACE_ON_LOCAL=1: DynamoDB Local has a process of its own. */
const SECONDS = Number(process.env.RACE_SECONDS ?? 5);
const WRITES = Number(process.env.RACE_WRITES ?? 300);
const READS = 200;
const NOTES = 1_000;
/** Some are written many times a second: faster than anybody looks. */
const HOT = 5;

/** Writes that are made at once, as a service under load makes them; an item comes once in each. */
const BATCH = 25;

const id = (n: number) => `n${String(n).padStart(4, '0')}`;
const below = (n: number) => Math.floor(Math.random() * n);
const pick = () => (Math.random() < 0.2 ? below(HOT) : below(NOTES));

t.test(
  `${WRITES} racing writes a second for ${SECONDS} s: no difference is called persistent`,
  { timeout: (SECONDS * 3 + 60) * 1_000 },
  async (t) => {
    const notes = await withNotes(t, {
      // Longer than a busy machine takes: what comes later than is declared is a difference.
      within: '1s',
      ...(process.env.RACE_ON_LOCAL ? { dynamo: 'local' } : {}),
      env: { RECHECKS_PER_SECOND: '100' },
    });
    await notes.put(Array.from({ length: NOTES }, (_, n) => note(id(n))));
    const writes = { made: 0, longest: 0, pending: new Set<Promise<unknown>>() };
    const versions = new Map<number, number>();

    let stream: Promise<unknown> = Promise.resolve();

    /** One after the other, as a table's stream has them; MongoDB gets each batch some 100 ms later, whatever overtakes what. */
    const write = (numbers: ReadonlySet<number>): void => {
      const changed = [...numbers].map((n) => {
        const version = (versions.get(n) ?? 0) + 1;
        versions.set(n, version);
        const fields = { text: `version ${version}`, size: version, ver: version };
        return note(id(n), { ...fields, ...(version % 3 === 0 ? {} : { note: 'x' }) });
      });
      writes.made += changed.length;
      stream = stream.then(() => notes.putDynamo(changed));
      keep(stream.then(() => carry(changed)));
    };
    const carry = async (changed: readonly Document[]): Promise<void> => {
      const written = performance.now();
      await new Promise((done) => setTimeout(done, 80 + below(70)));
      const replace = (one: Document) => ({
        replaceOne: { filter: { id: one.id, ver: { $not: { $gt: one.ver } } }, replacement: { ...one } },
      });
      await notes.db.collection('notes').bulkWrite(changed.map(replace), { ordered: false });
      writes.longest = Math.max(writes.longest, performance.now() - written);
    };
    const steadily = async (perSecond: number, work: () => void): Promise<void> => {
      const began = performance.now();
      for (let done = 0; performance.now() - began < SECONDS * 1_000; ) {
        for (const due = ((performance.now() - began) / 1_000) * perSecond; done < due; done += 1) work();
        await new Promise((wait) => setTimeout(wait, 5));
      }
    };
    const keep = (promise: Promise<unknown>) => {
      writes.pending.add(promise);
      promise.then(
        () => writes.pending.delete(promise),
        () => {},
      );
    };
    const statuses = new Map<number, number>();
    await Promise.all([
      steadily(WRITES / BATCH, () => write(new Set(Array.from({ length: BATCH }, pick)))),
      steadily(READS, () => {
        const path = Math.random() < 0.1 ? `/notes?shelf=n0&limit=20` : `/notes/${id(pick())}`;
        keep(
          notes.facade
            .get(path, { 'x-tenant-id': 'acme' })
            .then(({ status }) => statuses.set(status, (statuses.get(status) ?? 0) + 1))
            .catch(() => statuses.set(0, (statuses.get(0) ?? 0) + 1)),
        );
      }),
    ]);
    await Promise.all(writes.pending);
    const { summary, totals } = await notes.settled();
    const verdicts = summary.operations.map(({ operation, verdicts }) => ({ operation, ...verdicts }));
    t.comment(JSON.stringify({ writes: writes.made, longestLag: Math.round(writes.longest), totals, verdicts }));
    t.same([...statuses.keys()], [200]);
    t.ok(totals.mismatch > 0, 'races were seen');
    t.same(summary.findings, [], 'and none was taken for a difference');
  },
);
