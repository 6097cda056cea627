import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { flagNames } from '../../src/bindings/load.ts';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { createDecider } from '../../src/flags/decide.ts';
import { type Feature, type Features, toFeatures } from '../../src/flags/ladder.ts';
import { fetchKill, fetchList } from '../../src/flags/snapshot.ts';
import { parseStages } from '../../src/flags/stages.ts';
import { eventually, followFlags } from '../support/flag-server.ts';
import { flagApi as api } from '../support/flags.ts';

/** A server that says what it is told to, as a real one would not. */
async function liar(t: Test) {
  const says = { list: '', kill: '', listStatus: 200, killStatus: 200, etag: '' };
  const server = createServer((message, reply) => {
    const kill = message.url?.endsWith('.kill') === true;
    if (!kill && says.listStatus === 200 && says.etag !== '' && message.headers['if-none-match'] === says.etag)
      return void reply.writeHead(304).end();
    const headers = { 'content-type': 'application/json', ...(kill || says.etag === '' ? {} : { etag: says.etag }) };
    reply.writeHead(kill ? says.killStatus : says.listStatus, headers).end(kill ? says.kill : says.list);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = openUnleash({ url, token: () => 'secret-token', timeout: 500 });
  t.teardown(() => http.close());
  return { says, url, http };
}

const GOOD = toFeatures(
  parseStages(
    'operations: { getUser: { stage: dynamodb, floor: dynamodb, tenants: { acme: live } } }',
    api,
    'stages.yaml',
  ),
  api,
);
const listOf = (features: readonly unknown[]): string => JSON.stringify({ version: 2, features });
const one = (name: string, features: Features = GOOD): Feature =>
  features.find((feature) => feature.name === name) as Feature;
const changed = (change: (feature: Feature) => unknown): string =>
  listOf(GOOD.map((feature) => (feature.name === 'photos.getUser' ? change(feature) : feature)));
/** With its list of tenants changed. */
const list = (more: Record<string, unknown>) =>
  changed(({ strategies = [], ...feature }) => ({
    ...feature,
    strategies: [{ ...strategies[0], ...more }, ...strategies.slice(1)],
  }));
const constraint = (more: Record<string, unknown>) =>
  list({ constraints: [{ contextName: 'tenantId', operator: 'IN', values: ['acme'], ...more }] });

/** What came of `list` after the good one. */
async function stagesAfter(t: Test, text: string) {
  const { says, http } = await liar(t);
  const fallbacks: string[] = [];
  const decider = createDecider(api, { onFallback: (_flag, reason) => fallbacks.push(reason) });
  decider.swap('0', GOOD);
  says.list = text;
  decider.swap('1', (await fetchList(http, api, undefined)).features);
  const stages = ['acme', 'globex', ''].map((tenant) => decider.stageOf(0, tenant).stage);
  return { stages, fallbacks, killed: decider.killed() };
}

const UNMOVED = ['live', 'dynamodb', 'dynamodb'];
const lies: [string, string][] = [
  ['no values', constraint({ values: undefined })],
  ['values that are null', constraint({ values: null })],
  ['values that are numbers', constraint({ values: [1] })],
  ['an operator that nobody knows', constraint({ operator: 'IN_CIDR' })],
  ['no values for a beginning', constraint({ operator: 'STR_STARTS_WITH', values: undefined })],
  [
    'a stickiness to someone else',
    list({ parameters: { rollout: '100', stickiness: 'userId', groupId: 'photos.getUser' } }),
  ],
  ['a stickiness that is a number', list({ parameters: { rollout: '100', stickiness: 5, groupId: 'photos.getUser' } })],
  ['parameters that are a list', list({ parameters: [] })],
  ['a variant without a name', list({ variants: [{ weight: 1000 }] })],
  ['a payload that is a text', list({ variants: [{ name: 'legacy', payload: 'legacy' }] })],
  ['strategies that are null', changed((feature) => ({ ...feature, strategies: [null] }))],
  ['on that is a text', changed((feature) => ({ ...feature, enabled: 'true' }))],
  ['a flag named __proto__', listOf([...GOOD, JSON.parse('{"name":"__proto__","enabled":true,"strategies":[]}')])],
];
for (const [name, text] of lies) {
  t.test(`a list with ${name}: nobody moves, and no request fails`, async (t) => {
    t.strictSame((await stagesAfter(t, text)).stages, UNMOVED);
  });
}

const harmless: [string, string][] = [
  ['weight 0', list({ variants: [{ name: 'live', weight: 0, payload: { type: 'string', value: 'dynamodb' } }] })],
  ['weight null', list({ variants: [{ name: 'live', weight: null }] })],
  ['overrides', list({ variants: [{ name: 'live', weight: 1000, overrides: [null] }] })],
  [
    'default stickiness at 100 %',
    list({ parameters: { rollout: 100, stickiness: 'default', groupId: 'photos.getUser' } }),
  ],
];
for (const [name, text] of harmless) {
  t.test(`a strategy with ${name} decides as it reads`, async (t) => {
    t.match(await stagesAfter(t, text), { stages: UNMOVED, fallbacks: [] });
  });
}

for (const enabled of ['"false"', '"no"', '0', 'null', '{}']) {
  t.test(`a kill flag whose enabled is ${enabled} does not kill, nor lift`, async (t) => {
    const { says, http } = await liar(t);
    says.kill = `{"name":"photos.kill","enabled":${enabled},"strategies":[]}`;
    await t.rejects(fetchKill(http, api), { name: 'FlagServerError', message: /is not that flag/ });
    const text = listOf([...GOOD.filter(({ name }) => name !== 'photos.kill'), JSON.parse(says.kill)]);
    t.equal((await stagesAfter(t, text)).killed, false);
  });
}

t.test('an answer for another flag is none for the kill flag', async (t) => {
  const { says, http } = await liar(t);
  says.kill = JSON.stringify({ ...one('photos.getUser'), enabled: true });
  await t.rejects(fetchKill(http, api), { name: 'FlagServerError', message: /is not that flag/ });
});

t.test('parameters as deep as the sea are neither held nor fallen over', async (t) => {
  const deep = `${'['.repeat(6_000)}${']'.repeat(6_000)}`;
  const text = list({
    parameters: { rollout: '100', stickiness: 'tenantId', groupId: 'photos.getUser', deep: 'HERE' },
  }).replace('"HERE"', deep);
  t.strictSame((await stagesAfter(t, text)).stages, UNMOVED);
});

t.test('flags of an API whose name begins like ours are not ours', async (t) => {
  const { says, http } = await liar(t);
  says.list = listOf([
    { name: 'photos.v2.getUser', enabled: true, strategies: [] },
    one('photos.kill'),
    one('photos.sampling'),
  ]);
  await t.rejects(fetchList(http, api, undefined), { name: 'FlagServerError', message: /has no flag/ });
});

t.test('one question for the kill flag that fails does not lift it while the list is older', async (t) => {
  const { says, url } = await liar(t);
  Object.assign(says, { list: listOf(GOOD), kill: JSON.stringify(one('photos.kill')), etag: '"one"' });
  const { stage, errors } = await followFlags(t, { url, api }, { folder: t.testdir() });
  t.equal(stage(), 'live');
  says.kill = JSON.stringify({ ...one('photos.kill'), enabled: true });
  await eventually(t, 'killed', () => stage() === 'dynamodb');
  says.killStatus = 503;
  const end = Date.now() + 600;
  while (Date.now() < end) {
    await new Promise((done) => setTimeout(done, 5));
    if (stage() !== 'dynamodb') t.fail('lifted');
  }
  t.strictSame([...new Set(errors)], ['failed'], 'and it is told');
});

t.test('a kill that only the list tells of counts, once the list is surely newer', async (t) => {
  const { says, url } = await liar(t);
  Object.assign(says, { list: listOf(GOOD), kill: JSON.stringify(one('photos.kill')), etag: '"one"' });
  const { stage, flags } = await followFlags(t, { url, api }, { folder: t.testdir() });
  says.killStatus = 503;
  const on = GOOD.map((feature) => (feature.name === 'photos.kill' ? { ...feature, enabled: true } : feature));
  Object.assign(says, { list: listOf(on), etag: '"two"' });
  await eventually(t, 'killed', () => stage() === 'dynamodb', 4_000);
  t.match(flags.problem(), /says 503/);
});

t.test('a 404 to everything lifts no kill, and no restart does', async (t) => {
  const { says, url } = await liar(t);
  Object.assign(says, { list: listOf(GOOD), kill: JSON.stringify(one('photos.kill')), etag: '"one"' });
  const folder = t.testdir();
  const { stage, flags } = await followFlags(t, { url, api }, { folder });
  Object.assign(says, { listStatus: 503, kill: JSON.stringify({ ...one('photos.kill'), enabled: true }) });
  await eventually(t, 'killed', () => stage() === 'dynamodb');
  Object.assign(says, { listStatus: 404, killStatus: 404 });
  const end = Date.now() + 3_000;
  while (Date.now() < end) {
    await new Promise((done) => setTimeout(done, 20));
    if (stage() !== 'dynamodb') t.fail('lifted');
  }
  await flags.close();
  const again = await followFlags(t, { url, api }, { folder });
  t.equal(again.stage(), 'dynamodb');
});

t.test('a token in a content type, or as a body, is not told', async (t) => {
  const { says, http } = await liar(t);
  says.list = 'secret-token';
  const error = (await fetchList(http, api, undefined).catch((error: unknown) => error)) as Error;
  t.match(error.message, /is no JSON/);
  t.notMatch(error.message, /secret/);
});

t.test('a token that the server repeats is not told', async (t) => {
  const { says, http } = await liar(t);
  Object.assign(says, { list: '{"message":"unknown token secret-token \\u001b[31m"}', listStatus: 401 });
  const error = (await fetchList(http, api, undefined).catch((error: unknown) => error)) as Error;
  t.match(error.message, /unknown token \*\*\*/);
  t.notOk(error.message.includes('secret-token') || error.message.includes('\u001b'));
});

t.test('operations that would share a flag, or take one of the API’s own, have names of their own', async (t) => {
  const names = flagNames('k', ['kill', 'sampling', 'get user', 'get/user', 'getUser']);
  t.equal(new Set(names).size, 5);
  t.equal(names[4], 'k.getUser');
  for (const name of names) t.match(name, /^k\.[A-Za-z0-9._~-]+$/);
  t.notOk(names.includes('k.kill') || names.includes('k.sampling'));
});
