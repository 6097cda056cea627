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
    parameters: [
      { name: 'x-b', in: 'path' },
      { name: header, in: 'header' },
    ],
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
  [
    'all that can be said of tokens',
    {
      auth: {
        ...jwt,
        typ: 'at+jwt',
        clockTolerance: '5s',
        maxBytes: 1,
        refresh: '5m',
        keep: '1h',
        cooldown: '30s',
        timeout: '2s',
      },
    },
  ],
  ['all that can be said of an endpoint', { auth: { ...forward, decides: 'request', cache: '5s', timeout: '2s' } }],
  ['a decision by the caller', { auth: { ...forward, decides: 'caller' } }],
  ['an endpoint by https', { auth: { ...forward, url: 'https://auth.example/check' } }],
  ['keys on this machine', { auth: { ...jwt, jwks: 'http://localhost:8/jwks' } }],
  ['keys on another loopback address', { auth: { ...jwt, jwks: 'http://127.12.0.255/jwks' } }],
  ['keys on loopback of IPv6', { auth: { ...jwt, jwks: 'http://[::1]:8/jwks' } }],
  [
    'headers whose names begin as ours do',
    {
      auth: {
        ...forward,
        headers: ['hostname', 'connections', 'content-length-x', 'x-forwarded', 'my-x-forwarded-for'],
      },
    },
  ],
  ['a secret in a header that is a parameter of the path’s', { auth: { mode: 'gateway', proof: { header: 'x-b' } } }],
  [
    'all that can be said of origins',
    {
      cors: {
        origins: ['https://a.example'],
        methods: ['GET'],
        headers: ['x-a'],
        expose: ['x-b'],
        credentials: false,
        maxAge: 0,
      },
    },
    false,
  ],
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
  [
    'a header’s name of claims',
    { auth: { mode: 'gateway', proof: 'mtls', claims: { 'x u': 'sub' } } },
    '/auth/claims',
    /no header's name/,
  ],
  [
    'no reason to be open',
    { operations: { getUser: { ...bound, auth: {} } } },
    '/operations/getUser/auth',
    /must be \{ none: 'the reason' \}/,
    false,
  ],
  [
    'names of which one is empty',
    { auth: { mode: 'gateway', proof: { mtls: ['a', ''] } } },
    '/auth/proof/mtls',
    /list of DNS names/,
  ],
  [
    'names of which one is a number',
    { auth: { mode: 'gateway', proof: { mtls: [5, 'a'] } } },
    '/auth/proof/mtls',
    /list of DNS names/,
  ],
  ['one name', { auth: { mode: 'gateway', proof: { mtls: 'a' } } }, '/auth/proof/mtls', /list of DNS names/],
  ['another proof with a value', { auth: { mode: 'gateway', proof: { secret: 'a' } } }, '/auth/proof', /must be/],
  [
    'an issuer that is a number among others',
    { auth: { ...jwt, issuer: ['a', 5] } },
    '/auth/issuer',
    /made for others/,
  ],
  [
    'two algorithms that are none',
    { auth: { ...jwt, algorithms: ['HS256', 'none'] } },
    '/auth/algorithms',
    /^HS256, none is none that is taken here; there are \w+, /,
  ],
  ['no bytes', { auth: { ...jwt, maxBytes: 0 } }, '/auth/maxBytes', /whole number/],
  ['fewer bytes than none', { auth: { ...jwt, maxBytes: -1 } }, '/auth/maxBytes', /whole number/],
  ['keys at no place', { auth: { ...jwt, jwks: '' } }, '/auth/jwks', /is missing/],
  [
    'a password without a name',
    { auth: { ...jwt, jwks: 'https://:b@issuer.example/jwks' } },
    '/auth/jwks',
    /must not hold/,
  ],
  [
    'keys of a host that ends like loopback',
    { auth: { ...jwt, jwks: 'http://my.localhost/jwks' } },
    '/auth/jwks',
    /must be https/,
  ],
  ['keys at no address', { auth: { ...jwt, jwks: 'https://' } }, '/auth/jwks', /must be https/],
  [
    'an endpoint by another protocol',
    { auth: { ...forward, url: 'xhttp://auth/check' } },
    '/auth/url',
    /must be the http/,
  ],
  [
    'an endpoint by a protocol that begins alike',
    { auth: { ...forward, url: 'httpsx://auth/check' } },
    '/auth/url',
    /must be the http/,
  ],
  ['a header’s name', { auth: { ...forward, headers: ['a b'] } }, '/auth/headers', /no header's name/],
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'x-forwarded-for'].map(
    (name): [string, object, string, RegExp] => [
      `the header ${name}`,
      { auth: { ...forward, headers: [name] } },
      '/auth/headers',
      /not the client's to say/,
    ],
  ),
  ...['clockTolerance', 'keep', 'cooldown', 'timeout'].map((name): [string, object, string, RegExp] => [
    `no duration: ${name}`,
    { auth: { ...jwt, [name]: 'soon' } },
    `/auth/${name}`,
    /is no duration; write it as '5s' or '5m'/,
  ]),
  ['no duration: cache', { auth: { ...forward, cache: 5 } }, '/auth/cache', /no duration/],
  ['half a second', { cors: { origins: ['*'], maxAge: 0.5 } }, '/cors/maxAge', /whole number of seconds/, false],
  ['less than no seconds', { cors: { origins: ['*'], maxAge: -1 } }, '/cors/maxAge', /whole number of seconds/, false],
  ...['methods', 'headers', 'expose'].map((name): [string, object, string, RegExp, boolean] => [
    `${name} that are none`,
    { cors: { origins: ['*'], [name]: ['a b'] } },
    `/cors/${name}`,
    /no header's name/,
    false,
  ]),
  [
    'an unknown key of cors',
    { cors: { origins: ['*'], origin: 'x' } },
    '/cors/origin',
    /^is not known; there are origins, methods, headers, expose, credentials, maxAge$/,
    false,
  ],
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
    of(({ headers, claims }: { headers: { a: string }; claims: { tid: string } }) =>
      headers.a === 'one' ? claims.tid : 'x',
    ),
    'request',
  );
  t.equal(
    of(({ claims }: { claims: object }) => Object.keys(claims)[0]),
    'claims',
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

t.test('who looks at what: a gateway and an endpoint at anything, tokens at what carries tokens', async (t) => {
  const secured = (...schemes: string[]) => {
    const { operations, ...rest } = contract(true);
    const [first, second] = operations as [Operation, Operation];
    const security = { required: true, schemes };
    return {
      ...rest,
      operations: [
        { ...first, security },
        { ...second, security: { required: true, schemes: ['x'] } },
      ],
    };
  };
  const of = (auth: object | undefined, ...schemes: string[]) =>
    authNote({ ...base, auth } as unknown as BindingsSpec, secured(...schemes));
  t.equal(of(undefined, 'apiKey'), undefined);
  t.equal(of({ mode: 'gateway' }, 'apiKey', 'http basic'), undefined);
  t.equal(of(forward, 'apiKey'), undefined);
  for (const scheme of ['http bearer', 'oauth2', 'openIdConnect']) t.equal(of(jwt, scheme), undefined, scheme);
  t.equal(
    of(jwt, 'apiKey', 'oauth2', 'http basic', 'apiKey'),
    "the contract's security is apiKey, http basic, which mode jwt does not look at",
  );
});

t.test('a scheme that a mode does not look at is a note', async (t) => {
  const of = (auth: object) => authNote({ ...base, auth } as unknown as BindingsSpec, contract(true));
  t.match(of(jwt), /security is http basic, which mode jwt does not look at/);
  t.equal(of(forward), undefined);
});
