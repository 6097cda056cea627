import t from 'tap';
import { checkWaivers } from '../../src/bindings/gate.ts';
import { checkSpec } from '../../src/bindings/problems.ts';
import type { BindingsSpec } from '../../src/model/binding.ts';
import type { Contract, Operation } from '../../src/model/operation.ts';

const operation = (id: string, method: string): Operation =>
  ({
    id,
    method,
    parameters: [
      { name: 'cursor', in: 'query' },
      { name: 'x-next', in: 'header' },
    ],
    success: { shape: { kind: id.startsWith('list') ? 'array' : 'object' } },
    security: { required: false, schemes: [] },
  }) as unknown as Operation;
const contract = {
  operations: [
    operation('getUser', 'GET'),
    operation('putUser', 'PUT'),
    operation('headUser', 'HEAD'),
    operation('listUsers', 'GET'),
  ],
  schemas: ['User'],
} as unknown as Contract;
const good: BindingsSpec = {
  contract: './c.yaml',
  tenant: () => 'all',
  operations: { getUser: { dynamodb: () => ({ GetItem: { TableName: 'u', Key: {} } }) } },
};
const call = good.operations.getUser?.dynamodb;

t.same(checkSpec('b.ts', good, contract), [], 'a good one has none');

const rows: [string, object, string, RegExp][] = [
  ['an operation the contract lacks', { operations: { getUsr: {} } }, '/operations/getUsr', /do you mean "getUser"/],
  ['an unknown key of the API', { tenants: 1 }, '/tenants', /do you mean "tenant"/],
  [
    'an unknown key of an operation',
    { operations: { getUser: { respond: {} } } },
    '/operations/getUser/respond',
    /is not known/,
  ],
  ['no tenant', { tenant: undefined }, '/tenant', /must be a function/],
  ['an unknown auth mode', { auth: { mode: 'basic' } }, '/auth/mode', /not known/],
  ['a write bound', { operations: { putUser: { dynamodb: call } } }, '/operations/putUser', /is a write/],
  ['a shape the contract lacks', { shapes: { Usr: {} } }, '/shapes/Usr', /do you mean "User"/],
  [
    'an unknown codec',
    { shapes: { User: { '/at': { mongodb: { as: 'epoch-days' } } } } },
    '/shapes/User//at/mongodb/as',
    /no codec "epoch-days"; there are date,/,
  ],
  ['a figure that is not known', { gate: { request: 1 } }, '/gate/request', /do you mean "requests"/],
  [
    'no requests at all',
    { gate: { requests: 0 } },
    '/gate/requests',
    /from 1 to 20,000.*no traffic is not a pass, not 0/,
  ],
  ['more requests than are kept', { gate: { requests: 20_001 } }, '/gate/requests', /results keep no more apart/],
  ['more of a tenant than are kept', { gate: { perTenant: 1_001 } }, '/gate/perTenant', /from 0 to 1,000/],
  ['a share in percent', { gate: { ignored: 5 } }, '/gate/ignored', /0.05 for 5 %/],
  ['more days than results live', { gate: { days: 30 } }, '/gate/days', /kept for 30/],
  ['no duration', { gate: { newest: 'a day' } }, '/gate/newest', /'1d' or '12h', or a number of hours/],
  [
    'a waiver that is over on a day that nobody has',
    { gate: { waivers: [{ stratum: 'list:empty', reason: 'r', until: '2027-02-31' }] } },
    '/gate/waivers/0/until',
    /"2027-02-31" is no date/,
  ],
  [
    'a waiver until whenever Date.parse takes it to be',
    { gate: { waivers: [{ stratum: 'list:empty', reason: 'r', until: 'forever 9999' }] } },
    '/gate/waivers/0/until',
    /"forever 9999" is no date/,
  ],
  [
    'a waiver with a blank for a reason',
    { gate: { waivers: [{ stratum: 'list:empty', reason: ' ', until: '2027-01-31' }] } },
    '/gate/waivers/0/reason',
    /say why/,
  ],
  [
    'two rules that are counted under one name',
    {
      compare: [
        { path: '/a', rule: 'tolerance', tolerance: 5, reason: 'x', until: '2020-01-31' },
        { path: '/a', rule: 'tolerance', tolerance: 1, reason: 'y' },
      ],
    },
    '/compare/1',
    /counted as one with .*\/compare\/0/,
  ],
  ['a factor below one', { gate: { p99: 0.9 } }, '/gate/p99', /at least 1/],
  [
    'a waiver without an end, of an operation',
    { operations: { getUser: { dynamodb: call, gate: { waivers: [{ stratum: 'list:empty', reason: 'r' }] } } } },
    '/operations/getUser/gate/waivers/0/until',
    /a waiver ends/,
  ],
  [
    'a waiver without a reason',
    { gate: { waivers: [{ stratum: 'list:empty', until: '2027-01-31' }] } },
    '/gate/waivers/0/reason',
    /say why/,
  ],
  [
    'a rule on everything',
    { compare: [{ path: '/**', rule: 'ignore', reason: 'x' }] },
    '/compare/0/path',
    /hide everything/,
  ],
  ['a rule without a reason', { compare: [{ path: '/a', rule: 'ignore' }] }, '/compare/0/reason', /missing/],
  [
    'a rule with no date',
    { compare: [{ path: '/a', rule: 'ignore', reason: 'x', until: 'someday 2099' }] },
    '/compare/0/until',
    /no date/,
  ],
  [
    'a next without a position',
    { operations: { getUser: { items: '/a', page: { next: '/n' } } } },
    '/operations/getUser/page/position',
    /missing/,
  ],
  [
    'a position without a cursor',
    { operations: { getUser: { items: '/a', page: { position: ['a'] } } } },
    '/operations/getUser/page/cursor',
    /missing/,
  ],
  ['a page without a list', { operations: { getUser: { page: {} } } }, '/operations/getUser/items', /missing/],
  [
    'a link to no parameter',
    { operations: { getUser: { items: '/a', page: { links: 'curser' } } } },
    '/operations/getUser/page/links',
    /do you mean "cursor"/,
  ],
  ['no operations', { operations: undefined }, '/operations', /must be an object: operationId → bindings/],
  ['operations that are null', { operations: null }, '/operations', /must be an object/],
  [
    'a call where a function should be',
    { operations: { getUser: { dynamodb: {} } } },
    '/operations/getUser/dynamodb',
    /must be a function from the request to a call/,
  ],
  [
    'a scope of no tenant without a reason',
    { operations: { getUser: { dynamodb: call, tenantScope: {} } } },
    '/operations/getUser/tenantScope',
    /must be \{ none: 'the reason' \}/,
  ],
  [
    'a rule of another name',
    { compare: [{ path: '/a', rule: 'ignored', reason: 'x' }] },
    '/compare/0/rule',
    /"ignored" is not one of ignore, unordered/,
  ],
  [
    'a rule on the whole body',
    { compare: [{ path: '', rule: 'ignore', reason: 'x' }] },
    '/compare/0/path',
    /hide everything/,
  ],
  [
    'a rule on the root',
    { compare: [{ path: '/', rule: 'ignore', reason: 'x' }] },
    '/compare/0/path',
    /hide everything/,
  ],
  [
    'a rule of an operation',
    { operations: { getUser: { compare: [{ path: '/a', rule: 'ignore' }] } } },
    '/operations/getUser/compare/0/reason',
    /missing/,
  ],
  ['a header that is ours to say', { headers: { 'content-length': '5' } }, '/headers', /content-length/i],
  [
    'a header of an operation',
    { operations: { getUser: { headers: { 'content-length': '5' } } } },
    '/operations/getUser/headers',
    /content-length/i,
  ],
  [
    'a key of a page',
    { operations: { getUser: { items: '/a', page: { limits: 1 } } } },
    '/operations/getUser/page/limits',
    /is not known|do you mean "limit"/,
  ],
  [
    'a codec of an operation',
    { operations: { getUser: { response: { '/a': { mongodb: { as: 'decimal' } } } } } },
    '/operations/getUser/response//a/mongodb/as',
    /no codec "decimal"/,
  ],
  ...['xdecimal(2)', 'decimal(2)x', 'decimal(x)'].map((as): [string, object, string, RegExp] => [
    `a codec ${as}`,
    { operations: { getUser: { response: { '/a': { mongodb: { as } } } } } },
    '/operations/getUser/response//a/mongodb/as',
    /no codec/,
  ]),
  [
    'a link to a header',
    { operations: { getUser: { items: '/a', page: { links: 'x-next' } } } },
    '/operations/getUser/page/links',
    /x-next/,
  ],
];

