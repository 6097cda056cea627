import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { readCombined } from '../../src/replay/combined.ts';
import { readHar } from '../../src/replay/har.ts';
import { linesOf } from '../../src/replay/lines.ts';
import { readNdjson } from '../../src/replay/ndjson.ts';
import { type Complaint, type Recorded, Unreadable } from '../../src/replay/recorded.ts';
import { openSource } from '../../src/replay/source.ts';

const read = async (given: Readonly<Record<string, Buffer | string>>, file: string, more: object = {}, cwd = '') => {
  const folder = cwd === '' ? t.testdir(given) : cwd;
  const source = await openSource(file, { cwd: folder, stdin: Readable.from([]), ...more });
  const recorded: Recorded[] = [];
  const complaints: (Complaint & { place: string })[] = [];
  for await (const entry of source.entries)
    if ('recorded' in entry) recorded.push(entry.recorded);
    else complaints.push({ ...entry.complaint, place: source.place(entry.complaint.line) });
  return { source, recorded, complaints };
};

t.test('NDJSON: what a line may say', async (t) => {
  const one = (value: unknown) => readNdjson(JSON.stringify(value), 7);
  t.match(one({ path: '/users/1?x=%2F' }), { line: 7, method: 'GET', url: '/users/1?x=%2F', headers: {} });
  t.match(one({ url: 'https://api.example.com/a//b/../c?q=1#top' }), { url: '/a//b/../c?q=1' });
  t.match(one({ url: 'https://api.example.com' }), { url: '/' });
  t.match(one({ url: 'https://api.example.com?x=1' }), { url: '/?x=1' });
  t.match(one({ path: '/é?q=ü' }), { url: '/%C3%A9?q=%C3%BC' });
  t.match(one({ method: 'post', path: '/q', body: { a: 1 } }), {
    method: 'POST',
    body: Buffer.from('{"a":1}'),
    headers: { 'content-type': 'application/json' },
  });
  t.match(one({ path: '/q', body: 'a=1', headers: { 'Content-Type': 'text/plain' } }), {
    body: Buffer.from('a=1'),
    headers: { 'content-type': 'text/plain' },
  });
  t.match(one({ path: '/q', bodyBase64: 'AAEC' }).body, Buffer.from([0, 1, 2]));
  t.same(
    one({ path: '/', headers: { Accept: ['a', 'b'], ':authority': 'x', Cookie: ['c=1', 'd=2'], Off: null } }).headers,
    {
      accept: 'a, b',
      cookie: 'c=1; d=2',
    },
  );
  t.match(one({ path: '/', status: '404', at: '2026-10-10T10:00:00Z' }), {
    status: 404,
    at: new Date('2026-10-10T10:00:00Z'),
  });
  for (const [wrong, why] of [
    ['nonsense', /no JSON/],
    ['[1]', /no JSON object/],
    ['null', /no JSON object/],
    ['{}', /neither url nor path/],
    ['{"path":""}', /does not begin/],
    ['{"path":"users"}', /does not begin/],
    ['{"path":"/a b"}', /space or a control/],
    ['{"path":"/a\\nb"}', /space or a control/],
    ['{"path":"/","method":"G T"}', /no method/],
    ['{"path":"/","headers":[]}', /headers must be/],
    ['{"path":"/","headers":{"a b":"c"}}', /no header/],
    ['{"path":"/","headers":{"a":"c\\r\\nx: y"}}', /no header/],
    ['{"path":"/","headers":{"a":1}}', /no text/],
    ['{"path":"/","bodyBase64":"*"}', /no base64/],
  ] as const)
    t.throws(() => readNdjson(wrong, 1), why, wrong);
  t.equal(({} as Record<string, unknown>).polluted, undefined);
  t.same(readNdjson('{"path":"/","headers":{"__proto__":"x"}}', 1).url, '/');
});

const LINES = {
  apache: '203.0.113.9 - frank [10/Oct/2026:13:55:36 +0200] "GET /users/u-1?fields=a HTTP/1.1" 200 2326 "-" "curl/8"',
  ipv6: '2001:db8::1 - - [10/Oct/2026:13:55:36 +0200] "HEAD / HTTP/2.0" 304 0 "-" "-"',
  vhost: 'api.example.com:443 10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 1 "-" "-" "extra"',
  nginx: '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a?q=\\x22x\\x22\\xC3\\xA9 HTTP/1.1" 200 1 "-" "-"',
  quoted: '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a?q=\\"x\\"&b=\\\\ HTTP/1.1" 200 1 "-" "-"',
  common: '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET http://api.example.com/a HTTP/1.0" 500 -',
  old: '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a" 200 1',
};

