import t from 'tap';
import { STAGES } from '../../src/model/stage.ts';
import {
  ageText,
  type Case,
  endedText,
  enough,
  everyKey,
  few,
  howToCompare,
  kindOf,
  lookAtP99,
  newcomer,
  pastOf,
  shareAtMost,
  UNCOUNTED,
  waiverOf,
} from '../../src/report/gate-case.ts';
import { bucketOf } from '../../src/results/buckets.ts';
import { DAY, FIGURES, facts, NOW, pairFacts, row, target } from '../support/gate.ts';

const at = (ms: number) => new Date(NOW - ms);
const one = (some: Partial<Case> = {}): Case => ({
  ...{ facts: facts(), figures: FIGURES, target: target(), now: NOW, pair: 'dynamodb-mongodb', of: pairFacts() },
  ...some,
});

t.test('names are five at most', async (t) => {
  t.equal(few(['a', 'b', 'c', 'd', 'e']), 'a, b, c, d, e');
  t.equal(few(['a', 'b', 'c', 'd', 'e', 'f', 'g']), 'a, b, c, d, e and 2 more');
});

t.test('ages in days where they are whole, else in hours', async (t) => {
  t.equal(ageText(DAY), '1 day');
  t.equal(ageText(2 * DAY), '2 days');
  t.equal(ageText(DAY / 2), '12 h');
  t.equal(ageText(DAY / 7), '3.43 h');
});

t.test('a full replay stands for as many days as count, and for one at least', async (t) => {
  const by = (ms: number, days: number) => everyKey(pairFacts({ exhaustive: at(ms) }), { ...FIGURES, days }, NOW);
  t.equal(by(7 * DAY, 7), 'all that there is was replayed on 2026-11-14 12:00');
  t.equal(by(7 * DAY + 1, 7), undefined);
  t.ok(by(DAY, 0));
  t.equal(by(DAY + 1, 0), undefined);
  t.equal(everyKey(pairFacts(), FIGURES, NOW), undefined);
});

t.test('a kind counts where it was more than passing', async (t) => {
  const findings = [
    row({ kind: 'order', n: 5, transient: 2 }),
    row({ kind: 'order', n: 4, transient: 4, fingerprint: 'gone' }),
    row({ kind: 'value', n: 9, fingerprint: 'other' }),
  ];
  t.same(kindOf(findings, 'order'), { state: 'fail', wanted: 'none', got: '3 times', what: 'f00d' });
  t.same(kindOf([], 'order'), { state: 'pass', wanted: 'none', got: '0 times', what: '' });
});

t.test('the share of clients counts where it is more, and where they are many', async (t) => {
  const share = (all: [number, number], clients: [number, number]) => {
    const { state, got, wanted, what } = shareAtMost(all, clients, 0.05, 'fail');
    t.same([wanted, what], ['at most 5 %', '']);
    return [state, got];
  };
  t.same(share([5, 100], [5, 100]), ['pass', '5 %'], 'as much as may be');
  t.same(share([6, 100], [6, 100]), ['fail', '6 %']);
  t.same(share([6, 1000], [6, 100]), ['fail', '6 % (without replays)'], 'not thinned out');
  t.same(share([4, 1000], [4, 100]), ['pass', '4 % (without replays)']);
  t.same(share([60, 1000], [1, 100]), ['fail', '6 %'], 'what replays showed counts');
  t.same(share([1, 1000], [1, 19]), ['pass', '0.1 %'], 'one of so few is too many by chance');
  t.same(share([2, 1000], [2, 20]), ['fail', '10 % (without replays)']);
  t.same(share([0, 0], [0, 0]), ['pass', '0 %']);
});

t.test('enough, or what stands for it', async (t) => {
  t.same(enough(3_500, 3_500, undefined), { wanted: '3,500', what: '', state: 'pass', got: '3,500' });
  t.same(enough(10, 3_500, 'waived'), { wanted: '3,500', what: '', state: 'pass', got: '10; waived' });
  t.same(enough(10, 3_500, undefined), { wanted: '3,500', what: '', state: 'insufficient', got: '10' });
  t.match(enough(10, 3_500, undefined, 'over'), { state: 'insufficient', got: '10 (over)' });
});

