import { join } from 'node:path';
import t from 'tap';
import { authNote, tenantFrom } from '../../src/bindings/auth.ts';
import { loadBindings } from '../../src/bindings/load.ts';
import { checkSpec } from '../../src/bindings/problems.ts';
import { loadContract } from '../../src/contract/load.ts';
import type { ConfigError } from '../../src/errors.ts';
import type { BindingsSpec } from '../../src/model/binding.ts';
import type { Contract, Operation } from '../../src/model/operation.ts';

const operation = (id: string, required: boolean, header = 'x-a'): Operation =>
  ({
    id,
    method: 'GET',
    parameters: [{ name: header, in: 'header' }],
    success: { shape: { kind: 'object' } },
    security: { required, schemes: required ? ['http basic'] : [] },
  }) as unknown as Operation;

const contract = (required: boolean) =>
  ({ operations: [operation('getUser', required), operation('getOther', true)], schemas: [] }) as unknown as Contract;

const bound = { dynamodb: () => ({ GetItem: { TableName: 'u', Key: {} } }) };
const base = {
  contract: './c.yaml',
  tenant: ({ headers }: { headers: Record<string, string> }) => headers['x-tenant-id'],
  operations: { getUser: bound, getOther: {} },
};
const jwt = {
  ...{ mode: 'jwt', jwks: 'https://issuer.example/jwks', issuer: 'https://issuer.example', audience: 'api' },
  ...{ algorithms: ['RS256'], tenantClaim: 'tid' },
};
const forward = {
  mode: 'forward',
  url: 'http://auth/check',
  headers: ['authorization'],
  claims: { 'x-tid': 'tid' },
  tenantClaim: 'tid',
};

const checked = (change: object, required = true) =>
  checkSpec('b.ts', { ...base, ...change } as unknown as BindingsSpec, contract(required));

const fine: [string, object, boolean?][] = [
  ['nothing, where the contract asks for nothing', {}, false],
  ['nothing, where what asks for credentials is not bound', {}, false],
  ['a gateway without proof, where the contract asks for nothing', { auth: { mode: 'gateway' } }, false],
  [
    'a gateway’s header',
    { auth: { mode: 'gateway', proof: { header: 'x-gateway-secret' }, claims: { 'x-u': 'sub' } } },
  ],
  ['a certificate', { auth: { mode: 'gateway', proof: 'mtls' } }],
  ['a certificate with names', { auth: { mode: 'gateway', proof: { mtls: ['gateway.internal'] } } }],
  ['a reason for no proof', { auth: { mode: 'gateway', proof: { none: 'a sidecar' } } }],
  ['tokens', { auth: jwt }],
  ['keys on loopback', { auth: { ...jwt, jwks: 'http://127.0.0.1:8/jwks' } }],
  ['keys in a file', { auth: { ...jwt, jwks: './jwks.json' } }],
  ['several of each', { auth: { ...jwt, issuer: ['a', 'b'], audience: ['a', 'b'], algorithms: ['ES256', 'EdDSA'] } }],
  [
    'a tenant that is a claim',
    { auth: { ...jwt, tenantClaim: undefined }, tenant: ({ claims }: { claims: { tid: string } }) => claims.tid },
  ],
  ['no tenants', { auth: { ...jwt, tenantClaim: undefined }, tenant: () => 'all' }],
  ['a reason for no claim', { auth: { ...jwt, tenantClaim: { none: 'one customer' } } }],
  ['an endpoint', { auth: forward }],
  ['origins', { cors: { origins: ['https://app.example', 'http://localhost:3000'], credentials: true } }, false],
  ['any origin', { cors: { origins: ['*'] } }, false],
  ['an open operation', { operations: { getUser: { ...bound, auth: { none: 'published' } } } }, false],
];
for (const [says, change, required = true] of fine)
  t.test(`${says}: fine`, async (t) => t.same(checked(change, required), []));

