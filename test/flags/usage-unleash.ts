import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { openUnleash } from '../../src/drivers/unleash.ts';
import { reportUsage, type StageCounts } from '../../src/flags/usage.ts';
import { flagOf, withOperator } from '../support/flag-server.ts';
import { CLIENT_TOKEN, withFaultyProxy, withUnleash } from '../support/unleash.ts';

t.test('the server learns which stages its flags gave, each request once, also after an outage', async (t) => {
  const unleash = await withUnleash(t);
  await withOperator(t, unleash);
  const proxy = await withFaultyProxy(t, unleash.url);
  const http = openUnleash({ url: proxy.url, token: () => CLIENT_TOKEN });
  let counts: StageCounts = new Map([['getUser', new Map([['live', 3]])]]);
  await proxy.fault('down');
  const stop = reportUsage({ http, api: unleash.api, version: '1', every: 50, counts: async () => counts });
  await sleep(200);
  await proxy.fault(undefined);
  await sleep(300);
  counts = new Map([
    [
      'getUser',
      new Map([
        ['live', 5],
        ['shadow', 2],
        ['', 9],
      ]),
    ],
    ['nobody', new Map([['live', 1]])],
  ]);
  await sleep(300);
  const flag = flagOf(unleash.api, 'getUser');
  const end = Date.now() + 20_000;
  let usage: { yes: number; variants?: Record<string, number>; appName: string }[] = [];
  const sum = (of: (one: (typeof usage)[number]) => number) => usage.reduce((total, one) => total + of(one), 0);
  // The server writes down what it was told every few seconds.
  while (sum(({ yes }) => yes) < 7 && Date.now() < end) {
    await sleep(200);
    usage = (await unleash.admin('GET', `/api/admin/client-metrics/features/${flag}/raw`)).data;
  }
  await stop();
  await http.close();
  t.equal(
    sum(({ yes }) => yes),
    7,
  );
  t.equal(
    sum(({ variants }) => variants?.live ?? 0),
    5,
  );
  t.equal(
    sum(({ variants }) => variants?.shadow ?? 0),
    2,
  );
  t.equal(usage[0]?.appName, `crossfade-${unleash.api.name}`);
});
