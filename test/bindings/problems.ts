import t from 'tap';
import { checkSpec } from '../../src/bindings/problems.ts';
import type { BindingsSpec } from '../../src/model/binding.ts';
import type { Contract, Operation } from '../../src/model/operation.ts';

const operation = (id: string, method: string): Operation =>
  ({
    id,
    method,
    parameters: [{ name: 'cursor', in: 'query' }],
    success: { shape: { kind: 'object' } },
    security: { required: false, schemes: [] },
  }) as unknown as Operation;
const contract = {
  operations: [operation('getUser', 'GET'), operation('putUser', 'PUT')],
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
  [
    'a rule on everything',
    { compare: [{ path: '/**', rule: 'ignore', reason: 'x' }] },
    '/compare/0/path',
    /hide everything/,
  ],
  ['a rule without a reason', { compare: [{ path: '/a', rule: 'ignore' }] }, '/compare/0/reason', /missing/],
  [
    'a rule with no date',
    { compare: [{ path: '/a', rule: 'ignore', reason: 'x', until: 'soon' }] },
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
];

for (const [says, change, pointer, message] of rows) {
  t.test(says, async (t) => {
    const [problem, ...more] = checkSpec('b.ts', { ...good, ...change } as BindingsSpec, contract);
    t.same(more, []);
    t.equal(problem?.where, `b.ts#${pointer}`);
    t.match(problem?.message, message);
  });
}
