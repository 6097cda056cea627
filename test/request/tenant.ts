import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { tenantOf } from '../../src/request/tenant.ts';

/** A message as Node's parser makes it: duplicates of unknown headers are joined, those of known ones dropped. */
function message(...pairs: [string, string][]): IncomingMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (!(lower in headers)) headers[lower] = value;
    else if (lower !== 'authorization') headers[lower] += `, ${value}`;
  }
  return { headers, rawHeaders: pairs.flat() } as unknown as IncomingMessage;
}

const none = { path: {}, query: {} };
const byHeader = ({ headers }: { headers: Readonly<Record<string, string | undefined>> }) => headers['x-tenant-id'];

const rows: { says: string; pairs: [string, string][]; tenant?: string; refused?: string }[] = [
  { says: 'one header', pairs: [['X-Tenant-Id', 'acme']], tenant: 'acme' },
  { says: 'a comma in it', pairs: [['X-Tenant-Id', 'acme, inc']], tenant: 'acme, inc' },
  { says: 'case is kept', pairs: [['X-Tenant-Id', 'ACME']], tenant: 'ACME' },
  { says: 'none', pairs: [['Accept', '*/*']], refused: 'missingParameter' },
  { says: 'empty', pairs: [['X-Tenant-Id', '']], refused: 'missingParameter' },
  {
    says: 'twice',
    pairs: [
      ['X-Tenant-Id', 'a'],
      ['x-tenant-id', 'b'],
    ],
    refused: 'missingParameter',
  },
  {
    says: 'twice the same',
    pairs: [
      ['X-Tenant-Id', 'a'],
      ['X-Tenant-Id', 'a'],
    ],
    refused: 'missingParameter',
  },
  {
    says: 'others twice',
    pairs: [
      ['Cookie', 'a'],
      ['Cookie', 'b'],
      ['X-Tenant-Id', 'a'],
    ],
    tenant: 'a',
  },
  { says: 'at the limit', pairs: [['X-Tenant-Id', 'x'.repeat(128)]], tenant: 'x'.repeat(128) },
  { says: 'over-long', pairs: [['X-Tenant-Id', 'x'.repeat(129)]], refused: 'invalidParameter' },
  {
    says: 'nominated',
    pairs: [
      ['Connection', 'close, X-Tenant-Id'],
      ['X-Tenant-Id', 'a'],
    ],
    refused: 'missingParameter',
  },
  {
    says: 'another nominated',
    pairs: [
      ['Connection', 'x-other'],
      ['X-Tenant-Id', 'a'],
    ],
    tenant: 'a',
  },
];

for (const { says, pairs, tenant, refused } of rows) {
  t.test(says, async (t) => {
    const find = () => tenantOf(byHeader, message(...pairs), none, {});
    if (refused === undefined) t.equal(find(), tenant);
    else t.throws(find, { name: 'RequestError', kind: refused, status: 400 });
  });
}

t.test('the rule may read path and query', async (t) => {
  t.equal(
    tenantOf(
      ({ path, query }) => `${path.org}/${query.unit}`,
      message(),
      { path: { org: 'o' }, query: { unit: 'u' } },
      {},
    ),
    'o/u',
  );
});

t.test('a rule that reads headers alone has a tenant, whatever is wrong with the parameters', async (t) => {
  const broken = {
    get path(): never {
      throw new Error('parsed');
    },
    get query(): never {
      throw new Error('parsed');
    },
  };
  t.equal(tenantOf(byHeader, message(['X-Tenant-Id', 'a']), broken, {}), 'a');
  t.throws(() => tenantOf(({ query }) => String(query.unit), message(), broken, {}), /parsed/);
});
