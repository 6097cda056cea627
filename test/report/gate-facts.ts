import t from 'tap';
import type { Pair } from '../../src/model/comparison.ts';
import { STAGES } from '../../src/model/stage.ts';
import { gateFacts, neededPairs, stagesOf } from '../../src/report/gate-facts.ts';
import type { OperationSummary, Summary } from '../../src/report/summary.ts';
import type { Evidence } from '../../src/results/evidence.ts';
import type { ReplayRow, ReplicaRow } from '../../src/results/rows.ts';
import { NOW, row } from '../support/gate.ts';

const PAIR: Pair = 'dynamodb-mongodb';
const mine = { operation: 'getNote', pair: PAIR } as const;
/** What is not to be counted: another operation's, another pair's. */
const strange = [
  { operation: 'listNotes', pair: PAIR } as const,
  { operation: 'getNote', pair: 'legacy-mongodb' } as const,
];
const at = (ms: number) => new Date(NOW - ms);

const verdicts = { persistent: 1, moving: 2, unverified: 3, transient: 4 };
const notCompared = [{ outcome: 'shed', reason: 'queue', n: 5 }] as const;

const summary = {
  ...{
    evidence: 'e',
    rules: [
      { id: 'over', expired: true },
      { id: 'holds', expired: false },
    ],
  },
  operations: [
    { ...mine, compared: 100, ignored: 7, verdicts, notCompared, strata: [{ name: 'status:200', n: 99 }] },
    { ...mine, operation: 'listNotes', compared: 1 },
  ] as unknown as readonly OperationSummary[],
} as unknown as Summary;

const replica = (id: string, some: object = {}, totals: object = {}): ReplicaRow =>
  ({
    ...{ _id: id, evidence: 'e', source: 'traffic', host: `host-${id}`, pid: 7 },
    ...some,
    totals: { dropped: 0, pending: 0, offered: 0, ...totals },
  }) as ReplicaRow;

const replay = (some: object): ReplayRow =>
  ({
    operation: 'getNote',
    pairs: [PAIR],
    exhaustive: true,
    requests: 1,
    finished: at(10),
    ...some,
  }) as unknown as ReplayRow;

const client = (some: object) => ({
  ...mine,
  reason: '',
  rules: [],
  n: 0,
  moving: 0,
  unverified: 0,
  transient: 0,
  ...some,
});

const evidence = {
  traffic: [
    ...strange.map((one) => ({ ...one, first: at(99), last: at(98), days: 9 })),
    { ...mine, first: at(20), last: at(2), days: 3 },
  ],
  clients: [
    client({ outcome: 'match', n: 50 }),
    client({ outcome: 'ignored', rules: ['holds'], n: 6 }),
    client({ outcome: 'ignored', rules: ['over'], n: 4 }),
    client({ outcome: 'mismatch', n: 10, moving: 2, unverified: 1 }),
    client({ outcome: 'shed', reason: 'queue', n: 5 }),
    ...strange.map((one) => ({ ...client({ outcome: 'match', n: 1_000 }), ...one })),
  ],
  distinct: [{ ...mine, tenant: 'acme', n: 40 }, ...strange.map((one) => ({ ...one, tenant: 'globex', n: 1 }))],
  tenants: [{ ...mine, tenant: 'acme', n: 60 }, ...strange.map((one) => ({ ...one, tenant: 'globex', n: 1 }))],
  durations: [
    { ...mine, stage: 'shadow', source: 'traffic', side: 'control', buckets: { 1: 2 } },
    { ...mine, stage: 'live', source: 'traffic', side: 'candidate', buckets: { 1: 3, 2: 1 } },
    { ...mine, stage: 'shadow', source: 'replay', side: 'control', buckets: { 2: 5 } },
    { ...mine, stage: 'shadow', source: 'replay', side: 'candidate', buckets: { 4: 1 } },
    ...strange.map((one) => ({ ...one, stage: 'shadow', source: 'traffic', side: 'control', buckets: { 9: 9 } })),
  ],
  replays: [
    replay({ finished: at(30) }),
    replay({ finished: at(10) }),
    replay({ finished: at(20) }),
    replay({ finished: at(1), exhaustive: false }),
    replay({ finished: at(1), requests: 0 }),
    replay({ finished: at(1), operation: 'listNotes' }),
    replay({ finished: at(1), pairs: ['legacy-mongodb'] }),
  ],
  known: [],
  live: [replica('up'), replica('other', { evidence: 'old' })],
} as unknown as Evidence;

