import t from 'tap';
import { startDemo } from '../../../src/commands/demo.ts';
import { PLANTED } from '../../../src/demo/planted.ts';
import { startTraffic } from '../../../src/demo/traffic.ts';
import { settledResults } from '../../support/shadow.ts';

/** Longer: DEMO_SECONDS=60. */
const SECONDS = Number(process.env.DEMO_SECONDS ?? 12);

/** What each planted difference is found as: `operation kind path`, everywhere that a client can see it. */
const FOUND: Readonly<Record<string, readonly string[]>> = {
  missing: ['getMessage status ', 'listMessages missing /messages/*'],
  extra: ['getMessage status ', 'listMessages extra /messages/*'],
  'changed string': ['getUser value /displayName'],
  'number beyond 2^53 rounded': ['getUser value /storageBytes'],
  'decimal scale': ['getUser value /rating'],
  'date cut to seconds': ['getMessage value /createdAt', 'listMessages value /messages/*/createdAt'],
  'null against absent': ['getUser missing /lastSeenAt'],
  'set order': ['getMessage order /seenBy', 'listMessages order /messages/*/seenBy'],
  'type changed': ['getAttachment type /sizeBytes', 'listAttachments type /attachments/*/sizeBytes'],
  'wrong order on a tie': ['listMessages order /messages'],
  'document of another tenant': ['getAttachment status ', 'listAttachments missing /attachments/*'],
  'undecodable value': ['getUser unanswerable '],
};

t.test(
  'the report names each planted difference and nothing else, although writes race with reads',
  { timeout: (SECONDS + 90) * 1_000 },
  async (t) => {
    const cwd = t.testdir({});
    const io = {
      out: () => {},
      err: () => {},
      env: { PORT: '0', ADMIN_PORT: '0', LOG_LEVEL: 'silent', RECHECKS_PER_SECOND: '200' },
      cwd,
      color: false,
    };
    const demo = await startDemo(io, { stage: 'shadow' });
    t.teardown(() => demo.close());
    const traffic = startTraffic({ url: demo.facadeUrl, perSecond: 60, writesPerSecond: 6 });
    await new Promise((done) => setTimeout(done, SECONDS * 1_000));
    const { failures, writes } = await traffic.stop();
    const { summary, totals } = await settledResults(demo.resultsUri, demo.bindings);

    t.equal(failures, 0);
    t.ok(writes > SECONDS * 3, `${writes} writes raced`);
    t.equal(Object.keys(FOUND).length, PLANTED.length);
    t.same(
      summary.findings.map(({ operation, kind, path }) => `${operation} ${kind} ${path}`).sort(),
      // A message that MongoDB lacks and one that it has too much are two statuses of one operation, and so for files.
      Object.values(FOUND).flat().concat('getAttachment status ').sort(),
    );
    t.same(summary.unsettled, []);
    t.ok(summary.passing.length + totals.mismatch > 0);
    const transients = summary.operations.reduce((sum, { verdicts }) => sum + verdicts.transient, 0);
    t.ok(transients > 0, `${transients} races were seen, and none was taken for a difference`);
    const { offered, pending, dropped, ...outcomes } = totals;
    t.equal(
      Object.values(outcomes).reduce((sum, n) => sum + n, 0),
      offered,
    );
    t.same([pending, dropped], [0, 0]);
    t.comment(JSON.stringify({ writes, transients, totals }));
  },
);