const rows: [string, object, string, RegExp, boolean?][] = [
  [
    'nothing',
    {},
    '/auth',
    /is missing, and the contract asks for credentials \(getUser\): say auth: \{ mode: 'gateway'/,
  ],
  ['an unknown mode', { auth: { mode: 'basic' } }, '/auth/mode', /gateway, jwt and forward are/],
  [
    'a gateway without proof',
    { auth: { mode: 'gateway' } },
    '/auth/proof',
    /asks for credentials \(getUser\): say proof/,
  ],
  [
    'claims without proof',
    { auth: { mode: 'gateway', claims: { 'x-u': 'sub' } } },
    '/auth/proof',
    /anybody could claim/,
    false,
  ],
  ['a proof that is none', { auth: { mode: 'gateway', proof: {} } }, '/auth/proof', /must be/],
  ['no reason for no proof', { auth: { mode: 'gateway', proof: { none: '' } } }, '/auth/proof', /must be/],
  [
    'no header’s name',
    { auth: { mode: 'gateway', proof: { header: 'x gateway' } } },
    '/auth/proof/header',
    /no header's name/,
  ],
  [
    'a header that a binding sees',
    { auth: { mode: 'gateway', proof: { header: 'X-A' } } },
    '/auth/proof/header',
    /parameter of getUser/,
  ],
  ['no names', { auth: { mode: 'gateway', proof: { mtls: [] } } }, '/auth/proof/mtls', /list of DNS names/],
  ['an unknown key', { auth: { ...jwt, audiense: 'x' } }, '/auth/audiense', /is not known with mode jwt/],
  ['a key of another mode', { auth: { ...jwt, proof: 'mtls' } }, '/auth/proof', /is not known with mode jwt/],
  ['no keys', { auth: { ...jwt, jwks: undefined } }, '/auth/jwks', /is missing/],
  ['keys in plain text', { auth: { ...jwt, jwks: 'http://issuer.example/jwks' } }, '/auth/jwks', /must be https/],
  ['a password', { auth: { ...jwt, jwks: 'https://a:b@issuer.example/jwks' } }, '/auth/jwks', /must not hold/],
  ['keys by ftp', { auth: { ...jwt, jwks: 'ftp://issuer.example/jwks' } }, '/auth/jwks', /must be https/],
  [
    'keys of a host that begins like loopback',
    { auth: { ...jwt, jwks: 'http://127.0.0.1.example/jwks' } },
    '/auth/jwks',
    /must be https/,
  ],
  ['no issuer', { auth: { ...jwt, issuer: undefined } }, '/auth/issuer', /made for others/],
  ['an empty issuer', { auth: { ...jwt, issuer: [''] } }, '/auth/issuer', /made for others/],
  ['no audience', { auth: { ...jwt, audience: [] } }, '/auth/audience', /made for others/],
  ['no algorithms', { auth: { ...jwt, algorithms: [] } }, '/auth/algorithms', /is missing/],
  ['a MAC', { auth: { ...jwt, algorithms: ['RS256', 'HS256'] } }, '/auth/algorithms', /^HS256 is none/],
  ['none', { auth: { ...jwt, algorithms: ['none'] } }, '/auth/algorithms', /^none is none/],
  ['an algorithm in other case', { auth: { ...jwt, algorithms: ['rs256'] } }, '/auth/algorithms', /^rs256 is none/],
  ['a duration that is none', { auth: { ...jwt, refresh: 300 } }, '/auth/refresh', /no duration/],
  ['half a byte', { auth: { ...jwt, maxBytes: 0.5 } }, '/auth/maxBytes', /whole number/],
  [
    'no claim for the tenant',
    { auth: { ...jwt, tenantClaim: undefined } },
    '/auth/tenantClaim',
    /what the client says/,
  ],
  ['an empty claim', { auth: { ...jwt, tenantClaim: '' } }, '/auth/tenantClaim', /claim's name/],
  ['no reason for no claim', { auth: { ...jwt, tenantClaim: { none: '' } } }, '/auth/tenantClaim', /claim's name/],
  [
    'a claim that no header becomes',
    { auth: { ...forward, tenantClaim: 'org' } },
    '/auth/tenantClaim',
    /no header becomes/,
  ],
  ['a name', { auth: { ...forward, url: 'https://a@check.example/' } }, '/auth/url', /must not hold/],
  ['no address', { auth: { ...forward, url: '/check' } }, '/auth/url', /must be the http/],
  ['no headers', { auth: { ...forward, headers: [] } }, '/auth/headers', /is missing/],
  [
    'a header of ours',
    { auth: { ...forward, headers: ['X-Original-URI'] } },
    '/auth/headers',
    /not the client's to say/,
  ],
  ['a decision by something else', { auth: { ...forward, decides: 'path' } }, '/auth/decides', /must be/],
  [
    'an open operation that asks for credentials',
    { auth: jwt, operations: { getUser: { ...bound, auth: { none: 'x' } } } },
    '/operations/getUser/auth',
    /asks for credentials/,
  ],
  ['no origins', { cors: {} }, '/cors/origins', /is missing/, false],
  ['an origin with a path', { cors: { origins: ['https://app.example/'] } }, '/cors/origins', /is no origin/, false],
  [
    'any origin with credentials',
    { cors: { origins: ['*'], credentials: true } },
    '/cors/credentials',
    /any page/,
    false,
  ],
  ['an unknown key of cors', { cors: { origins: ['*'], origin: 'x' } }, '/cors/origin', /is not known/, false],
];
for (const [says, change, pointer, message, required = true] of rows) {
  t.test(`${says}: refused`, async (t) => {
    const [problem, ...more] = checked(change, required);
    t.same(more, []);
    t.equal(problem?.where, `b.ts#${pointer}`);
    t.match(problem?.message, message);
  });
}

t.test('what a tenant rule goes by', async (t) => {
  const of = (rule: unknown) => tenantFrom(rule as BindingsSpec['tenant']);
  t.equal(
    of(({ claims }: { claims: { tid: string } }) => claims.tid),
    'claims',
  );
  t.equal(
    of(({ claims }: { claims: object }) => ('tid' in claims ? 'a' : 'b')),
    'claims',
  );
  t.equal(
    of(() => 'all'),
    'nothing',
  );
  t.equal(
    of(({ headers }: { headers: { a: string } }) => headers.a),
    'request',
  );
  t.equal(
    of(({ path }: { path: { a: string } }) => `t-${path.a}`),
    'request',
  );
  t.equal(
    of(({ headers, claims }: { headers: { a?: string }; claims: { tid: string } }) => headers.a ?? claims.tid),
    'request',
  );
  t.equal(
    of(() => undefined),
    'request',
  );
});

const document = (security: string) => `
openapi: 3.1.0
info: { title: A, version: '1' }
${security}
paths:
  /open: { get: { operationId: open, security: [], responses: { '200': { description: x } } } }
  /maybe: { get: { operationId: maybe, security: [{ key: [] }, {}], responses: { '200': { description: x } } } }
  /own: { get: { operationId: own, security: [{ login: [] }], responses: { '200': { description: x } } } }
  /all: { get: { operationId: all, responses: { '200': { description: x } } } }
components:
  securitySchemes:
    key: { type: apiKey, in: header, name: x-key }
    token: { $ref: '#/components/securitySchemes/bearer' }
    bearer: { type: http, scheme: Bearer }
    login: { type: openIdConnect, openIdConnectUrl: 'https://x.example' }
`;

t.test('what a contract asks for', async (t) => {
  const folder = t.testdir({ 'a.yaml': document('security: [{ token: [] }]'), 'b.yaml': document('') });
  const of = async (name: string) =>
    Object.fromEntries((await loadContract(join(folder, name))).operations.map(({ id, security }) => [id, security]));
  t.same(await of('a.yaml'), {
    open: { required: false, schemes: [] },
    maybe: { required: false, schemes: ['apiKey'] },
    own: { required: true, schemes: ['openIdConnect'] },
    all: { required: true, schemes: ['http bearer'] },
  });
  t.match(await of('b.yaml'), { all: { required: false, schemes: [] }, own: { required: true } });
});

t.test('the process does not start, and says where and how to mend it', async (t) => {
  const folder = t.testdir({
    'a.yaml': document('security: [{ token: [] }]'),
    'a.bindings.ts': `export default {
      contract: './a.yaml', tenant: () => 'all',
      operations: { all: { mongodb: () => ({ findOne: { collection: 'x', filter: {} } }) } },
    };`,
  });
  const file = join(folder, 'a.bindings.ts');
  await t.rejects(loadBindings(file, { legacy: true }), { name: 'ConfigError' });
  await loadBindings(file, { legacy: true }).catch((error: ConfigError) =>
    t.same(
      error.problems.map(({ where }) => where),
      [`${file}#/auth`],
    ),
  );
});

t.test('a scheme that a mode does not look at is a note', async (t) => {
  const of = (auth: object) => authNote({ ...base, auth } as unknown as BindingsSpec, contract(true));
  t.match(of(jwt), /security is http basic, which mode jwt does not look at/);
  t.equal(of(forward), undefined);
});
