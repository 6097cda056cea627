import fc from 'fast-check';
import t from 'tap';
import { compileBody, compileParameters, type Parsed } from '../../src/contract/parameters.ts';
import type { Operation, Parameter } from '../../src/model/operation.ts';

const STYLE = { path: 'simple', query: 'form', header: 'simple', cookie: 'form' } as const;

function parameter(given: Partial<Parameter> & { in: Parameter['in'] }): Parameter {
  const style = given.style ?? STYLE[given.in];
  return {
    name: 'p',
    required: given.in === 'path',
    style,
    explode: style === 'form' || style === 'deepObject',
    allowReserved: false,
    json: false,
    schema: { type: 'string' },
    ...given,
  };
}

const parser = (parameters: Parameter[], path = '/x/{p}', openapi: '3.0' | '3.1' = '3.1') =>
  compileParameters({ path, parameters } as unknown as Operation, openapi);

const list = { type: 'array', items: { type: 'integer' } } as const;
const object = { type: 'object', properties: { a: { type: 'integer' }, b: { type: 'string' } } } as const;

const decoded: [string, Partial<Parameter> & { in: Parameter['in'] }, string, unknown][] = [
  ['path simple', { in: 'path' }, '/x/a%2Fb+c', 'a/b+c'],
  ['path simple array', { in: 'path', schema: list }, '/x/1,2', [1, 2]],
  ['path simple object', { in: 'path', schema: object }, '/x/a,1,b,z', { a: 1, b: 'z' }],
  ['path simple object exploded', { in: 'path', schema: object, explode: true }, '/x/a=1,b=z', { a: 1, b: 'z' }],
  ['path label', { in: 'path', style: 'label', schema: { type: 'integer' } }, '/x/.5', 5],
  ['path label array', { in: 'path', style: 'label', schema: list }, '/x/.1,2', [1, 2]],
  ['path label array exploded', { in: 'path', style: 'label', explode: true, schema: list }, '/x/.1.2', [1, 2]],
  ['path matrix', { in: 'path', style: 'matrix', schema: { type: 'integer' } }, '/x/;p=5', 5],
  ['path matrix array', { in: 'path', style: 'matrix', schema: list }, '/x/;p=1,2', [1, 2]],
  ['path matrix array exploded', { in: 'path', style: 'matrix', explode: true, schema: list }, '/x/;p=1;p=2', [1, 2]],
  [
    'path matrix object exploded',
    { in: 'path', style: 'matrix', explode: true, schema: object },
    '/x/;a=1;b=z',
    { a: 1, b: 'z' },
  ],
  ['query form', { in: 'query', schema: { type: 'number' } }, '/x/_?p=1.5', 1.5],
  ['a plus stays a plus', { in: 'query' }, '/x/_?p=a+b%20c', 'a+b c'],
  ['query form array exploded', { in: 'query', schema: list }, '/x/_?p=1&p=2', [1, 2]],
  ['query form array, one of them', { in: 'query', schema: list }, '/x/_?p=1', [1]],
  ['query form array not exploded', { in: 'query', explode: false, schema: list }, '/x/_?p=1,2', [1, 2]],
  ['query array with brackets', { in: 'query', schema: list }, '/x/_?p[]=1&p%5B%5D=2', [1, 2]],
  [
    'query spaceDelimited',
    { in: 'query', style: 'spaceDelimited', explode: false, schema: list },
    '/x/_?p=1%202',
    [1, 2],
  ],
  [
    'query pipeDelimited',
    { in: 'query', style: 'pipeDelimited', explode: false, schema: list },
    '/x/_?p=1%7C2',
    [1, 2],
  ],
  ['query form object exploded', { in: 'query', schema: object }, '/x/_?a=1&b=z', { a: 1, b: 'z' }],
  [
    'query form object not exploded',
    { in: 'query', explode: false, schema: object },
    '/x/_?p=a,1,b,z',
    { a: 1, b: 'z' },
  ],
  [
    'query deepObject',
    { in: 'query', style: 'deepObject', schema: object },
    '/x/_?p[a]=1&p%5Bb%5D=z',
    { a: 1, b: 'z' },
  ],
  [
    'query deepObject or a number',
    { in: 'query', style: 'deepObject', schema: { anyOf: [object, { type: 'integer' }] } },
    '/x/_?p=7',
    7,
  ],
  ['query JSON', { in: 'query', json: true, schema: object }, '/x/_?p=%7B%22a%22%3A1%7D', { a: 1 }],
  ['a default', { in: 'query', schema: { type: 'integer', default: 20 } }, '/x/_', 20],
  ['an empty optional value', { in: 'query', schema: { type: 'integer' } }, '/x/_?p=', undefined],
  ['a boolean', { in: 'query', schema: { type: 'boolean' } }, '/x/_?p=false', false],
  [
    'an integer beyond 2^53',
    { in: 'query', schema: { type: 'integer' } },
    '/x/_?p=9007199254740993',
    9007199254740993n,
  ],
  [
    'an array of text',
    { in: 'query', explode: false, schema: { type: 'array', items: { type: 'string' } } },
    '/x/_?p=a%2Cb,c',
    ['a,b', 'c'],
  ],
];

const ask = (parse: ReturnType<typeof parser>, url: string, headers = {}): Parsed => {
  const [pathname = '', search = ''] = url.split('?');
  return parse({ pathname, search, headers });
};

