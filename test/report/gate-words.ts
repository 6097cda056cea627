import t from 'tap';
import type { Reason } from '../../src/report/gate.ts';
import { type GateReport, gateJunit, gateMarkdown, gateText } from '../../src/report/gate-words.ts';

const reason = (some: Partial<Reason>): Reason => ({
  ...{ rule: 'requests', state: 'pass', sentence: 'enough were seen', wanted: '3,500', got: '5,000', cure: '' },
  ...some,
});

const exposure = reason({
  ...{ rule: 'exposure', state: 'fail', sentence: 'a store answers <all>' },
  ...{ wanted: 'none', got: 'once', cure: 'mend `allow`' },
});
const days = reason({
  ...{ rule: 'days', state: 'insufficient', sentence: 'over 2 days', wanted: '7 days', got: '2 days', cure: 'wait' },
});

const report = (some: Partial<GateReport> = {}): GateReport => ({
  ...{ api: 'no|tes', operation: 'getNote', to: 'live', scope: ' --tenant acme', evidence: 'abc', from: ['shadow'] },
  ...{ verdict: 'fail', reasons: [exposure, days, reason({})] },
  ...some,
});
const passes = report({ verdict: 'pass', reasons: [reason({})], scope: '' });
const step = report({ verdict: 'pass', reasons: [], scope: '' });
const nobody = report({ verdict: 'pass', reasons: [], from: [] });

const painted = (given: GateReport) => gateText(given, (color, text) => `<${color}>${text}</>`);

t.test('in a terminal: what is refused with its cure, then what is well', async (t) => {
  t.equal(
    painted(report()),
    [
      '<red>getNote from shadow to live --tenant acme may not move</>',
      '<dim>evidence abc</>',
      '<red>fail        </> EXPOSURE: a store answers <all>',
      '             <dim>mend `allow`</>',
      '<yellow>insufficient</> days: over 2 days',
      '             <dim>wait</>',
      '<green>pass        </> requests: enough were seen: 5,000 (3,500)',
      '',
    ].join('\n'),
  );
  t.match(painted(passes), '<green>getNote from shadow to live may move</>\n');
  t.match(
    painted(report({ verdict: 'insufficient', from: ['legacy', 'validate'] })),
    '<yellow>getNote from legacy and validate to live --tenant acme may not move yet: too little is known</>\n',
  );
});

t.test('a step that needs no evidence says so, and one that nobody takes', async (t) => {
  const no = 'who answers stays, or it is a step back: no evidence is needed';
  t.equal(painted(step), `<green>getNote from shadow to live may move</>\n<dim>evidence abc</>\n${no}\n`);
  t.notMatch(painted(passes), no);
  const nothing =
    'nobody would move: getNote live --tenant acme takes nobody to another stage, and there is nothing to judge';
  t.equal(painted(nobody), `<green>${nothing}</>\n<dim>evidence abc</>\n`);
});

t.test('in a pull request: a table, then the cures; marks are escaped', async (t) => {
  t.equal(
    gateMarkdown(report()),
    [
      ...['## Gate: getNote from shadow to live --tenant acme may not move', ''],
      ...['Evidence `abc` of no\\|tes.', ''],
      ...['| | rule | | is | wanted |', '|---|---|---|---|---|'],
      '| **fail** | exposure | a store answers \\<all\\> | once | none |',
      '| **insufficient** | days | over 2 days | 2 days | 7 days |',
      '| pass | requests | enough were seen | 5,000 | 3,500 |',
      ...['', 'How to get what is missing:', '', '- exposure: mend \\`allow\\`', '- days: wait', ''],
    ].join('\n'),
  );
  t.notMatch(gateMarkdown(passes), 'How to get');
  t.equal(
    gateMarkdown(step),
    ['## Gate: getNote from shadow to live may move', '', 'Evidence `abc` of no\\|tes.', ''].join('\n'),
  );
  t.match(gateMarkdown(report({ operation: 'a\n\n| b' })), '## Gate: a \\| b from');
});

t.test('for a build server: a case for each reason; what is missing is a failure', async (t) => {
  t.equal(
    gateJunit(report()),
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuites tests="3" failures="2" errors="0" skipped="0">',
      '  <testsuite name="crossfade gate getNote from shadow to live --tenant acme may not move" tests="3" failures="2" errors="0" skipped="0">',
      '    <properties><property name="evidence" value="abc"/></properties>',
      '    <testcase name="exposure: a store answers &lt;all&gt;" classname="no|tes.getNote"><failure type="fail" message="a store answers &lt;all&gt;">is once, wanted none. mend `allow`</failure></testcase>',
      '    <testcase name="days: over 2 days" classname="no|tes.getNote"><failure type="insufficient" message="over 2 days">is 2 days, wanted 7 days. wait</failure></testcase>',
      '    <testcase name="requests: enough were seen" classname="no|tes.getNote"/>',
      ...['  </testsuite>', '</testsuites>', ''],
    ].join('\n'),
  );
  t.match(gateJunit(step), '    <testcase name="getNote from shadow to live may move" classname="no|tes.getNote"/>\n');
  t.match(gateJunit(step), 'tests="1" failures="0"');
  t.match(gateJunit(report({ scope: ` --tenant a&"'\u001b` })), '--tenant a&amp;&quot;&apos;\\u{1b} may');
});
