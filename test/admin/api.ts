import { validate } from '@readme/openapi-parser';
import t from 'tap';
import { withAdmin } from '../support/admin.ts';

t.test('the document is valid OpenAPI, open to anybody, and names every schema once', async (t) => {
  const { ask } = await withAdmin(t);
  const { status, json } = await ask('GET', '/admin/v1/openapi.json');
  t.equal(status, 200);
  const result = await validate(structuredClone(json));
  t.equal(result.valid, true, JSON.stringify(result));
  t.match(json, { openapi: '3.1.0', info: { title: 'Crossfade admin API' } });
  for (const path of ['/session', '/logins', '/login', '/changes', '/changes/{id}/undo', '/audit'])
    t.ok(json.paths[`/admin/v1${path}`], path);
  t.notMatch(JSON.stringify(json), /\/notes/, 'the contract has a page of its own');
});

t.test('the page of the contract is that of the contract', async (t) => {
  const { ask } = await withAdmin(t);
  t.equal((await ask('GET', '/docs/')).status, 200);
  const { json } = await ask('GET', '/docs/json');
  t.match(json, { info: { title: 'Notes' } });
  t.equal('/admin/v1/changes' in json.paths, false);
  t.equal((await ask('GET', '/docs/static/swagger-ui-bundle.js')).status, 200);
});

t.test('what is not there is a problem, and what nobody foresaw says nothing of itself', async (t) => {
  const { ask, operator } = await withAdmin(t);
  const { status, json, headers } = await ask('GET', '/admin/v1/nothing', { token: operator });
  t.equal(status, 404);
  t.match(json, { status: 404, title: 'Not found' });
  t.match(headers['content-type'], /^application\/problem\+json/);
});
