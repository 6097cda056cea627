import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveFacade } from './support/facade.ts';
import type { Row } from './support/measure.ts';
import { serve, startLoad } from './support/processes.ts';
import { measured, type Subject, TIMING, tableOf } from './support/rounds.ts';

const ROUTES = [{ name: '0.8 kB', path: '/things/t-1' }];

/**
 * All steps of the façade without I/O (match, tenant, flags, parameters, rendering, reply, metrics, log), since its store
 * is memory, beside a route of Fastify that does nothing but reply. `BENCH_AGAINST` adds another version of ours.
 */
export async function benchFront(): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-bench-'));
  const load = startLoad();
  const plain = (kind: string) => () =>
    serve({ words: [join(import.meta.dirname, 'peers/plain.ts'), kind], env: { NODE_ENV: 'production' }, cwd: folder });
  const ours = (root?: string) => () =>
    serveFacade(folder, {
      bindings: 'bench/front/things.bindings.ts',
      stages: { getThing: 'dynamodb' },
      env: { MONGODB_URI: 'mongodb://127.0.0.1:9/none?serverSelectionTimeoutMS=1000', NODE_ENV: 'production' },
      ...(root === undefined ? {} : { root }),
    });
  const other = process.env.BENCH_AGAINST;
  const subjects: readonly Subject[] = [
    { name: 'a plain route', start: plain('object') },
    { name: 'a plain route, again', start: plain('object') },
    { name: 'a plain route of a text', start: plain('text') },
    { name: 'Crossfade', start: ours() },
    ...(other === undefined ? [] : [{ name: 'Crossfade before', start: ours(other) }]),
  ];
  try {
    const costs = await measured(subjects, ROUTES, load, { ...TIMING, slices: 20 });
    return tableOf(costs, subjects, ROUTES, ['a plain route', 'a plain route of a text']);
  } finally {
    load.stop();
    await rm(folder, { recursive: true });
  }
}
