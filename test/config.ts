import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig, settingsTable } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';

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

t.test('secrets are split, the first seals', async (t) => {
  const secrets = ['a-secret-of-enough-length', 'another-one-of-enough-length'];
  t.same(loadConfig({ CURSOR_SECRETS: secrets.join(', ') }, t.testdir()).cursorSecrets, secrets);
});

t.test('the README has the table that the settings give', async (t) => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  t.ok(readme.includes(settingsTable()), 'the table between config:begin and config:end is the generated one');
});
