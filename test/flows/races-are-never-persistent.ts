import t from 'tap';
import { note, withNotes } from '../support/shadow.ts';

/** The whole measure is RACE_SECONDS=60 RACE_WRITES=1000. */
const SECONDS = Number(process.env.RACE_SECONDS ?? 5);
const WRITES = Number(process.env.RACE_WRITES ?? 300);
const READS = 200;
const NOTES = 1_000;
/** Some are written many times a second: faster than anybody looks. */
const HOT = 5;

const id = (n: number) => `n${String(n).padStart(4, '0')}`;
const below = (n: number) => Math.floor(Math.random() * n);
const pick = () => (Math.random() < 0.2 ? below(HOT) : below(NOTES));

t.test(
  `${WRITES} racing writes a second for ${SECONDS} s: no difference is called persistent`,
  { timeout: (SECONDS + 60) * 1_000 },
  async (t) => {
    const notes = await withNotes(t, { within: '500ms', env: { RECHECKS_PER_SECOND: '100' } });
    await notes.put(Array.from({ length: NOTES }, (_, n) => note(id(n))));
    const writes = { made: 0, longest: 0, pending: new Set<Promise<unknown>>() };
    const versions = new Map<number, number>();

    const before = new Map<number, Promise<void>>();
    const write = async (n: number): Promise<void> => {
      const version = (versions.get(n) ?? 0) + 1;
      versions.set(n, version);
      const changed = note(id(n), {
        text: `version ${version}`,
        size: version,
        ver: version,
        ...(version % 3 === 0 ? {} : { note: 'x' }),
      });
      // One after the other, as a table's stream has them.
      const mine = (before.get(n) ?? Promise.resolve()).then(() => notes.putDynamo(changed));
      before.set(n, mine);
      await mine;
      const written = performance.now();
      await new Promise((done) => setTimeout(done, 80 + below(70)));
      // As a sink connector: in order per item, whatever overtakes what.
      await notes.db.collection('notes').replaceOne({ id: id(n), ver: { $not: { $gt: version } } }, { ...changed });
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
      void promise.finally(() => writes.pending.delete(promise));
    };
    const statuses = new Map<number, number>();
    await Promise.all([
      steadily(WRITES, () => {
        writes.made += 1;
        keep(write(pick()));
      }),
      steadily(READS, () => {
        const path = Math.random() < 0.1 ? `/notes?shelf=n0&limit=20` : `/notes/${id(pick())}`;
        keep(
          notes.facade
            .get(path, { 'x-tenant-id': 'acme' })
            .then(({ status }) => statuses.set(status, (statuses.get(status) ?? 0) + 1)),
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