t.test('combined log: Apache, nginx, IPv6, escapes', async (t) => {
  const one = (line: string) => readCombined(Buffer.from(line), 3);
  t.match(one(LINES.apache), {
    ...{ line: 3, method: 'GET', url: '/users/u-1?fields=a', status: 200 },
    at: new Date('2026-10-10T11:55:36Z'),
  });
  t.match(one(LINES.ipv6), { method: 'HEAD', url: '/', status: 304 });
  t.match(one(LINES.vhost), { url: '/a' });
  t.match(one(LINES.nginx), { url: '/a?q="x"%C3%A9' });
  t.match(one(LINES.quoted), { url: '/a?q="x"&b=\\' });
  t.match(one(LINES.common), { url: '/a', status: 500 });
  t.match(one(LINES.old), { method: 'GET', url: '/a' });
  const at = '10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] ';
  for (const [wrong, why] of [
    ['', /no time and request line/],
    ['hello', /no time and request line/],
    [`${at}"-" 400 0 "-" "-"`, /no request line/],
    [`${at}"" 400 0 "-" "-"`, /no request line/],
    [`${at}"\\x16\\x03\\x01\\x02 \\x00" 400 0 "-" "-"`, /no method/],
    [`${at}"GET /a HTTP/1.1`, /does not end/],
    [`${at}"GET \\x00/ HTTP/1.1" 400 0`, /does not begin/],
    [`${at}"GET /\\x1b[2J HTTP/1.1" 400 0`, /control character/],
    [`${at}"OPTIONS * HTTP/1.1" 200 0`, /does not begin/],
  ] as const)
    t.throws(() => one(wrong), why, wrong);
});

t.test('HAR: what a browser wrote', async (t) => {
  const entry = {
    startedDateTime: '2026-10-10T10:00:00.000Z',
    request: {
      method: 'POST',
      url: 'https://api.example.com/search?x=1#frag',
      headers: [
        { name: ':authority', value: 'api.example.com' },
        { name: 'Accept', value: 'application/json' },
      ],
      postData: { mimeType: 'application/json', text: '{"q":"é"}' },
    },
    response: { status: 201 },
  };
  const form = {
    request: { method: 'POST', url: '/f', postData: { mimeType: 'x/y', params: [{ name: 'a', value: 'b c' }] } },
  };
  const text = JSON.stringify({ log: { version: '1.2', entries: [entry, form, { request: {} }, 7] } });
  const [one, two, three, four] = [...readHar(text)] as [
    { recorded: Recorded },
    { recorded: Recorded },
    unknown,
    unknown,
  ];
  t.match(one.recorded, {
    ...{ line: 1, method: 'POST', url: '/search?x=1', status: 201, body: Buffer.from('{"q":"é"}') },
    at: new Date('2026-10-10T10:00:00Z'),
  });
  t.same(one.recorded.headers, { accept: 'application/json', 'content-type': 'application/json' });
  t.match(two.recorded, { url: '/f', body: Buffer.from('a=b+c') });
  t.match([three, four], [{ complaint: { line: 3 } }, { complaint: { line: 4 } }]);
  t.throws(() => [...readHar('{')], /no JSON: /);
  t.throws(() => [...readHar('{"log":{}}')], /log.entries is no list/);
});

t.test('hostile text becomes a request that HTTP can carry, or a complaint, and nothing else', async () => {
  const sound = ({ method, url, headers }: Recorded): boolean =>
    /^[!-~]+$/.test(method) &&
    /^\/[!-~]*$/.test(url) &&
    !url.includes('#') &&
    Object.entries(headers).every(([name, value]) => /^[!-9;-~]+$/.test(name) && !/[\r\n\0]/.test(value));
  const holds = (work: () => Recorded): boolean => {
    try {
      return sound(work());
    } catch (error) {
      return error instanceof Unreadable;
    }
  };
  const bytes = fc.uint8Array({ maxLength: 200 }).map((given) => Buffer.from(given));
  fc.assert(
    fc.property(bytes, (given) => holds(() => readCombined(given, 1))),
    { numRuns: 2_000 },
  );
  const around = (inner: Buffer) => Buffer.concat([Buffer.from('h - - [t] "'), inner, Buffer.from('" 200 1 "-" "-"')]);
  fc.assert(
    fc.property(bytes, (given) => holds(() => readCombined(around(given), 1))),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(fc.json(), (given) => holds(() => readNdjson(given, 1))),
    { numRuns: 1_000 },
  );
  const loose = fc.record({
    method: fc.anything(),
    path: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.string({ unit: 'binary' }).map((text) => `/${text}`),
    ),
    headers: fc.dictionary(fc.string({ unit: 'binary' }), fc.oneof(fc.string({ unit: 'binary' }), fc.anything())),
  });
  fc.assert(
    fc.property(loose, ({ method, ...rest }) =>
      holds(() => readNdjson(JSON.stringify({ ...(typeof method === 'string' ? { method } : {}), ...rest }), 1)),
    ),
    { numRuns: 2_000 },
  );
});

