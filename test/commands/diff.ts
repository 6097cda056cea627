import t from 'tap';
import { run as diff } from '../../src/commands/diff.ts';
import { run as report } from '../../src/commands/report.ts';
import { note, withNotes } from '../support/shadow.ts';

const printer = (env: Readonly<Record<string, string>>, color = false) => {
  const lines: string[] = [];
  const out = (text: string) => void lines.push(text);
  return { io: { out, err: out, env, cwd: '/', color }, text: () => lines.join('') };
};

t.test('diff asks every origin, prints calls and fields, and says whether they agree', async (t) => {
  const notes = await withNotes(t, {
    noteMore: `compare: [{ path: '/size', rule: 'tolerance', tolerance: 1, reason: 'rounded' }],`,
  });
  await notes.put([note('one'), note('two'), note('three')]);
  const change = (id: string, $set: object) => notes.db.collection('notes').updateOne({ id }, { $set });
  await change('one', { text: 'other\u001b[31m', size: 13 });
  await change('two', { size: 13 });
  const at = { bindings: notes.facade.app.bindings.file, header: ['X-Tenant-Id: acme'] };
  const asked = async (path: string, more: object = {}, color = false) => {
    const { io, text } = printer(notes.env, color);
    return { code: await diff(io, 'get', path, { ...at, ...more }), text: text() };
  };

  const one = await asked('/notes/one');
  t.equal(one.code, 1);
  t.match(one.text, /GetItem \{ TableName: '.*notes', Key: \{ pk: 'acme', id: 'one' \} \}/);
  t.match(one.text, /findOne \{ collection: 'notes', filter: \{ pk: 'acme', id: 'one' \} \}/);
  t.match(one.text, /value \/text\n +- "Text of one"\n +\+ "other\\u001b\[31m"/);
  t.match(one.text, /rule getNote tolerance \/size: covers 1/);
  t.notOk(one.text.includes('\u001b'), 'no control character of the data is printed');
  t.ok((await asked('/notes/one', {}, true)).text.includes('\u001b[31m- '), 'colour on a terminal');

  const two = await asked('/notes/two');
  t.equal(two.code, 0);
  t.match(two.text, /dynamodb-mongodb: equal by these rules/);
  t.match((await asked('/notes/three')).text, /dynamodb-mongodb: equal\n/);
  const list = await asked('/notes?shelf=t&limit=1', { json: true });
  t.equal(list.code, 0, 'tokens differ in bytes, and say the same');
  t.match(JSON.parse(list.text), {
    operation: 'listNotes',
    tenant: 'acme',
    comparisons: [{ outcome: /match|ignored/ }],
  });
  t.equal((await asked('/notes/none')).code, 0, 'both have no such note');
  await t.rejects(asked('/nope'), { name: 'UsageError', message: /the contract has no GET \/nope/ });
  await t.rejects(asked('/notes/one', { header: ['nonsense'] }), { name: 'UsageError' });
  await t.rejects(asked('/notes/one', { header: [] }), { message: /tenant is missing/ });
});

t.test('report finds one finding, one request, and says what it does not know', async (t) => {
  const notes = await withNotes(t);
  await notes.put([note('one')]);
  await notes.db.collection('notes').updateOne({ id: 'one' }, { $set: { text: 'other' } });
  await notes.facade.get('/notes/one', { 'x-tenant-id': 'acme', 'x-request-id': 'req-1' });
  const { summary } = await notes.settled();
  const at = { bindings: notes.facade.app.bindings.file };
  const said = async (what: string | undefined, more: object = {}) => {
    const { io, text } = printer(notes.env);
    return { code: await report(io, what, { ...at, ...more }), text: text() };
  };
  const whole = await said(undefined);
  t.equal(whole.code, 1);
  t.match(whole.text, /value getNote \/text/);
  t.match((await said('getNote')).text, /value getNote \/text/);
  t.equal((await said('listNotes')).code, 0);
  t.match((await said(summary.findings[0]?.fingerprint)).text, /req-1 +acme +shadow +persistent/);
  t.match((await said(undefined, { request: 'req-1' })).text, /value getNote \/text/);
  t.match((await said(undefined, { request: 'req-9' })).text, /no sample is kept of request req-9/);
  await t.rejects(said('getNot'), {
    name: 'UsageError',
    message: /neither an operation \(getNote, listNotes\) nor a finding/,
  });
});
