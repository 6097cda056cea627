import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';

type Encoding = 'br' | 'gzip' | 'identity';

/** A window no larger than the files are: with the usual one each compression takes megabytes. */
const WINDOW = 18;

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

const COMPRESS: Readonly<Record<Encoding, (text: Buffer) => Promise<Buffer>>> = Object.freeze({
  br: (text) =>
    brotli(text, {
      params: { [BROTLI_PARAM_QUALITY]: 6, [BROTLI_PARAM_LGWIN]: WINDOW, [BROTLI_PARAM_SIZE_HINT]: text.length },
    }),
  gzip: (text) => gzipped(text),
  identity: async (text) => text,
});

/** Beside `src/` in the source tree, and beside `dist/src/` in the package: the build copies it. */
const FOLDER = new URL('../../console/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = Object.freeze({
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
});

/** The packages of the page: their module files, by the name they are asked for below `/console/vendor/`. */
const VENDOR: Readonly<Record<string, string>> = Object.freeze({
  preact: 'preact.js',
  'preact/hooks': 'hooks.js',
  '@preact/signals-core': 'signals-core.js',
  '@preact/signals': 'signals.js',
  htm: 'htm.js',
});

/** Nothing from elsewhere, nothing inline, in nobody's frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** One file of the page, as it goes over the wire. */
export interface Asset {
  readonly type: string;
  readonly hash: string;
  /** Compressed when it is first asked for, and kept. */
  readonly body: (encoding: Encoding) => Promise<Buffer>;
}

/**
 * The page at `/console` and what it loads below it, read once when it is registered. A request is looked up by its path: no path of a client
 * ever becomes a file's.
 */
export function consoleRoutes(): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    const assets = await consoleAssets();
    const send = async (request: FastifyRequest, reply: FastifyReply) => {
      const path = request.url.replace(/\?.*$/s, '').replace(/\/$/, '');
      const asset = assets.get(path);
      if (!reply.hasHeader('content-security-policy')) reply.header('content-security-policy', POLICY);
      if (asset === undefined) return reply.code(404).type('text/plain').send('The console has no such file.\n');

      const encoding = encodingOf(request.headers['accept-encoding']);
      const tag = `"${asset.hash}-${encoding}"`;
      reply.headers({ etag: tag, 'cache-control': 'no-cache', vary: 'accept-encoding' });
      if (request.headers['if-none-match'] === tag) return reply.code(304).send();
      if (encoding !== 'identity') reply.header('content-encoding', encoding);
      return reply.type(asset.type).send(await asset.body(encoding));
    };
    app.get('/console', send);
    app.get('/console/*', send);
  };
}

/** Every file of the page by the path it is asked for. */
export async function consoleAssets(): Promise<ReadonlyMap<string, Asset>> {
  const sources = new Map<string, string>();
  for (const entry of await readdir(FOLDER, { recursive: true, withFileTypes: true })) {
    const file = posix.join(entry.parentPath.replaceAll('\\', '/'), entry.name);
    const name = file.slice(fileURLToPath(FOLDER).length);
    if (entry.isFile() && TYPES[extname(name)] !== undefined) {
      sources.set(`/console/${name}`, await readFile(file, 'utf8'));
    }
  }
  for (const [specifier, name] of Object.entries(VENDOR)) {
    sources.set(`/console/vendor/${name}`, await vendored(specifier));
  }
  const index = sources.get('/console/index.html') as string;
  sources.delete('/console/index.html');
  sources.set('/console', withPreloads(index, [...sources.keys()]));
  return new Map([...sources].map(([path, text]) => [path, assetOf(path, text)]));
}

/** A package's module with its own imports turned to where the page finds them: there is no import map without inline script. */
async function vendored(specifier: string): Promise<string> {
  const text = await readFile(fileURLToPath(import.meta.resolve(specifier)), 'utf8');
  return text
    .replace(/\bfrom\s*(["'])([^"']+)\1/g, (whole, quote: string, name: string) =>
      VENDOR[name] === undefined ? whole : `from${quote}./${VENDOR[name]}${quote}`,
    )
    .replace(/^\/\/# sourceMappingURL=.*$/m, '');
}

/** All modules are asked for at once, not as one import after the other is found. */
function withPreloads(index: string, paths: readonly string[]): string {
  const modules = paths.filter((path) => path.endsWith('.js') && path !== '/console/theme.js');
  const links = modules.map((path) => `<link rel="modulepreload" href="${path}">`);
  return index.replace('</head>', `${links.join('\n')}\n</head>`);
}

function assetOf(path: string, text: string): Asset {
  const identity = Buffer.from(text);
  const hash = createHash('sha256').update(identity).digest('base64url').slice(0, 16);
  const type = TYPES[extname(path)] ?? (TYPES['.html'] as string);
  const made: Partial<Record<Encoding, Promise<Buffer>>> = {};
  const body = (encoding: Encoding) => {
    made[encoding] ??= COMPRESS[encoding](identity);
    return made[encoding];
  };
  return Object.freeze({ type, hash, body });
}

function encodingOf(accepted: string | string[] | undefined): Encoding {
  const words = String(accepted ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => !/;\s*q=0(\.0*)?$/.test(word))
    .map((word) => word.replace(/;.*$/s, '').trim());
  return words.includes('br') ? 'br' : words.includes('gzip') ? 'gzip' : 'identity';
}
