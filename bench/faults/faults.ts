import { setTimeout as sleep } from 'node:timers/promises';
import type { Toxic } from '../../test/support/toxiproxy.ts';
import type { Target, TargetName } from './bed.ts';

/** Something that goes wrong between the façade and a target, or with the target itself. */
export interface Fault {
  readonly name: string;
  /** What a reader of the table is told. */
  readonly what: string;
  /** Default: of all. */
  readonly of?: readonly TargetName[];
  readonly begin: (target: Target) => Promise<void>;
  /** Resolves when it is over: what was ended listens again. */
  readonly end: (target: Target) => Promise<void>;
}

const heal = ({ proxy }: Target) => proxy.heal();

const toxic = (name: string, what: string, ...toxics: readonly Toxic[]): Fault => ({
  ...{ name, what, end: heal },
  begin: async ({ proxy }) => {
    for (const one of toxics) await proxy.add(one);
  },
});

const missing = (what: string): never => {
  throw new Error(`nothing here can ${what}`);
};

const restart = ({ restart: again }: Target): Promise<void> => (again ?? missing('start a target anew'))();
const signal = (target: Target, name: NodeJS.Signals): Promise<void> =>
  (target.signal ?? missing('signal a target'))(name);

export const NOTHING: Fault = {
  ...{ name: 'nothing', what: 'nothing happens: what two times of the same differ by' },
  begin: async () => {},
  end: async () => {},
};

/** Faults of the way to a target. */
export const WAYS: readonly Fault[] = Object.freeze([
  toxic('latency', 'each answer is 300 ms late', { type: 'latency', attributes: { latency: 300 } }),
  toxic('jitter', 'each answer is 50 to 550 ms late', { type: 'latency', attributes: { latency: 300, jitter: 250 } }),
  toxic('bandwidth', '1 kB a second for each connection', { type: 'bandwidth', attributes: { rate: 1 } }),
  toxic('reset', 'connections are reset (RST)', { type: 'reset_peer', attributes: { timeout: 0 } }),
  toxic('cut', 'connections end after 100 bytes of answers', { type: 'limit_data', attributes: { bytes: 100 } }),
  toxic('timeout', 'nothing gets through, and connections end after 500 ms', {
    ...{ type: 'timeout', attributes: { timeout: 500 } },
  }),
  toxic('slow close', 'connections end a second late', { type: 'slow_close', attributes: { delay: 1_000 } }),
  toxic(
    'half-open',
    'nothing gets through either way, and connections stay',
    { name: 'there', stream: 'upstream', type: 'timeout', attributes: { timeout: 0 } },
    { name: 'back', stream: 'downstream', type: 'timeout', attributes: { timeout: 0 } },
  ),
  { name: 'refused', what: 'nobody listens', begin: ({ proxy }) => proxy.down(), end: ({ proxy }) => proxy.up() },
]);

/** Of a replica set, beside the end of its primary. */
export const STEP_DOWN: Fault = {
  ...{ name: 'step down', what: 'the primary steps down, and another one is elected', of: ['mongodb'] },
  begin: async ({ stepDown }) => await (stepDown ?? missing('make a primary step down'))(),
  end: async () => {},
};

/** Those that take a mount namespace, and processes that nobody else uses. */
export const ENDS: readonly Fault[] = Object.freeze([
  {
    ...{ name: 'DNS gone', what: 'the host name means nothing, and what was open is closed' },
    begin: async ({ resolves, proxy }) => {
      await (resolves ?? missing('take a name away'))(false);
      await proxy.down();
      await proxy.up();
    },
    end: async ({ resolves }) => await resolves?.(true),
  },
  {
    name: 'kill -9',
    what: 'its process is killed, and started again',
    begin: (target) => signal(target, 'SIGKILL'),
    end: restart,
  },
  {
    ...{ name: 'SIGSTOP', what: 'its process is stopped, and goes on' },
    begin: (target) => signal(target, 'SIGSTOP'),
    end: (target) => signal(target, 'SIGCONT'),
  },
  {
    ...{ name: 'full disk', what: 'its disk is full while it gets writes; it is started again where it has ended' },
    of: ['mongodb', 'results'],
    begin: async ({ disk }) => await (disk ?? missing('fill a disk')).fill(),
    end: async (target) => {
      await target.disk?.free();
      // It may take a moment to end.
      await sleep(500);
      await signal(target, 'SIGCONT').catch(() => restart(target));
    },
  },
]);