for (const [says, given, url, expected] of decoded) {
  t.test(says, async (t) => {
    const parsed = ask(parser([parameter(given)]), url);
    t.strictSame(parsed[given.in === 'path' ? 'path' : 'query'].p, expected);
    t.ok(Object.isFrozen(parsed.query) && Object.isFrozen(parsed.path));
  });
}

const refused: [string, Partial<Parameter> & { in: Parameter['in'] }, string, string][] = [
  ['missing', { in: 'query', required: true }, '/x/_', 'missingParameter'],
  ['a word for an integer', { in: 'path', schema: { type: 'integer' } }, '/x/abc', 'invalidParameter'],
  ['a decimal for an integer', { in: 'path', schema: { type: 'integer' } }, '/x/1.5', 'invalidParameter'],
  ['beyond the maximum', { in: 'query', schema: { type: 'integer', maximum: 100 } }, '/x/_?p=101', 'invalidParameter'],
  ['beyond int32', { in: 'path', schema: { type: 'integer', format: 'int32' } }, '/x/4294967296', 'invalidParameter'],
  [
    'no value of the enum',
    { in: 'query', schema: { type: 'string', enum: ['asc'] } },
    '/x/_?p=desc',
    'invalidParameter',
  ],
  ['twice', { in: 'query' }, '/x/_?p=1&p=2', 'invalidParameter'],
  ['badly encoded', { in: 'path' }, '/x/%E0%A4%A', 'invalidParameter'],
  ['an operator as a key', { in: 'query', style: 'deepObject', schema: object }, '/x/_?p[$ne]=1', 'invalidParameter'],
  ['a path as a key', { in: 'query', style: 'deepObject', schema: object }, '/x/_?p[a.b]=1', 'invalidParameter'],
  [
    'a key of the prototype',
    { in: 'query', style: 'deepObject', schema: object },
    '/x/_?p[__proto__]=1',
    'invalidParameter',
  ],
  ['an operator in JSON', { in: 'query', json: true, schema: {} }, '/x/_?p=%7B%22%24gt%22%3A1%7D', 'invalidParameter'],
];

for (const [says, given, url, kind] of refused) {
  t.test(`${says} is refused`, async (t) => {
    t.throws(() => ask(parser([parameter(given)]), url), { name: 'RequestError', kind, parameter: 'p' });
  });
}

t.test('3.0: nullable, and exclusive limits that are booleans', async (t) => {
  const schema = { type: 'integer', minimum: 0, exclusiveMinimum: true, nullable: true };
  const parse = parser([parameter({ in: 'query', schema })], '/x/{p}', '3.0');
  t.equal(ask(parse, '/x/_?p=1').query.p, 1);
  t.throws(() => ask(parse, '/x/_?p=0'), { name: 'RequestError', kind: 'invalidParameter' });
});

t.test('headers and cookies by the contract’s names', async (t) => {
  const parse = parser([
    parameter({ in: 'header', name: 'X-Count', schema: { type: 'integer' } }),
    parameter({ in: 'cookie', name: 'sid' }),
  ]);
  const parsed = ask(parse, '/x/_', { 'x-count': '3', cookie: 'a=b; sid=z' });
  t.strictSame(parsed.headers, { 'X-Count': 3 });
  t.strictSame(parsed.cookies, { sid: 'z' });
});

t.test('names that the contract lacks are listed', async (t) => {
  t.strictSame(ask(parser([parameter({ in: 'query' })]), '/x/_?p=1&colour=red&%zz=1').unknown, ['colour', '%zz']);
});

t.test('two parameters in one segment', async (t) => {
  const parse = parser([parameter({ in: 'path', name: 'a' }), parameter({ in: 'path', name: 'b' })], '/x/{a}.{b}');
  t.strictSame(ask(parse, '/x/one.json').path, { a: 'one', b: 'json' });
});

t.test('any text, encoded, comes back the same', async (t) => {
  const inPath = parser([parameter({ in: 'path' })]);
  const inArray = parser([
    parameter({ in: 'query', explode: false, schema: { type: 'array', items: { type: 'string' } } }),
  ]);
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 }),
      (text, texts) => {
        t.equal(ask(inPath, `/x/${encodeURIComponent(text)}`).path.p, text);
        const search = `p=${texts.map(encodeURIComponent).join(',')}`;
        t.same(inArray({ pathname: '/x/_', search, headers: {} }).query.p, texts);
      },
    ),
  );
});

t.test('a body: JSON, valid, without dangerous keys', async (t) => {
  const schema = { type: 'object', properties: { a: { type: 'integer' } } };
  const read = compileBody(
    { body: { required: true, types: ['application/json'], schema } } as unknown as Operation,
    '3.1',
  );
  t.same(read?.(Buffer.from('{"a":1}'), 'application/json'), { a: 1 });
  for (const bad of ['', '{', '{"a":"x"}', '{"$where":1}', '{"b":{"c.d":1}}', '{"b":[{"__proto__":1}]}', '\ufffd{']) {
    t.throws(() => read?.(Buffer.from(bad), undefined), { name: 'RequestError', kind: 'invalidBody' }, bad);
  }
  t.throws(() => read?.(Buffer.from([0x22, 0xff, 0x22]), undefined), { name: 'RequestError', kind: 'invalidBody' });
});