const fine: [string, object][] = [
  ['a read that is a HEAD', { operations: { headUser: { dynamodb: call } } }],
  ['a PUT that only reads', { operations: { putUser: { dynamodb: call, kind: 'read' } } }],
  ['a write that is not bound', { operations: { putUser: {} } }],
  [
    'a scope of no tenant, with a reason',
    { operations: { getUser: { dynamodb: call, tenantScope: { none: 'shared' } } } },
  ],
  ['decimals of two digits', { shapes: { User: { '/a': { as: 'decimal(2)' }, '/b': { as: 'decimal(12)' } } } }],
  [
    'rules of two kinds at one place',
    {
      compare: [
        { path: '/a', rule: 'ignore', reason: 'x' },
        { path: '/b', rule: 'ignore', reason: 'x' },
      ],
    },
  ],
  ['a link to a parameter', { operations: { getUser: { items: '/a', page: { links: 'cursor' } } } }],
  ['a link to a part of a parameter', { operations: { getUser: { items: '/a', page: { links: 'cursor[after]' } } } }],
  ['a page of what is a list', { operations: { listUsers: { page: {} } } }],
];
for (const [says, change] of fine)
  t.test(`${says}: fine`, async (t) =>
    t.strictSame(checkSpec('b.ts', { ...good, ...change } as BindingsSpec, contract), []),
  );

