import t from 'tap';
import type { CompareRule } from '../../src/model/binding.ts';
import { KINDS } from '../../src/model/comparison.ts';
import { upperBound } from '../../src/report/bound.ts';
import { reportHtml } from '../../src/report/html.ts';
import { reportMarkdown } from '../../src/report/markdown.ts';
import { type Summary, summarize } from '../../src/report/summary.ts';
import { duration, percent, reportText } from '../../src/report/text.ts';
import { ruleFor, sentenceOf } from '../../src/report/words.ts';
import { addTo, boundOf, bucketOf, quantile } from '../../src/results/buckets.ts';
import type { Results } from '../../src/results/reader.ts';
import type { FindingRow } from '../../src/results/rows.ts';
import { finding } from '../support/results.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const nasty = `</script><img src=x onerror=alert(1)>'"&|\u001b[31m`;

const row = (some: Partial<FindingRow> = {}): FindingRow => ({
  ...{
    _id: 'r:f',
    api: 'notes',
    evidence: 'e',
    replica: 'r',
    source: 'traffic',
    fingerprint: 'f',
    operation: 'getNote',
  },
  ...{ pair: 'dynamodb-mongodb', kind: 'value', path: '/text', leftType: 'string', rightType: 'string' },
  ...{
    n: 2,
    persistent: 2,
    moving: 0,
    unverified: 0,
    transient: 0,
    places: 2,
    refusal: false,

    subjects: [],
    tenants: ['acme'],
  },
  ...{ first: new Date(NOW - 1000), last: new Date(NOW), hours: [{ h: 1, n: 2 }], samples: [finding('f').sample] },
  ...some,
});

const count = { operation: 'getNote', stage: 'shadow', pair: 'dynamodb-mongodb', reason: '', rules: [] } as const;
const none = {
  persistent: 0,
  moving: 0,
  unverified: 0,
  transient: 0,
  replayed: 0,
  first: new Date(NOW),
  last: new Date(NOW),
};

function results(some: Partial<Results> = {}): Results {
  return {
    counts: [
      { ...count, ...none, outcome: 'match', n: 996 },
      { ...count, ...none, outcome: 'mismatch', n: 4, persistent: 2, transient: 2 },
      { ...count, ...none, outcome: 'shed', reason: 'queue', n: 3 },
    ],
    ...{
      durations: [],
      strata: [],
      tenants: [],
      asked: [],
      timeline: [],
      findings: [],
      replicas: [],
      history: [],
      ...some,
    },
  };
}

const summary = (given: Results, rules: readonly CompareRule[] = []): Summary =>
  summarize({
    ...{ api: 'notes', evidence: 'e', results: given, now: NOW },
    operations: [
      {
        id: 'getNote',
        rules: rules.map((spec) => ({ id: `getNote ${spec.rule} ${spec.path}`, spec })),
        freshness: 1000,
        strata: ['status:404'],
        types: () => undefined,
      },
    ],
  });

t.test('counts add up, and what was never seen is named', async (t) => {
  const { operations } = summary(results());
  t.match(operations, [
    {
      ...{ offered: 1003, compared: 1000, matched: 996, mismatched: 4, ignored: 0 },
      notCompared: [{ outcome: 'shed', reason: 'queue', n: 3 }],
      strata: [{ name: 'status:404', n: 0 }],
    },
  ]);
});

t.test('what came of replays is said, and a replay is no replica', async (t) => {
  const counts = results().counts.map((one) => ({ ...one, replayed: one.outcome === 'match' ? 40 : 1 }));
  const replicas = [
    { source: 'replay', totals: { dropped: 2 } },
    { source: 'traffic', totals: { dropped: 0 } },
  ];
  const given = summary(results({ counts, replicas: replicas as never }));
  t.match(given, { replicas: 1, dropped: 2, operations: [{ compared: 1000, replayed: 41 }] });
  for (const text of [reportText(given, (_, word) => word), reportMarkdown(given)])
    t.match(text, /replayed, not clients’: getNote dynamodb-mongodb 41 of 1000/);
  t.match(reportHtml(given), /of them replayed<\/dt><dd>41</);
  t.notMatch(
    reportText(summary(results()), (_, word) => word),
    /replayed/,
  );
});

t.test('the upper bound is 3/n where nothing differed, and sure at 95 % where something did', async (t) => {
  t.ok(Math.abs(upperBound(0, 3000) - 0.001) < 2e-6);
  t.ok(Math.abs(upperBound(1, 1000) - 0.004744) < 1e-5);
  t.ok(Math.abs(upperBound(10, 1000) - 0.016962) < 1e-5);
  t.ok(upperBound(500, 1000) > 0.5 && upperBound(500, 1000) < 0.54);
  t.equal(upperBound(5, 5), 1);
});

