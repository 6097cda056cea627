import type { FastifyInstance } from 'fastify';
import type { Bindings } from '../bindings/load.ts';
import type { Config } from '../config.ts';
import type { Metrics } from '../metrics.ts';
import type { Log } from '../model/log.ts';
import type { StagesPlace } from '../operate/place.ts';
import { createAccess } from './access.ts';
import { apiRoutes } from './api.ts';
import { consoleRoutes } from './console.ts';
import { createEnded } from './ended.ts';
import type { Reading } from './opened.ts';
import { readingRoutes } from './reading.ts';
import { createAdmin, type Readiness } from './side.ts';

export interface AdminParts {
  readonly config: Config;
  readonly bindings: Bindings;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly readiness: Readiness;
  /** Of changes; on connections of its own. */
  readonly place: StagesPlace;
  readonly reading: Reading;
}

/** The admin side, with all that answers on it. */
export async function openAdmin(parts: AdminParts): Promise<FastifyInstance> {
  const { config, bindings, metrics, log, readiness, place, reading } = parts;
  const access = createAccess({ config: config.access, metrics, log, ended: createEnded(place.store) });
  const killFile = () => reading.parts.flags.state().killFile;
  return await createAdmin({
    ...{ contract: bindings.contract, metrics, readiness, hosts: hostsOf(config) },
    api: apiRoutes({ access, place, log, killFile, reading: readingRoutes(reading) }),
    console: consoleRoutes(),
  });
}

/** By any other name somebody else's page is asking. */
function hostsOf({ adminHost, access: { hosts, url } }: Config): readonly string[] {
  const own = adminHost.includes(':') ? `[${adminHost}]` : adminHost;
  return ['localhost', '127.0.0.1', '[::1]', own, ...hosts, ...(url === undefined ? [] : [new URL(url).hostname])];
}