for (const [says, change, pointer, message] of rows) {
  t.test(says, async (t) => {
    const [problem, ...more] = checkSpec('b.ts', { ...good, ...change } as BindingsSpec, contract);
    t.same(more, []);
    t.equal(problem?.where, `b.ts#${pointer}`);
    t.match(problem?.message, message);
  });
}

t.test('a waiver of what there is not is a mistake', async (t) => {
  const gate = (stratum: string) => ({ waivers: [{ stratum, reason: 'r', until: '2027-01-31' }] });
  const parts = { contract: { statuses: ['200', '404'], parameters: [] }, isList: true, page: undefined };
  const said = (api: string | undefined, own: string | undefined): string[] => {
    const problems: string[] = [];
    const spec = own === undefined ? {} : { gate: gate(own) };
    const operation = { id: 'getUser', spec, ...parts } as unknown as Parameters<typeof checkWaivers>[1][number];
    checkWaivers(api === undefined ? undefined : gate(api), [operation], (at, message) =>
      problems.push(`${at} ${message}`),
    );
    return problems;
  };
  t.same(said('status:404', 'list:empty'), []);
  t.same(said('tenant:acme', 'tenant:globex'), []);
  t.match(said('list:emty', undefined), [
    /^\/gate\/waivers\/0\/stratum there is no "list:emty"; do you mean "list:empty"/,
  ]);
  t.match(said(undefined, 'param:language'), [
    /^\/operations\/getUser\/gate\/waivers\/0\/stratum .*there are status:200, status:404, list:items, list:empty, and tenant:NAME/,
  ]);
});
