import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { STAGES } from '../../../../src/model/stage.ts';
import { tokens } from '../../admin.ts';
import { withTwoTenants } from '../notes.ts';
import { must, type Target } from '../target.ts';

/** A request to the admin side. */
type Input = {
  readonly role: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: readonly (readonly string[])[];
  readonly body: string;
};

/** Every path of its OpenAPI document; held against it at the start. */
const ROUTES = [
  ...[
    '/operations',
    '/operations/{id}',
    '/tenants',
    '/health',
    '/rules',
    '/report',
    '/logins',
    '/session',
    '/login',
    '/login/callback',
  ],
  ...[
    '/changes',
    '/changes/{id}/undo',
    '/audit',
    '/diff',
    '/findings',
    '/findings/{fingerprint}',
    '/findings/{fingerprint}/diff',
  ],
  ...['/findings/{fingerprint}/known', '/gate', '/gates', '/events'],
];
const OPEN = [
  '/livez',
  '/readyz',
  '/metrics',
  '/contract',
  '/console',
  '/console/app.js',
  '/',
  '/docs/',
  '/admin/v1/openapi.json',
];
/** Whom a viewer, or nobody, may ask. */
const ROLES = ['operator', 'operator', 'viewer', 'none', 'wrong'];

/** What is no request at all is of the raw requests' target. */
const METHODS = ['GET', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS', 'PATCH'];

const IDS = [
  ...[
    'getNote',
    'listNotes',
    'x',
    '__proto__',
    '%2e%2e',
    '%00',
    '%zz',
    '..%2f..',
    'a'.repeat(3_000),
    '{"$ne":1}',
    '%F0%9F%91%8D',
    '',
  ],
];
const TEXTS = [
  'acme',
  '',
  '__proto__',
  '$ne',
  'x'.repeat(200),
  ' acme ',
  '\u0000',
  '\ud83d',
  'ü',
  'a\nb',
  '<script>',
  '1',
  'true',
];
const PARAMETERS = [
  'search',
  'operation',
  'after',
  'limit',
  'tenant',
  'stage',
  'to',
  'pair',
  'kind',
  'verdict',
  'format',
  'code',
  'state',
  'all',
];
const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 10 }));

const json = (value: unknown): string =>
  JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? String(one) : one)) ?? '';

const change = fc.record(
  {
    operation: fc.oneof(fc.constantFrom('getNote', 'listNotes'), text),
    stage: fc.oneof(fc.constantFrom<string>(...STAGES), text),
    tenants: fc.oneof(fc.array(text, { maxLength: 4 }), text),
    all: fc.boolean(),
    ramp: fc.oneof(
      fc.record({ to: fc.constantFrom<string>(...STAGES), percent: fc.constantFrom(0, 1, 50, 100, 101, -1, 0.5) }),
      text,
    ),
    floor: fc.constantFrom<string>(...STAGES, ''),
    kill: fc.oneof(fc.boolean(), fc.constant('yes')),
    sampling: fc.constantFrom<unknown>(0, 100, 50.5, -1, 1e9, '5', null),
    reason: fc.oneof(text, fc.constant('r'.repeat(3_000))),
    force: fc.constantFrom<unknown>(true, true, false, 'true'),
    dryRun: fc.boolean(),
    revision: text,
    more: fc.anything({ maxDepth: 1 }),
  },
  { requiredKeys: [] },
);
const question = fc.record(
  {
    method: fc.constantFrom('GET', 'HEAD', 'POST', ''),
    path: fc.constantFrom(
      '/notes/a-1',
      '/notes?shelf=a',
      '/notes?shelf=a&cursor=xf1_A',
      '//x',
      '',
      'notes',
      '/none',
      '/notes/%zz',
      '/notes/ü',
    ),
    url: fc.constantFrom('/notes/a-1', 'http://other/'),
    headers: fc.oneof(fc.dictionary(fc.constantFrom('x-tenant-id', 'X-Tenant-Id', 'a b', ''), text), text),
    body: text,
    reason: text,
    until: fc.constantFrom('2026-12-31', '2026-02-30', '0000-00-00', '', 'x'),
    token: text,
  },
  { requiredKeys: [] },
);

const HEADERS = [
  'content-type',
  'host',
  'origin',
  'sec-fetch-site',
  'cookie',
  'authorization',
  'accept',
  'last-event-id',
  'x-forwarded-for',
];
const HEADER_VALUES = [
  ...[
    'application/json',
    'text/plain',
    'application/json; charset=x',
    'evil.example',
    'null',
    'https://evil.example',
    'cross-site',
  ],
  ...[
    'same-origin',
    'crossfade=AAAA',
    'Bearer x',
    'Bearer ',
    'Basic eDp5',
    '',
    '127.0.0.1',
    '[::1]',
    'crossfade=a; crossfade=b',
  ],
];

