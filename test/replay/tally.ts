import t from 'tap';
import { createTally } from '../../src/replay/tally.ts';
import { finding, result } from '../support/results.ts';

t.test('findings are bounded, and an exposure is told before them all', async (t) => {
  const tally = createTally();
  for (let n = 0; n < 250; n += 1) tally.record(result({ outcome: 'mismatch', findings: [finding(`f${n}`)] }));
  tally.record(result({ outcome: 'mismatch', findings: [finding('leak', { kind: 'exposure', path: '' })] }));
  const { findings } = tally.read();
  t.equal(findings.length, 201);
  t.match(findings[0], { fingerprint: 'leak', kind: 'exposure' });
});