t.test('what is no text where text belongs is a complaint', async (t) => {
  const odd = { toString: 1, valueOf: 1 };
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  t.match(readNdjson(JSON.stringify({ path: '/x', status: odd }), 1), { url: '/x', status: undefined });
  t.throws(() => readNdjson(`{"path":"/x","method":"POST","body":${deep}}`, 1), /nested too deep/);
  const request = (more: object) => ({ request: { method: 'GET', url: 'http://x/y', headers: [], ...more } });
  const entries = [
    request({ headers: [{ name: odd, value: 'x' }] }),
    request({ headers: [{ value: 'x' }] }),
    request({ postData: { params: [{ name: 'a', value: odd }] } }),
    { ...request({}), response: { status: odd } },
  ];
  const read = [...readHar(JSON.stringify({ log: { entries } }))];
  t.same(
    read.map((one) => 'complaint' in one),
    [true, true, true, false],
  );
  const line = '::1 - - [10/Oct/2026:13:55:36 +0200] "GET /caf\\xE9/caf\\xC3\\xA9 HTTP/1.1" 200 1';
  t.equal(readCombined(Buffer.from(line), 1).url, '/caf%E9/caf%C3%A9');
});

t.test('lines are the same however the file is cut into chunks', async (t) => {
  const collect = async (chunks: readonly Buffer[], most = 1_000) => {
    const lines: (string | undefined)[] = [];
    for await (const { line, bytes } of linesOf(Readable.from(chunks), most)) {
      lines.push(bytes?.toString('latin1'));
      if (line !== lines.length) throw new Error('lines are counted wrong');
    }
    return lines;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.stringMatching(/^[a-c]{0,5}$/)), fc.array(fc.nat(10)), async (texts, cuts) => {
      const whole = Buffer.from(texts.map((text) => `${text}\n`).join(''));
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        chunks.push(whole.subarray(at, at + cut));
        at += cut;
      }
      chunks.push(whole.subarray(at));
      return JSON.stringify(await collect(chunks)) === JSON.stringify(texts);
    }),
    { numRuns: 200 },
  );
  t.same(await collect([Buffer.from('a\r\nbcdef\nlast')], 4), ['a', undefined, 'last']);
});

t.test('the format is told by extension, else by content; gzip by its first bytes', async (t) => {
  const ndjson = '\uFEFF{"path":"/a"}\n\nnonsense\n{"path":"/b"}';
  const har = JSON.stringify({ log: { entries: [{ request: { method: 'GET', url: '/h' } }, {}] } });
  const folder = t.testdir({ 'a.ndjson': ndjson, 'b.txt': ndjson, 'c.har': har, 'd.json': har, 'e.log': LINES.apache });
  writeFileSync(join(folder, 'f.jsonl.gz'), gzipSync(ndjson));
  writeFileSync(join(folder, 'g.gz'), gzipSync(`${LINES.apache}\n`.repeat(20_000)));
  writeFileSync(join(folder, 'h.log.gz'), gzipSync(`${LINES.apache}\n`.repeat(20_000)).subarray(0, 400));
  const at = (file: string, more: object = {}) => read({}, file, more, folder);
  const a = await at('a.ndjson');
  t.same(
    a.recorded.map(({ url, line }) => [url, line]),
    [
      ['/a', 1],
      ['/b', 4],
    ],
  );
  t.same(a.complaints, [{ line: 3, message: 'no JSON', place: 'a.ndjson:3' }]);
  t.equal(a.source.progress(), 1);
  t.equal((await at('b.txt')).source.format, 'ndjson');
  t.match(await at('c.har'), { recorded: { length: 1 }, complaints: [{ place: 'c.har#/log/entries/1' }] });
  t.equal((await at('d.json')).source.format, 'har');
  t.match(await at('e.log'), { source: { format: 'combined' }, recorded: [{ url: '/users/u-1?fields=a' }] });
  t.equal((await at('f.jsonl.gz')).recorded.length, 2);
  t.equal((await at('g.gz')).recorded.length, 20_000);
  const cut = await at('h.log.gz');
  t.match(cut.complaints.at(-1)?.message, /cannot be read further: unexpected end/);
  t.equal((await at('e.log', { format: 'ndjson' })).complaints[0]?.message, 'no JSON');
  const piped = await at('-', { stdin: createReadStream(join(folder, 'g.gz')) });
  t.match(piped, { source: { name: 'stdin', format: 'combined' }, recorded: { length: 20_000 } });
  t.equal(piped.source.progress(), undefined);
  await t.rejects(at('none'), { name: 'UsageError', message: 'there is no file none' });
  await t.rejects(at('.'), { name: 'UsageError', message: '. is no file' });
  await t.rejects(at('e.log', { format: 'har' }), { name: 'UsageError', message: /e.log: no JSON/ });
  t.same((await at('-', { stdin: Readable.from([]) })).recorded, []);
});
