import t from 'tap';
import { type HealthFacts, ROW_HEALTH, rowHealth } from '../../src/admin/row-health.ts';

const well: HealthFacts = {
  ...{ ready: true, without: 0, replies: 100, errorShare: 0, exposures: 0, findings: 0, broken: [] },
};

// Each row with the least that makes it true, in the order of the table.
const rows: readonly (readonly [Partial<HealthFacts>, string, RegExp])[] = [
  [{ ready: false }, 'failing', /never any flags/],
  [{ exposures: 2 }, 'failing', /2 exposures/],
  [{ without: 1 }, 'failing', /1 tenant can have no stage/],
  [{ replies: 20, errorShare: 0.05 }, 'failing', /5 % of the last minute/],
  [{ broken: ['mongodb'] }, 'failing', /mongodb did not answer/],
  [{ findings: 1 }, 'differs', /1 finding confirmed/],
  [{ replies: 0 }, 'idle', /No request/],
  [{}, 'good', /^$/],
];

t.equal(rows.length, ROW_HEALTH.length, 'every row of the table is walked');
for (const [at, [some, health, why]] of rows.entries()) {
  t.test(`${health}: ${why}`, async (t) => {
    const facts = { ...well, ...some };
    t.match(rowHealth(facts), { health, why });
    t.equal(
      ROW_HEALTH.findIndex(({ when }) => when(facts)),
      at,
      'by its own row',
    );
    // The worse comes first, whatever else is so.
    for (const [worse] of rows.slice(0, at)) t.match(rowHealth({ ...facts, ...worse }).health, /failing|differs|idle/);
  });
}

t.test('a few replies have no share', async (t) => {
  t.equal(rowHealth({ ...well, replies: 19, errorShare: 0.5 }).health, 'good');
  t.equal(rowHealth({ ...well, replies: 1_000, errorShare: 0.049 }).health, 'good');
});