const input = {
  ...{ operation: 'getNote', strata: ['status:200'], summary, evidence },
  results: {
    findings: [row({ n: 2 }), row({ n: 3 }), row({ operation: 'listNotes', fingerprint: 'other' })],
    replicas: [
      replica('up', {}, { dropped: 1, pending: 100, offered: 10 }),
      replica('died', {}, { dropped: 2, pending: 3, offered: 20 }),
      replica('ended', { ended: at(1) }, { dropped: 4, pending: 100, offered: 30 }),
      replica('replayed', { source: 'replay' }, { dropped: 8, pending: 100, offered: 40 }),
    ],
    history: [{ evidence: 'old', n: 1, first: at(9), last: at(8) }],
  },
};

t.test('what was read is added up, of this operation and each pair alone', async (t) => {
  const facts = gateFacts(input);
  t.ok(Object.isFrozen(facts));
  t.match(facts, { operation: 'getNote', strata: ['status:200'], evidence: 'e', history: input.results.history });
  t.same(Object.keys(facts.pairs), [PAIR]);
  t.same(
    facts.findings.map(({ fingerprint, n }) => [fingerprint, n]),
    [['f00d', 5]],
    'each finding once',
  );
  const one = facts.pairs[PAIR];
  t.ok(Object.isFrozen(one));
  t.match(one, { compared: 100, ignored: 7, verdicts, notCompared, first: at(20), last: at(2), days: 3 });
  t.same(one?.strata, new Map([['status:200', 99]]));
  t.same(one?.distinct, new Map([['acme', 40]]));
  t.same(one?.tenants, new Map([['acme', 60]]));
  t.same(one?.exhaustive, at(10), 'the newest full replay');
});

t.test('of clients alone: what a rule covered that has ended is not settled', async (t) => {
  const clients = gateFacts(input).pairs[PAIR]?.clients;
  t.match(clients, { compared: 70, ignored: 6, unsettled: 7 });
  t.same(
    clients?.notCompared.map(({ outcome, n }) => [outcome, n]),
    [['shed', 5]],
  );
  t.ok(Object.isFrozen(clients));
});

t.test('durations are an origin’s, whatever its part; those of clients are known by themselves', async (t) => {
  const one = gateFacts(input).pairs[PAIR];
  t.same(one?.durations, { dynamodb: { 1: 5, 2: 6 }, mongodb: { 4: 1 } });
  t.same(one?.clientDurations, { dynamodb: { 1: 5, 2: 1 } });
});

t.test('lost is what was dropped, and what façades that died had under way', async (t) => {
  const facts = gateFacts(input);
  t.equal(facts.lost, 1 + 2 + 4 + 8 + 3);
  t.equal(facts.offered, 100);
  t.equal(facts.replicas, 2);
  t.same(facts.strangers, [{ name: 'host-other (process 7)', evidence: 'old' }]);
});

t.test('of a pair without traffic or replays nothing is made up', async (t) => {
  const none = { ...evidence, traffic: [], replays: [], durations: [], distinct: [], tenants: [], clients: [] };
  const one = gateFacts({ ...input, evidence: none }).pairs[PAIR];
  t.match(one, { first: undefined, last: undefined, days: 0, exhaustive: undefined, durations: {} });
  t.match(one?.clients, { compared: 0, ignored: 0, unsettled: 0, notCompared: [] });
});

t.test('pairs of what an operation has', async (t) => {
  t.same(neededPairs('legacy', 'live', STAGES), ['legacy-mongodb', 'dynamodb-mongodb']);
  t.same(neededPairs('legacy', 'dynamodb', ['legacy', 'dynamodb']), ['legacy-dynamodb']);
  t.same(neededPairs('legacy', 'complete', ['legacy', 'validate', 'complete']), ['legacy-mongodb', 'dynamodb-mongodb']);
  t.same(stagesOf('legacy-mongodb', STAGES), ['validate']);
  t.same(stagesOf('dynamodb-mongodb', ['dynamodb', 'live']), ['live']);
});
