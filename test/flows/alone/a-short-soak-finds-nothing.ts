import t from 'tap';
import { soak } from '../../../bench/soak/soak.ts';

t.test('under faults and moves every reply is what the data say, and fails for its control alone', async (t) => {
  const { verdicts, moves, disturbances, wrong, comparisons } = await soak({
    ...{ milliseconds: 20_000, seed: 20_260, most: 60, times: { pause: 2_000, lasts: 1_500 } },
    // The machine of a test is busy with others; who is refused for that is tested by itself.
    env: { OVERLOAD_EVENT_LOOP_MS: '60000' },
    log: (line) => t.comment(line),
  });
  t.same(wrong, []);
  t.ok(verdicts.right > 300, `${verdicts.right} right replies, ${verdicts.excused} excused, ${comparisons}`);
  t.ok(moves >= 4, `${moves} moves`);
  t.ok(disturbances.length >= 4, disturbances.map(({ target, how }) => `${target}: ${how}`).join());
});
