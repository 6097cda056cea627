import closeWithGrace from 'close-with-grace';
import { Command } from 'commander';
import { stripElsewhere } from '../bindings/strip.ts';
import { type App, compose } from '../compose.ts';
import { type Config, loadConfig } from '../config.ts';
import { errorTold } from '../model/redacted.ts';
import type { Io } from './io.ts';
import { type Logging, openLogging } from './logging.ts';

/** Longer than any request's deadline, so that none in flight is cut. */
const GRACE_MARGIN = 9_000;

/** How long the last lines may take, in milliseconds, where nobody reads them. */
const LAST_LINES = 1_000;

export function command(io: Io): Command {
  return new Command('serve')
    .description('the façade on HOST:PORT and the admin side on ADMIN_HOST:ADMIN_PORT')
    .argument('<bindings>', 'the bindings module')
    .addHelpText(
      'after',
      '\nExample:\n  $ LEGACY_URL=http://legacy:8000 AWS_REGION=eu-west-1 crossfade serve openapi/photos.bindings.ts',
    )
    .action(async (bindings: string) => {
      const config = loadConfig(io.env, io.cwd);
      // From its sources Node has taken types out already.
      if (!import.meta.url.endsWith('.ts')) stripElsewhere();
      await serve(io, config, bindings);
    });
}

async function serve(io: Io, config: Config, bindings: string): Promise<void> {
  const logging = openLogging(config.logLevel);
  const { log } = logging;
  if (config.cursorSecretsMade) {
    log('warn', 'CURSOR_SECRETS is not set: page cursors are sealed with a secret that ends with this process');
  }
  const app = await compose(config, { bindings, log, logDropped: logging.dropped, ownsProcess: true });
  log('info', 'ready', { facade: app.facadeUrl, admin: app.adminUrl, api: app.bindings.name });
  // Not into the log, which is kept and sent elsewhere.
  if (app.adminToken !== undefined) io.err(tokenMade(app.adminUrl, app.adminToken));
  stopOnSignal(app, config, logging);
}

/** Shown once. What follows a `#` no browser sends. */
const tokenMade = (url: string, token: string): string =>
  `ADMIN_TOKENS is not set: until this process ends an operator is who has ${token}\n  ${url}/console#token=${token}\n`;

/** SIGTERM and SIGINT: not ready, then the drain delay, then what is in flight, then the parts in reverse. */
function stopOnSignal(app: App, config: Config, { log, close }: Logging): void {
  closeWithGrace({ delay: config.drainDelay + config.originTimeout + GRACE_MARGIN }, async (why) => {
    // A promise may be rejected with anything, or with nothing.
    if ('err' in why) log('error', errorTold(why.err).message, { cause: why.err });
    log('info', 'closing', { signal: why.signal });
    app.drain();
    await new Promise((done) => setTimeout(done, config.drainDelay));
    await app.close();
    await close(LAST_LINES);
  });
}
