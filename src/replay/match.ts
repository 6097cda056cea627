import type { Bindings, BoundOperation } from '../bindings/load.ts';
import { fits } from '../contract/route.ts';

/** Why a recorded request is not replayed. */
export type NoMatch = 'not a read' | 'unknown path' | 'no bindings';

/** The read with bindings that a method and a path mean, or why there is none. */
export function matchOf(
  { operations, basePath }: Bindings,
  { method, url }: { readonly method: string; readonly url: string },
): BoundOperation | NoMatch {
  const pathname = url.split('?', 1)[0] as string;
  const below = pathname.startsWith(basePath) ? pathname.slice(basePath.length) : pathname;
  const methods = method === 'HEAD' ? ['HEAD', 'GET'] : [method];
  let best: BoundOperation | undefined;
  let most = -1;
  for (const operation of operations) {
    if (!methods.includes(operation.contract.method)) continue;
    const fit = fits(operation.contract.path, below);
    if (fit === undefined || fit <= most) continue;
    most = fit;
    best = operation;
  }
  if (best === undefined) return method === 'GET' || method === 'HEAD' ? 'unknown path' : 'not a read';
  if (best.kind === 'write') return 'not a read';
  return best.spec === undefined ? 'no bindings' : best;
}
