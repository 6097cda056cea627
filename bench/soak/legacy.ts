/**
 * A program: `node bench/soak/legacy.ts ENDPOINT`, the legacy reader in a process of its own, so that it answers however much the
 * one that asks has to do. Its address goes to its parent.
 */
import { startLegacyReader } from '../../src/demo/legacy-reader.ts';

const { url } = await startLegacyReader({ endpoint: process.argv[2] as string });
process.send?.(url);
