import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';
import { settingsTable } from '../src/settings.ts';
import { certify } from './support/certificates.ts';

t.test('defaults where nothing is set, and an empty variable counts as nothing', async (t) => {
  const config = loadConfig({ PORT: '' }, t.testdir());
  t.match(config, { host: '127.0.0.1', port: 8080, adminPort: 9090, legacyUrl: undefined, serverTiming: false });
  t.ok(Object.isFrozen(config));
  t.equal(config.cursorSecretsMade, true);
  t.equal(config.cursorSecrets.length, 1);
});

t.test('.env is read, and the environment beats it', async (t) => {
  const folder = t.testdir({ '.env': 'PORT=1234\nADMIN_PORT=1235\n' });
  t.match(loadConfig({ PORT: '4321' }, folder), { port: 4321, adminPort: 1235 });
});

t.test('one problem per wrong variable, and its value is not printed', async (t) => {
  const wrong = { LEGACY_URL: 'ftp://secret', MONGODB_URI: 'localhost', LOG_LEVEL: 'loud', CURSOR_SECRETS: 'short' };
  try {
    loadConfig(wrong, t.testdir());
    t.fail('must throw');
  } catch (error) {
    t.type(error, ConfigError);
    t.same((error as ConfigError).problems.map(({ where }) => where).sort(), Object.keys(wrong).sort());
    t.notMatch((error as ConfigError).message, /ftp:|short/);
  }
});

t.test('a port that is none is named', async (t) => {
  for (const PORT of ['http', '70000', '-1']) {
    t.throws(() => loadConfig({ PORT }, t.testdir()), { name: 'ConfigError', problems: [{ where: 'PORT' }] }, PORT);
  }
});

t.test('what legacy is told of clients is one of four, and deadlines towards it are off unless set', async (t) => {
  const { legacy } = loadConfig({}, t.testdir());
  t.strictSame(legacy, {
    timeout: 0,
    connections: 1_000,
    keepAlive: 1_000,
    forwarded: { style: 'x-forwarded', trust: true },
  });
  const given = { FORWARDED: 'both', FORWARDED_TRUST: 'false' };
  t.strictSame(loadConfig(given, t.testdir()).legacy.forwarded, { style: 'both', trust: false });
  t.throws(() => loadConfig({ FORWARDED: 'maybe' }, t.testdir()), {
    name: 'ConfigError',
    problems: [{ where: 'FORWARDED' }],
  });
});

t.test('secrets are split, the first seals', async (t) => {
  const secrets = ['a-secret-of-enough-length', 'another-one-of-enough-length'];
  t.same(loadConfig({ CURSOR_SECRETS: secrets.join(', ') }, t.testdir()).cursorSecrets, secrets);
});

t.test('the README has the table that the settings give', async (t) => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  t.ok(readme.includes(settingsTable()), 'the table between config:begin and config:end is the generated one');
});

t.test('a flag server: project and environment are the token’s, unless they are said apart', async (t) => {
  const of = (env: Record<string, string>) =>
    loadConfig({ UNLEASH_URL: 'http://flags/api', ...env }, t.testdir()).unleash;
  t.match(of({ UNLEASH_TOKEN: 'shop:production.secret' }), {
    project: 'shop',
    environment: 'production',
    refresh: 500,
  });
  t.match(of({ UNLEASH_TOKEN: '*:development.secret' }), { project: 'default', environment: 'development' });
  t.match(of({ UNLEASH_TOKEN: '[]:staging.secret' }), { project: 'default', environment: 'staging' });
  t.match(of({ UNLEASH_TOKEN: 'old-style' }), { project: 'default', environment: 'development' });
  t.match(of({ UNLEASH_TOKEN: '*:*.x', UNLEASH_PROJECT: 'a', UNLEASH_ENVIRONMENT: 'b' }), {
    project: 'a',
    environment: 'b',
  });
  t.equal(loadConfig({ UNLEASH_TOKEN: 'x' }, t.testdir()).unleash, undefined, 'without a URL there is none');
  const folder = t.testdir({ token: ' shop:production.secret\n' });
  t.match(loadConfig({ UNLEASH_URL: 'https://f', UNLEASH_TOKEN_FILE: 'token' }, folder).unleash, {
    environment: 'production',
  });
});

