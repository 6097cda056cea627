import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import closeWithGrace from 'close-with-grace';
import { Command } from 'commander';
import { compose } from '../compose.ts';
import { loadConfig } from '../config.ts';
import { startLegacyReader } from '../demo/legacy-reader.ts';
import { DEMO_AWS, startStores } from '../demo/stores.ts';
import { startSync } from '../demo/sync.ts';
import { startTraffic } from '../demo/traffic.ts';
import { UsageError } from '../errors.ts';
import type { BindingsSpec } from '../model/binding.ts';
import type { Stage } from '../model/stage.ts';
import type { Io } from './io.ts';
import { openLogging } from './logging.ts';

/** Ctrl-C ends everything within this, come what may. */
const GRACE = 4_500;

/** How this program is called again: from a clone, where nothing is built, or installed. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const CROSSFADE = EXTENSION === 'ts' ? 'node_modules/.bin/node src/cli.ts' : 'npx crossfade';

/** What the demo tells the other verbs, in `.crossfade/demo.json`. */
export interface DemoFile {
  readonly bindings: string;
  readonly stagesFile: string;
  readonly port: number;
  readonly adminPort: number;
  readonly env: Readonly<Record<string, string>>;
}

export interface Demo {
  readonly facadeUrl: string;
  readonly adminUrl: string;
  /** Of an operator; `undefined` where ADMIN_TOKENS are given. */
  readonly adminToken: string | undefined;
  readonly stagesFile: string;
  readonly bindings: string;
  readonly resultsUri: string;
  close(): Promise<void>;
}

/** What a company has before there is a façade. */
export interface Company {
  readonly legacyUrl: string;
  /** Settings for `crossfade serve`, as they stand in `.env`. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface DemoOptions {
  readonly traffic?: boolean;
  /** Of every bound operation; default `dynamodb`, with traffic `shadow`. */
  readonly stage?: Stage;
}

/** `crossfade demo`: everything embedded, until Ctrl-C. */
export function command(io: Io): Command {
  return new Command('demo')
    .description('the sample API with both stores, a legacy service and sample data, all embedded')
    .option('--traffic', 'steady reads and a few writes')
    .option('--without-facade', 'only what a company has before: the stores, and a legacy service with an access log')
    .addHelpText('after', '\nExample:\n  $ crossfade demo\n\nPORT (8080) and ADMIN_PORT (9090) say where it listens.')
    .action(async ({ traffic = false, withoutFacade }: { traffic?: boolean; withoutFacade?: boolean }) => {
      if (withoutFacade) {
        const company = await startCompany(io, { traffic });
        endWith(io, company);
        io.out(companyStory(company));
        return;
      }
      const demo = await startDemo(io, { traffic });
      endWith(io, demo);
      io.out(story(demo, relative(io.cwd, demo.stagesFile), traffic));
    });
}

function endWith(io: Io, { close }: { close(): Promise<void> }): void {
  closeWithGrace({ delay: GRACE }, async ({ err }) => {
    if (err !== undefined) io.err(`${err.message}\n`);
    await close();
  });
}

/**
 * Starts stores, the sync between them and the legacy service, with its `access.log` and the settings that a façade in front
 * of it needs in `.env`, both in the working directory. Throws a UsageError where there is an `.env` of somebody else's, and,
 * with all that was started stopped, where a part cannot be had.
 */
export async function startCompany(io: Io, { traffic = false }: DemoOptions = {}): Promise<Company> {
  const started: Part[] = [];
  try {
    const file = join(io.cwd, '.env');
    const before = await readFile(file, 'utf8').catch(() => OURS);
    if (!before.startsWith(OURS)) throw new UsageError(`${file} is there already; start this in an empty folder`);
    const log = createWriteStream(join(io.cwd, 'access.log'), { flags: 'a' });
    started.push({ stop: () => new Promise((done) => log.end(() => done())) });
    const { stores, legacy } = await startServices(io, started, (line) => void log.write(`${line}\n`));
    const env = { LEGACY_URL: legacy.url, ...storeSettings(stores) };
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    await writeWhole(file, `${OURS}\n${lines.join('')}`);
    if (traffic) started.push(trafficTo(legacy.url, io));
    return { legacyUrl: legacy.url, env, close: () => closeAll(started) };
  } catch (error) {
    await closeAll(started);
    throw error;
  }
}

const OURS = '# Written by crossfade demo --without-facade.';

interface Part {
  stop(): Promise<void>;
}

async function closeAll(started: Part[]): Promise<void> {
  for (const part of started.splice(0).reverse()) await part.stop();
}

type Stores = Awaited<ReturnType<typeof startStores>>;

/** The stores with their sample data, what carries writes from one to the other, and the legacy service. */
async function startServices(io: Io, started: Part[], onLine?: (line: string) => void) {
  const stores = await startStores({ log: (line) => io.err(`${line}\n`) });
  started.push(stores);
  const sync = startSync({ endpoint: stores.dynamodb.endpoint, mongodbUri: stores.mongodb.uri });
  started.push(sync);
  const legacy = await startLegacyReader({
    endpoint: stores.dynamodb.endpoint,
    onWrite: sync.onWrite,
    ...(onLine === undefined ? {} : { onLine }),
  });
  started.push(legacy);
  return { stores, legacy };
}

const storeSettings = (stores: Stores) => ({
  ...DEMO_AWS,
  AWS_ENDPOINT_URL_DYNAMODB: stores.dynamodb.endpoint,
  MONGODB_URI: stores.mongodb.uri,
});

