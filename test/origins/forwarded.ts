import t from 'tap';
import { requestHeaders } from '../../src/origins/forwarded.ts';

const sent = (headers: Record<string, string>, address: string | undefined = '192.0.2.1') => ({
  headers,
  rawHeaders: Object.entries(headers).flat(),
  address,
  encrypted: false,
});

const CLIENT = {
  host: 'api.example.com:8080',
  'x-forwarded-for': '10.0.0.1',
  'x-forwarded-proto': 'https',
  forwarded: 'for=10.0.0.1;proto=https',
  'x-real-ip': '10.0.0.1',
  accept: 'x',
};

const ELEMENT = 'for=192.0.2.1;host="api.example.com:8080";proto=http';

const ROWS = [
  [
    'x-forwarded',
    true,
    [
      'forwarded: for=10.0.0.1;proto=https',
      'x-forwarded-for: 10.0.0.1, 192.0.2.1',
      'x-forwarded-host: api.example.com:8080',
      'x-forwarded-proto: https',
      'x-real-ip: 10.0.0.1',
    ],
  ],
  [
    'x-forwarded',
    false,
    ['x-forwarded-for: 192.0.2.1', 'x-forwarded-host: api.example.com:8080', 'x-forwarded-proto: http'],
  ],
  [
    'forwarded',
    true,
    [
      `forwarded: for=10.0.0.1;proto=https, ${ELEMENT}`,
      'x-forwarded-for: 10.0.0.1',
      'x-forwarded-proto: https',
      'x-real-ip: 10.0.0.1',
    ],
  ],
  ['forwarded', false, [`forwarded: ${ELEMENT}`]],
  [
    'both',
    true,
    [
      `forwarded: for=10.0.0.1;proto=https, ${ELEMENT}`,
      'x-forwarded-for: 10.0.0.1, 192.0.2.1',
      'x-forwarded-host: api.example.com:8080',
      'x-forwarded-proto: https',
      'x-real-ip: 10.0.0.1',
    ],
  ],
  [
    'both',
    false,
    [
      `forwarded: ${ELEMENT}`,
      'x-forwarded-for: 192.0.2.1',
      'x-forwarded-host: api.example.com:8080',
      'x-forwarded-proto: http',
    ],
  ],
  [
    'none',
    true,
    [
      'forwarded: for=10.0.0.1;proto=https',
      'x-forwarded-for: 10.0.0.1',
      'x-forwarded-proto: https',
      'x-real-ip: 10.0.0.1',
    ],
  ],
  ['none', false, []],
] as const;

const named = (raw: readonly string[]) =>
  Array.from({ length: raw.length / 2 }, (_, n) => `${raw[2 * n]?.toLowerCase()}: ${raw[2 * n + 1]}`).toSorted();

for (const [style, trust, expected] of ROWS) {
  t.test(`${style}, what clients say ${trust ? 'kept' : 'dropped'}`, async (t) => {
    const headers = requestHeaders({ style, trust })(sent(CLIENT), undefined);
    t.strictSame(named(headers), ['accept: x', ...expected].toSorted());
  });
}

t.test('an IPv6 address is quoted, one that is not known is unknown, a name that breaks out is escaped', async (t) => {
  const of = requestHeaders({ style: 'forwarded', trust: false });
  t.match(named(of(sent({ host: 'a' }, '2001:db8::1'), undefined)), [
    'forwarded: for="[2001:db8::1]";host=a;proto=http',
  ]);
  t.match(named(of({ ...sent({}), address: undefined }, undefined)), ['forwarded: for=unknown;proto=http']);
  t.match(named(of(sent({ host: 'a";for=evil' }), undefined)), [
    'forwarded: for=192.0.2.1;host="a\\";for=evil";proto=http',
  ]);
});

t.test('what Connection nominates goes, but not what delimits, routes or is ours', async (t) => {
  const headers = { host: 'a', connection: 'close, X-Hop, Content-Length, X-Forwarded-Proto', 'x-hop': '1' };
  const given = { ...headers, 'content-length': '3', 'x-forwarded-proto': 'https', 'x-stays': '1' };
  const out = requestHeaders({ style: 'x-forwarded', trust: true })(sent(given), 'id');
  t.strictSame(named(out), [
    'content-length: 3',
    'x-forwarded-for: 192.0.2.1',
    'x-forwarded-host: a',
    'x-forwarded-proto: http',
    'x-request-id: id',
    'x-stays: 1',
  ]);
});