t.test('waivers of one stratum alone, one that holds before one that has ended', async (t) => {
  const waiver = (stratum: string, until: string) => ({ stratum, until, reason: 'x' });
  const figures = {
    ...FIGURES,
    waivers: [waiver('b', '2027-01-01'), waiver('a', '2026-11-20'), waiver('a', '2026-12-01')],
  };
  t.match(waiverOf(figures, 'a', NOW), { until: '2026-12-01' });
  t.equal(waiverOf(figures, 'a', NOW + 30 * DAY), 'expired');
  t.equal(waiverOf(figures, 'c', NOW), undefined);
  t.equal(endedText(figures, 'a'), 'its waiver ended on 2026-11-20');
});

t.test('what does not count is what somebody wanted, and says why', async (t) => {
  for (const [reason, text] of Object.entries(UNCOUNTED.skipped ?? {})) t.match(text, /\w{3}/, reason);
  t.ok(Object.isFrozen(UNCOUNTED) && Object.isFrozen(UNCOUNTED.skipped));
});

t.test('p99 of a hundred at least, of clients where there are as many of both', async (t) => {
  const both = (dynamodb: number, mongodb: number, n = 100, m = n) => ({
    ...{ dynamodb: { [bucketOf(dynamodb)]: n }, mongodb: { [bucketOf(mongodb)]: m } },
  });
  const state = (some: Parameters<typeof pairFacts>[0], figures = FIGURES) =>
    lookAtP99(one({ of: pairFacts(some), figures }))[0]?.state;
  t.equal(state({ durations: both(20, 20) }), 'pass');
  t.equal(state({ durations: both(20, 20, 99) }), 'insufficient');
  t.equal(state({ durations: both(20, 20, 100, 99) }), 'insufficient');
  t.equal(
    state({ durations: both(20, 20, 20) }, { ...FIGURES, requests: 20 }),
    'pass',
    'no more than are wanted at all',
  );
  t.equal(state({ durations: both(20, 20), clientDurations: both(20, 90) }), 'fail');
  t.equal(state({ durations: both(20, 20), clientDurations: both(20, 90, 100, 99) }), 'pass', 'too few of one');
  t.same(lookAtP99(one({ of: pairFacts({ durations: both(20, 20, 100, 5) }) })), [
    { state: 'insufficient', wanted: '100', got: '5', what: 'MongoDB' },
  ]);
  const [slow] = lookAtP99(one({ of: pairFacts({ durations: both(20, 90) }) }));
  t.match(slow, { state: 'fail', wanted: '1.2 times that, or 5 ms more', what: '' });
  t.match(slow?.got, /^\d+(\.\d)? ms against \d+(\.\d)? ms of DynamoDB$/);
});

t.test('the newcomer is who answers then, or of a pair without it the newer', async (t) => {
  t.equal(newcomer(one()), 'mongodb');
  t.equal(newcomer(one({ pair: 'legacy-dynamodb' })), 'dynamodb');
  t.equal(newcomer(one({ pair: 'legacy-dynamodb', target: target({ to: 'dynamodb' }) })), 'dynamodb');
});

t.test('how a pair is compared: where it is, where it could be, or by a replay alone', async (t) => {
  const replay = 'crossfade replay FILE asks what was recorded';
  const how = (some: Parameters<typeof target>[0]) => howToCompare(one({ target: target(some) }));
  t.equal(how({ from: 'shadow', offered: STAGES }), `let requests come at shadow, or ${replay}`);
  t.equal(
    how({ from: 'dynamodb', offered: ['dynamodb', 'shadow', 'live'] }),
    `crossfade stage getNote shadow compares what comes, or ${replay}`,
  );
  t.equal(how({ from: 'dynamodb', offered: ['dynamodb', 'complete'] }), replay);
});

t.test('what there was under other evidence', async (t) => {
  const past = (evidence: string, n: number) => ({ evidence, n, first: at(DAY), last: at(60_000) });
  t.equal(pastOf(facts()), '');
  const text = '1 result up to 2026-11-21 11:59 UTC of all operations are of old';
  t.equal(pastOf(facts({}, { history: [past('old', 1)] })), text);
  t.match(pastOf(facts({}, { history: [past('old', 2), past('older', 3)] })), /^5 results .* are of old and others$/);
});