/**
 * Starts stores, the sync between them, legacy service, façade and, if asked for, traffic; writes
 * `.crossfade/stages.yaml` and `.crossfade/demo.json` below the working directory. Throws, with all that was started
 * stopped, where a part cannot be had.
 */
export async function startDemo(io: Io, options: DemoOptions = {}): Promise<Demo> {
  const { traffic = false, stage = traffic ? 'shadow' : 'dynamodb' } = options;
  const started: Part[] = [];
  const close = () => closeAll(started);
  try {
    loadConfig(io.env, io.cwd); // a wrong setting is told before anything is started
    const { stores, legacy } = await startServices(io, started);
    const bindings = fileURLToPath(new URL(`../../openapi/photos.bindings.${EXTENSION}`, import.meta.url));
    const stagesFile = join(io.cwd, '.crossfade', 'stages.yaml');
    const env = {
      ...storeSettings(stores),
      LEGACY_URL: legacy.url,
      STAGES_FILE: stagesFile,
      SERVER_TIMING: 'true',
      // So that the other verbs open what this process seals.
      CURSOR_SECRETS: io.env.CURSOR_SECRETS || randomBytes(24).toString('base64url'),
      SAMPLE_SECRET: io.env.SAMPLE_SECRET || randomBytes(24).toString('base64url'),
    };
    delete process.env.AWS_PROFILE; // it would beat the next line, from which the SDK takes its credentials
    Object.assign(process.env, DEMO_AWS);
    await writeWhole(stagesFile, await stages(bindings, stage));
    // Stores and traffic keep this thread busy too, and every difference is to be seen.
    const config = loadConfig({ LOG_LEVEL: 'warn', SHADOW_BUSY_PERCENT: '100', ...io.env, ...env }, io.cwd);
    const logging = openLogging(config.logLevel);
    started.push({ stop: () => logging.close(1_000) });
    const app = await compose(config, {
      ...{ bindings, log: logging.log, logDropped: logging.dropped, ownsProcess: true },
    });
    started.push({ stop: app.close });
    const { facadeUrl, adminUrl, adminToken } = app;
    const file = { bindings, stagesFile, port: portOf(facadeUrl), adminPort: portOf(adminUrl), env } satisfies DemoFile;
    await writeWhole(join(io.cwd, '.crossfade', 'demo.json'), `${JSON.stringify(file, undefined, 2)}\n`);
    if (traffic) started.push(trafficTo(facadeUrl, io));
    return { facadeUrl, adminUrl, adminToken, stagesFile, bindings, resultsUri: stores.mongodb.uri, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Traffic that says in the end how it fared. */
function trafficTo(url: string, io: Io) {
  const traffic = startTraffic({ url });
  return {
    async stop() {
      const { reads, writes, failures } = await traffic.stop();
      io.out(`Traffic: ${reads} reads, ${writes} writes, ${failures} failures.\n`);
    },
  };
}

/** Every bound operation at one stage; written anew at each start, so that the demo always begins the same. */
async function stages(bindings: string, stage: Stage): Promise<string> {
  const { default: spec } = (await import(pathToFileURL(bindings).href)) as { default: BindingsSpec };
  return `# Who answers what, for whom. Edit and save: it takes effect within a second. Each start of the demo writes it anew.
# Stages of this demo: legacy, validate, dynamodb, shadow, live, complete. For one tenant, or for a share of all tenants:
#   getUser: { stage: dynamodb, tenants: { acme: live } }
#   getUser: { stage: dynamodb, ramp: { to: live, percent: 25 } }
operations:
${Object.keys(spec.operations)
  .map((operation) => `  ${operation}: { stage: ${stage} }\n`)
  .join('')}`;
}

/** What a newcomer reads: each line with curl works as it stands. */
function story({ facadeUrl, adminUrl, adminToken }: Demo, stagesFile: string, traffic: boolean): string {
  const curl = (tenant: string) => `  curl -i ${facadeUrl}/users/u-1001 -H 'X-Tenant-Id: ${tenant}'`;
  return `Façade on ${facadeUrl}, admin on ${adminUrl}; DynamoDB, MongoDB and the legacy service are embedded.
1. DynamoDB answers (see the Server-Timing header):
${curl('acme')}
2. Move this operation for one tenant: in ${stagesFile} make the line of getUser
  getUser: { stage: dynamodb, tenants: { acme: live } }
   or run: ${CROSSFADE} stage getUser live --tenant acme --force --reason try
3. Within a second MongoDB answers the first request, with the same bytes. The other tenant is unmoved:
${curl('globex')}
4. A share of all tenants, always the same ones first:
  getUser: { stage: dynamodb, ramp: { to: live, percent: 25 } }
5. What would change? Ask every origin now, or move to \`shadow\`, send requests and read the report:
  ${CROSSFADE} diff GET /users/u-1007 -H 'X-Tenant-Id: acme'
  ${CROSSFADE} report
${traffic ? 'Traffic runs, every operation at `shadow`' : 'With --traffic'}: 40 reads and 3 writes a second; MongoDB gets each write 100 ms later.
The console: ${adminUrl}/console${adminToken === undefined ? '' : `#token=${adminToken}`}
The contract's page: ${adminUrl}/docs/    Ctrl-C stops everything.
`;
}

const companyStory = ({
  legacyUrl,
}: Company): string => `The legacy service of a company: its requests are in access.log, and .env says where its stores are.
  curl -i ${legacyUrl}/users/u-1001 -H 'X-Tenant-Id: acme'
Ctrl-C stops everything. How to go on: docs/adopting.md
`;

const portOf = (url: string) => Number(new URL(url).port);

/** Renamed into place, so that nobody ever reads half of it. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
