import type { Want } from '../../src/model/call.ts';

/** All items within ten seconds, unless it says otherwise. */
export const want = (some: Partial<Want> = {}): Want => ({
  maxItems: 1000,
  signal: AbortSignal.timeout(10_000),
  ...some,
});
