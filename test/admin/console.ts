import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Fastify from 'fastify';
import t from 'tap';
import { consoleAssets, consoleRoutes } from '../../src/admin/console.ts';

const app = Fastify();
t.before(() => app.register(consoleRoutes()));
t.teardown(() => app.close());

t.test('every import of every module is served, and nothing else is asked for', async (t) => {
  const assets = await consoleAssets();
  const page = String(await assets.get('/console')?.body('identity'));
  const asked = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map((match) => match[1] as string);
  t.ok(asked.length > 30);
  const besides = ['/docs/', '/admin/v1/openapi.json'];
  for (const path of asked) t.ok(assets.has(path) || besides.includes(path), path);
  t.match(page, '<noscript>', 'and a word to who runs no scripts');
  t.notMatch(page, /<script(?![^>]*src=)|\son\w+=|style=|https?:/i, 'nothing inline, nothing from elsewhere');

  for (const [path, { type, body }] of assets) {
    if (!type.startsWith('text/javascript')) continue;
    const text = String(await body('identity'));
    for (const [, specifier] of text.matchAll(/^(?:import|export)\b[^'"]*?from\s*["']([^"']+)["']/gm)) {
      const target = new URL(specifier as string, `http://x${path}`);
      t.match(specifier, /^[./]/, `${path} imports no bare name`);
      t.ok(assets.has(target.pathname), `${path} imports ${specifier}`);
    }
  }
});

t.test('a file goes as it is asked for: compressed, and once', async (t) => {
  const get = (headers: Record<string, string>) => app.inject({ url: '/console/app.js', headers });
  const plain = await get({});
  t.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8');
  t.equal(plain.headers['cache-control'], 'no-cache');
  t.equal(plain.headers.vary, 'accept-encoding');
  const rows: [accepted: string, encoding: string | undefined, open: (body: Buffer) => Buffer][] = [
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip;q=0.5', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
    ['deflate', undefined, (body) => body],
  ];
  for (const [accepted, encoding, open] of rows) {
    const reply = await get({ 'accept-encoding': accepted });
    t.equal(reply.headers['content-encoding'], encoding, accepted);
    t.equal(open(reply.rawPayload).toString(), plain.body);
    const again = await get({ 'accept-encoding': accepted, 'if-none-match': String(reply.headers.etag) });
    t.same([again.statusCode, again.body], [304, '']);
  }
});

t.test('the page stands in no frame and runs nothing but its own files', async (t) => {
  const { statusCode, headers } = await app.inject({ url: '/console/' });
  t.equal(statusCode, 200);
  const policy = String(headers['content-security-policy']);
  for (const word of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
    t.match(policy, word);
  t.notMatch(policy, 'unsafe');
});

t.test('no path of a client becomes a file’s', async (t) => {
  const paths = [
    '../package.json',
    '%2e%2e/package.json',
    '..%2fpackage.json',
    'index.html',
    'vendor/..%2f..%2fsrc/cli.ts',
  ];
  for (const path of [...paths, 'vendor/preact', 'app.js%00', '\\..\\package.json', '__proto__', 'style']) {
    const { statusCode, body } = await app.inject({ url: `/console/${path}` });
    t.equal(statusCode, 404, path);
    t.notMatch(body, /"name"|import /);
  }
});
