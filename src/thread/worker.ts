/**
 * The thread that asks candidates: bindings, connections and observer of its own. Questions come in batches, and so go
 * what became of them; each is in exactly one.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createCursors } from '../bindings/cursor.ts';
import { evidenceId } from '../bindings/evidence.ts';
import { type BoundOperation, loadBindings } from '../bindings/load.ts';
import { stripElsewhere } from '../bindings/strip.ts';
import { giveBack } from '../give-back.ts';
import type { StoreName } from '../model/stage.ts';
import { openCandidates } from './candidates.ts';
import { type AskMessage, readAsk, type Told, tellMessages } from './messages.ts';
import { BATCH, BEAT, type Down, type Started, type Up, type Violations } from './protocol.ts';
import { writeTo } from './ring.ts';

/** Milliseconds that an answer waits for others, while there are questions without one. */
const HOLD = 2;

const port = parentPort as NonNullable<typeof parentPort>;
const given = workerData as Started;
const ring = writeTo(given.ring);
const tell = (message: Up, transfer: readonly ArrayBuffer[] = []): void => port.postMessage(message, [...transfer]);

// From its sources Node takes types out already.
if (!import.meta.url.endsWith('.ts')) stripElsewhere();

const violations = new Map<string, number>();
const bindings = await loadBindings(given.bindings, {
  legacy: given.legacy,
  onViolation: (operation, origin) => {
    const key = `${origin} ${operation}`;
    violations.set(key, (violations.get(key) ?? 0) + 1);
  },
});
const { stores, timeout, concurrency } = given;
const cursors = createCursors(given.cursorSecrets);
const candidates = openCandidates({ stores, bindings, cursors, timeout, concurrency });

const waiting: Told[] = [];
let underWay = 0;
let timer: NodeJS.Timeout | undefined;

const ask = async (message: AskMessage): Promise<void> => {
  const [id, operation] = message;
  try {
    const { store, question, error, how } = readAsk(message, bindings.operations);
    const observation = await candidates.observe(store, question, error, how);
    waiting.push({ id, operation: bindings.operations[operation] as BoundOperation, observation });
  } catch (error) {
    tell({ broken: id, why: String(error) });
  }
  underWay -= 1;
  if (waiting.length >= BATCH || underWay === 0) flush();
  else timer ??= setTimeout(flush, HOLD);
};

const flush = (): void => {
  clearTimeout(timer);
  timer = undefined;
  const batch = waiting.splice(0);
  if (batch.length > 0 && !told(batch)) for (const one of batch) told([one]);
};

/** Whether these could be told; one alone that cannot be (a header that is a function) is said to be so. */
const told = (batch: readonly Told[]): boolean => {
  try {
    const { transfer, ...tells } = tellMessages(batch, ring);
    tell({ ...tells, violations: counted() }, transfer);
    return true;
  } catch (error) {
    if (batch.length === 1) tell({ broken: (batch[0] as Told).id, why: String(error) });
    return false;
  }
};

const counted = (): Violations | undefined => {
  if (violations.size === 0) return undefined;
  const all = [...violations].map(([key, count]) => {
    const cut = key.indexOf(' ');
    return [key.slice(cut + 1), key.slice(0, cut) as StoreName, count] as const;
  });
  violations.clear();
  return all;
};

const close = async (): Promise<void> => {
  clearInterval(beat);
  await candidates.close();
  // What a bindings module has started keeps nobody.
  process.exit();
};

port.on('message', (message: Down) => {
  if (message === 'close') return void close();
  underWay += message.length;
  for (const one of message) void ask(one);
});
const beat = setInterval(() => tell({ beat: candidates.connections() }), BEAT);
const evidence = await evidenceId(bindings.file, bindings.contract.source, given.version);
giveBack();
tell({ up: evidence });
