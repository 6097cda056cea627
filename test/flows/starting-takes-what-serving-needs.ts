import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { serveAlone } from '../support/process.ts';

const SAMPLE = join(import.meta.dirname, '../../openapi/photos.bindings.ts');
const HOOK = join(import.meta.dirname, '../support/loaded.mjs');

/** A package that a façade must not load, and who needs it instead. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['make-fetch-happen', 'unleash-client where it asks a server itself'],
  ['cacache', 'unleash-client where it keeps backups'],
  ['launchdarkly-eventsource', 'unleash-client where it is streamed to'],
  ['recheck', 'check, which judges patterns'],
  ['fast-check', 'check, which makes requests up'],
  ['dynalite', 'the demo'],
  ['mongodb-memory-server-core', 'the demo'],
  ['@opentelemetry/sdk-trace', 'whoever has traces sent'],
  ['@opentelemetry/exporter-trace-otlp-proto', 'whoever has traces sent'],
];

/** Above what it was, by two fifths; from sources, with Node's own compiler that takes types out. */
const MOST_MEGABYTES = 265;

t.test('a façade loads what it serves with, and starting leaves no more in memory than it should', async (t) => {
  const file = join(t.testdir({ 'stages.yaml': 'operations: {}\n' }), 'loaded.json');
  const served = await serveAlone(t, t.testdirName, SAMPLE, {
    ...{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
    ...{ MONGODB_URI: 'mongodb://127.0.0.1:1/nobody', LOADED_FILE: file },
    NODE_OPTIONS: `--disable-warning=ExperimentalWarning --max-semi-space-size=8 --import=${HOOK}`,
  });
  const metrics = await (await fetch(`${served.adminUrl}/metrics`)).text();
  const bytes = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
  t.ok(bytes / 2 ** 20 < MOST_MEGABYTES, `${Math.round(bytes / 2 ** 20)} MB`);
  await served.stop();

  const urls: readonly string[] = JSON.parse(await readFile(file, 'utf8'));
  const isLoaded = (name: string) => urls.some((url) => url.includes(`/node_modules/${name}/`));
  for (const name of ['fastify', 'mongodb', 'unleash-client']) t.ok(isLoaded(name), `${name} is seen`);
  for (const [name, why] of OTHERS) t.notOk(isLoaded(name), `${name} is for ${why}`);
});