t.test('a flag server that is set up wrong is said, without the token', async (t) => {
  const rows: [Record<string, string>, string][] = [
    [{ UNLEASH_URL: 'http://flags' }, 'UNLEASH_TOKEN'],
    [{ UNLEASH_URL: 'flags', UNLEASH_TOKEN: 'x' }, 'UNLEASH_URL'],
    [{ UNLEASH_URL: 'http://flags', UNLEASH_TOKEN: 'se cret' }, 'UNLEASH_TOKEN'],
    [{ UNLEASH_URL: 'http://flags', UNLEASH_TOKEN: 'x', UNLEASH_ADMIN_TOKEN: 'sé' }, 'UNLEASH_ADMIN_TOKEN'],
    [{ UNLEASH_URL: 'http://flags', UNLEASH_TOKEN: 'x', UNLEASH_TOKEN_FILE: 'y' }, 'UNLEASH_TOKEN_FILE'],
    [{ UNLEASH_URL: 'http://flags', UNLEASH_TOKEN_FILE: 'not-there' }, 'UNLEASH_TOKEN_FILE'],
    [{ UNLEASH_URL: 'http://flags', UNLEASH_TOKEN: 'x', UNLEASH_REFRESH_MS: '1' }, 'UNLEASH_REFRESH_MS'],
  ];
  for (const [env, where] of rows) {
    try {
      loadConfig(env, t.testdir());
      t.fail(`${where} must throw`);
    } catch (error) {
      t.ok(
        (error as ConfigError).problems.some((problem) => problem.where === where),
        `${where}: ${(error as Error).message}`,
      );
      t.notMatch((error as Error).message, /cret|sé/);
    }
  }
});

t.test('state, kill file', async (t) => {
  const folder = t.testdir();
  t.match(loadConfig({}, folder), {
    stateDir: join(folder, '.crossfade'),
    killFile: join(folder, '.crossfade', 'kill'),
  });
  t.match(loadConfig({ STATE_DIR: '/var/x', KILL_FILE: 'stop' }, folder), {
    stateDir: '/var/x',
    killFile: join(folder, 'stop'),
  });
  t.equal(loadConfig({ STATE_DIR: '/var/x' }, folder).killFile, '/var/x/kill');
});

t.test('secrets of the gateway, and what the façade listens with', async (t) => {
  const own = certify({ name: 'facade' });
  const other = certify({ name: 'other' });
  const folder = t.testdir({ 'cert.pem': own.cert, 'key.pem': own.key, 'other.pem': other.key, 'no.pem': 'x' });
  const files = { TLS_CERT_FILE: 'cert.pem', TLS_KEY_FILE: 'key.pem' };
  t.equal(loadConfig({}, folder).tls, undefined);
  t.match(loadConfig(files, folder).tls, { cert: Buffer, key: Buffer, clientCa: undefined });
  t.match(loadConfig({ ...files, TLS_CLIENT_CA_FILE: 'cert.pem' }, folder).tls, { clientCa: Buffer });
  t.same(loadConfig({ GATEWAY_SECRETS: 'one-of-sixteen-or-more, another-of-sixteen' }, folder).gatewaySecrets, [
    'one-of-sixteen-or-more',
    'another-of-sixteen',
  ]);
  const rows: [Record<string, string>, string][] = [
    [{ TLS_CERT_FILE: 'cert.pem' }, 'TLS_KEY_FILE'],
    [{ TLS_KEY_FILE: 'key.pem' }, 'TLS_CERT_FILE'],
    [{ TLS_CLIENT_CA_FILE: 'cert.pem' }, 'TLS_CERT_FILE'],
    [{ ...files, TLS_KEY_FILE: 'none.pem' }, 'TLS_KEY_FILE'],
    [{ ...files, TLS_KEY_FILE: 'no.pem' }, 'TLS_KEY_FILE'],
    [{ ...files, TLS_KEY_FILE: 'other.pem' }, 'TLS_CERT_FILE'],
    [{ GATEWAY_SECRETS: 'short-zz9' }, 'GATEWAY_SECRETS'],
    [{ GATEWAY_SECRETS: 'long enough but zz9 with a space' }, 'GATEWAY_SECRETS'],
  ];
  for (const [env, where] of rows) {
    try {
      loadConfig(env, folder);
      t.fail(`${where} must throw`);
    } catch (error) {
      t.ok(
        (error as ConfigError).problems.some((problem) => problem.where === where),
        `${where}: ${(error as Error).message}`,
      );
      t.notMatch((error as Error).message, /zz9/);
    }
  }
});
