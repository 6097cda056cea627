import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { note, withNotes } from '../support/shadow.ts';

const LONG = 'x'.repeat(129);
const LONGEST = 'y'.repeat(128);

/** What a client may send for a tenant, and whose item a store may answer with; none: the request is refused. */
const rows: { says: string; headers: Record<string, string | string[]>; tenant?: string }[] = [
  { says: 'one', headers: { 'X-Tenant-Id': 'acme' }, tenant: 'acme' },
  { says: 'in other case', headers: { 'X-Tenant-Id': 'ACME' }, tenant: 'ACME' },
  { says: 'the header in other case', headers: { 'x-TENANT-id': 'acme' }, tenant: 'acme' },
  { says: 'with a comma', headers: { 'X-Tenant-Id': 'acme, globex' }, tenant: 'acme, globex' },
  { says: 'of the longest kind', headers: { 'X-Tenant-Id': LONGEST }, tenant: LONGEST },
  { says: 'missing', headers: {} },
  { says: 'empty', headers: { 'X-Tenant-Id': '' } },
  { says: 'blank', headers: { 'X-Tenant-Id': '   ' } },
  { says: 'doubled', headers: { 'X-Tenant-Id': ['acme', 'globex'] } },
  { says: 'doubled alike', headers: { 'X-Tenant-Id': ['acme', 'acme'] } },
  { says: 'over-long', headers: { 'X-Tenant-Id': LONG } },
  { says: 'in a Connection header', headers: { 'X-Tenant-Id': 'acme', Connection: 'x-tenant-id' } },
  { says: 'among others in a Connection header', headers: { 'X-Tenant-Id': 'acme', Connection: 'close, X-Tenant-ID' } },
];

t.test(
  'at every stage: refused where a store would answer, untouched where legacy does, never another one’s item',
  async (t) => {
    const seen: string[][] = [];
    const legacy = createServer((message, reply) => {
      seen.push(message.rawHeaders);
      reply.setHeader('content-type', 'application/json').end('{"from":"legacy"}');
    });
    legacy.listen(0, '127.0.0.1');
    await once(legacy, 'listening');
    t.teardown(() => legacy.close());
    const LEGACY_URL = `http://127.0.0.1:${(legacy.address() as AddressInfo).port}`;
    const { facade, put } = await withNotes(t, { stage: 'legacy', env: { LEGACY_URL } });
    const tenants = ['acme', 'ACME', 'globex', 'acme, globex', LONGEST];
    await put(tenants.map((pk) => note('n-1', { pk, text: `of ${pk}` })));

    for (const [at, stage] of ['legacy', 'dynamodb', 'shadow', 'live', 'complete'].entries()) {
      // Beside the stage of the rest one of the tenants has a stage of its own, which nobody else may get.
      await facade.stages(`# ${at}\noperations: { getNote: { stage: ${stage}, tenants: { globex: live } } }\n`);
      for (const { says, headers, tenant } of rows) {
        const before = seen.length;
        const reply = await facade.get('/notes/n-1', headers);
        const what = `${stage}, ${says}`;
        if (stage === 'legacy') {
          t.equal(reply.text, '{"from":"legacy"}', what);
          const values = seen[before]?.filter(
            (_, index, raw) => index % 2 === 1 && /^x-tenant-id$/i.test(raw[index - 1] ?? ''),
          );
          const nominated = 'Connection' in headers;
          const sent = [headers['X-Tenant-Id'] ?? headers['x-TENANT-id'] ?? []].flat().map((value) => value.trim());
          if (!nominated) t.strictSame(values, sent, `${what}: as it was sent`);
        } else if (tenant === undefined) t.equal(reply.status, 400, what);
        else t.match(reply, { status: 200, json: { text: `of ${tenant}` } }, what);
        if (stage !== 'legacy') t.equal(seen.length, before, `${what}: legacy is not asked`);
      }
    }
  },
);