t.test('replicas’ rows of one fingerprint are one finding, worst findings first', async (t) => {
  const { findings, unsettled, passing } = summary(
    results({
      findings: [
        row(),
        row({ _id: 's:f', replica: 's', n: 3, persistent: 1, transient: 2, tenants: ['globex'] }),
        row({ _id: 'r:g', fingerprint: 'g', kind: 'status', path: '', n: 1, persistent: 1 }),
        row({ _id: 'r:h', fingerprint: 'h', kind: 'missing', n: 1, persistent: 0, moving: 1 }),
        row({ _id: 'r:i', fingerprint: 'i', n: 5, persistent: 0, transient: 5 }),
      ],
    }),
  );
  t.match(findings, [
    { fingerprint: 'g', kind: 'status', rule: undefined },
    { fingerprint: 'f', n: 5, verdicts: { persistent: 3, transient: 2 }, tenants: ['acme', 'globex'], share: 0.005 },
  ]);
  t.match(unsettled, [{ fingerprint: 'h' }]);
  t.match(passing, [{ fingerprint: 'i' }]);
});

t.test('every kind has a sentence, and the rule that is offered is the narrowest', async (t) => {
  for (const kind of KINDS) t.match(sentenceOf(row({ kind, path: '/a' })), /\.$/, kind);
  const offered = (some: Partial<FindingRow>) => ruleFor(row(some), NOW);
  const facts = (...said: string[]) => ({ samples: [{ ...finding('f').sample, facts: said }] });
  t.equal(offered({ kind: 'exposure' }), undefined);
  t.equal(offered({ kind: 'unanswerable' }), undefined);
  t.match(offered({ kind: 'order' }), "rule: 'unordered'");
  t.match(offered({ kind: 'missing', leftType: 'null', rightType: 'absent' }), "rule: 'absentEqualsNull'");
  t.match(offered(facts('differs by 661 ms', 'equal but for milliseconds')), "rule: 'within', duration: '1s'");
  t.match(
    offered({ leftType: 'number', rightType: 'number', ...facts('differs by 0.005') }),
    "rule: 'tolerance', tolerance: 0.005",
  );
  t.match(
    offered({}),
    /^\{ path: '\/text', rule: 'ignore', reason: '…', until: '2026-12-21', pair: 'dynamodb-mongodb' \},$/,
  );
});

t.test('data never becomes markup, in any format', async (t) => {
  const made = summary(
    results({
      findings: [
        row({
          path: `/${nasty}`,
          tenants: [nasty],
          samples: [
            {
              ...finding('f').sample,
              requestId: nasty,
              facts: [nasty],
              left: { type: 'string', length: 3, value: nasty },
            },
          ],
        }),
      ],
      history: [{ evidence: nasty, n: 1, first: new Date(NOW), last: new Date(NOW) }],
    }),
    [{ path: '/x', rule: 'ignore', reason: nasty }],
  );
  const html = reportHtml(made);
  t.notMatch(html, /<img|<script/);
  t.notOk(html.includes('\u001b'));
  t.notMatch(html, /(src|href)=["']?(https?:)?\/\//, 'no request to anywhere');
  t.match(html, /&lt;\/script&gt;/);
  const prose = reportMarkdown(made).replace(/```[\s\S]*?```|`[^`\n]*`/g, '');
  t.notMatch(prose, /[^\\]<img/, 'outside code nothing is markup');
  t.match(
    reportText(made, (_, text) => text),
    /no rule|rule:/,
  );
});

t.test('an empty report says how to begin', async (t) => {
  const made = summary(results({ counts: [] }));
  t.match(
    reportText(made, (_, text) => text),
    /crossfade stage getUser shadow/,
  );
  t.match(reportHtml(made), /Nothing is compared yet/);
  t.match(reportMarkdown(made), /None is confirmed/);
});

t.test('durations are counted in buckets of 9 %, and figures are short', async (t) => {
  const buckets: Record<number, number> = {};
  for (let n = 1; n <= 1000; n += 1) addTo(buckets, n);
  for (const [share, exact] of [
    [0.5, 500],
    [0.95, 950],
    [0.99, 990],
  ] as const) {
    const found = quantile(buckets, share) as number;
    t.ok(found >= exact && found < exact * 1.0905, `${share}: ${found}`);
  }
  t.equal(quantile({}, 0.5), undefined);
  for (const value of [0.02, 1, 1.0001, 7, 60_000]) t.ok(value <= boundOf(bucketOf(value)) * 1.000001, String(value));
  t.same([percent(0), percent(0.00001), percent(0.0123456), percent(1)], ['0 %', '< 0.01 %', '1.23 %', '100 %']);
  t.same([duration(0.1234), duration(1234.5), duration(12345)], ['0.123 ms', '1230 ms', '12.3 s']);
});