export const admin: Target<Input> = {
  name: 'admin',
  about: 'requests to the admin API, by an operator, a viewer and strangers',
  inputs: fc.record({
    role: fc.constantFrom(...ROLES),
    method: fc.constantFrom('GET', 'POST', ...METHODS),
    path: fc.oneof(
      {
        arbitrary: fc
          .tuple(fc.constantFrom(...ROUTES), fc.constantFrom(...IDS))
          .map(([route, id]) => `/admin/v1${route.replace(/\{\w+\}/, () => id)}`),
        weight: 5,
      },
      {
        arbitrary: fc.constantFrom(
          ...OPEN,
          '/console/..%2f..%2fpackage.json',
          '/docs/static/..%2f',
          '/admin/v1',
          '/admin//v1/audit',
        ),
        weight: 1,
      },
      { arbitrary: fc.constant('/admin/v1/changes'), weight: 2 },
    ),
    query: fc
      .array(
        fc.tuple(
          fc.constantFrom(...PARAMETERS),
          text.map((one) => encodeURIComponent(one.toWellFormed())),
        ),
        { maxLength: 3 },
      )
      .map((all) => all.map(([name, value]) => `${name}=${value}`).join('&')),
    headers: fc.array(fc.tuple(fc.constantFrom(...HEADERS), fc.constantFrom(...HEADER_VALUES)), { maxLength: 2 }),
    body: fc.oneof(
      { arbitrary: change.map(json), weight: 3 },
      { arbitrary: question.map(json), weight: 2 },
      {
        arbitrary: fc.constantFrom(
          '',
          '{',
          '[]',
          'null',
          '"x"',
          '{"__proto__":{"role":"operator"}}',
          `${'['.repeat(5_000)}`,
        ),
        weight: 1,
      },
    ),
  }),
  examples: [
    {
      role: 'operator',
      method: 'POST',
      path: '/admin/v1/changes',
      query: '',
      headers: [],
      body: '{"operation":"getNote","stage":"live","force":true,"reason":"x"}',
    },
    {
      role: 'operator',
      method: 'POST',
      path: '/admin/v1/changes',
      query: '',
      headers: [],
      body: '{"operation":"getNote","tenants":["acme"],"stage":"shadow","dryRun":true}',
    },
    {
      role: 'operator',
      method: 'POST',
      path: '/admin/v1/diff',
      query: '',
      headers: [],
      body: '{"method":"GET","path":"/notes/a-1","headers":{"x-tenant-id":"acme"}}',
    },
    { role: 'viewer', method: 'GET', path: '/admin/v1/operations', query: '', headers: [], body: '' },
    { role: 'viewer', method: 'GET', path: '/admin/v1/tenants', query: 'search=a&limit=5', headers: [], body: '' },
  ],
  words: [...ROUTES, ...IDS.filter(({ length }) => length < 99), ...TEXTS, ...STAGES, ...PARAMETERS, ...HEADER_VALUES],
  patience: 2_000,
  async open(t) {
    const made = tokens();
    const { facade } = await withTwoTenants(t, {
      env: { ADMIN_TOKENS: made.ADMIN_TOKENS, SAMPLE_SECRET: 'a-secret-of-the-test-for-samples' },
    });
    const { app } = facade;
    const documented = (await (await fetch(`${app.adminUrl}/admin/v1/openapi.json`)).json()) as { paths: object };
    const missing = Object.keys(documented.paths)
      .map((path) => path.replace('/admin/v1', ''))
      .filter((path) => !ROUTES.includes(path));
    must(missing.length === 0, 'routes that are not thrown at', missing);
    return async (input) => {
      const { role, method, path, query, headers, body } = input;
      const target = query === '' ? path : `${path}?${query}`;
      if (
        !/^\/[!-~]*$/.test(target) ||
        target.length > 8_000 ||
        !METHODS.includes(method) ||
        !headers.every(isSendable)
      )
        return 'cannot be sent';
      const token =
        role === 'operator' ? made.operator : role === 'viewer' ? made.viewer : randomBytes(24).toString('base64url');
      const all = {
        ...(role === 'none' ? {} : { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
        ...Object.fromEntries(headers.map(([name = '', value = '']) => [name, value])),
      };
      const before = app.flags.revision();
      const { status, type, text } = await ask(
        app.adminUrl,
        method,
        target,
        all,
        method === 'GET' || method === 'HEAD' ? '' : body,
      );
      must(status < 500 || (status === 503 && BUSY.test(text)), 'a 5xx of ours', [status, text]);
      const isJson = /json/.test(type) && text !== '';
      must(!isJson || isJsonText(text), 'a body that is no JSON', text);
      must(
        status < 400 || status === 421 || !path.startsWith('/admin/v1/') || text === '' || /problem\+json/.test(type),
        'an error in another shape',
        [status, type, text],
      );
      must(!text.includes(made.operator) && !text.includes(made.viewer), 'a token comes back', text);
      // Flags that were changed through the API are in force when it replies.
      must(role === 'operator' || app.flags.revision() === before, 'somebody without the role moved something', input);
      const isOpen = !path.startsWith('/admin/v1/') || /openapi|log(in|ins)\b|session/.test(path);
      must(isOpen || role === 'operator' || role === 'viewer' || status >= 400, 'a stranger is answered', [
        status,
        text,
      ]);
      return `${role} ${method} ${path.replace(/(operations|changes|findings)\/[^/]*/, '$1/*').slice(0, 40)} ${status}`;
    };
  },
};

/** Not a failure: who asks is told to wait. */
const BUSY = /questions are under way/;

const isSendable = ([name = '', value = '']: readonly string[]): boolean =>
  /^[a-z-]+$/.test(name) &&
  !/^(content-length|transfer-encoding|expect|connection|upgrade|te|trailer)$/.test(name) &&
  /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A stream of events is left as soon as it has begun. */
function ask(base: string, method: string, path: string, headers: Record<string, string>, body: string) {
  const { hostname, port } = new URL(base);
  return new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const message = httpRequest(
      { hostname, port, method, path, headers: { ...headers, ...length }, agent: false },
      (reply) => {
        const type = String(reply.headers['content-type'] ?? '');
        const told = (text: string) => resolve({ status: reply.statusCode ?? 0, type, text });
        if (/event-stream/.test(type)) {
          message.destroy();
          return told('');
        }
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('error', reject);
        reply.on('end', () => told(Buffer.concat(chunks).toString('utf8')));
      },
    );
    message.on('error', reject);
    message.end(body);
  });
}
