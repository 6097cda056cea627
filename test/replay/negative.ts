import t from 'tap';
import { replayedText } from '../../src/commands/replay-text.ts';
import type { Observation } from '../../src/model/answer.ts';
import { NO_CREDENTIALS } from '../../src/replay/credentials.ts';
import { negative } from '../../src/replay/negative.ts';
import { createPace } from '../../src/replay/pace.ts';
import type { Subject } from '../../src/replay/subject.ts';
import { createTally } from '../../src/replay/tally.ts';

const subject = {
  operation: { id: 'getNote' },
  tenant: 'acme',
  sent: { method: 'GET', url: '/notes/n1', headers: {} },
} as unknown as Subject;

const says = (status: number | string): Observation =>
  typeof status === 'number'
    ? { origin: 'legacy', ok: true, duration: 1, answer: { status, headers: {}, body: Buffer.alloc(0) } }
    : { origin: 'legacy', ok: false, duration: 1, error: new Error(status) };

/** Both are asked twice: as nobody, and with expired credentials. */
async function asked(legacy: number | string, facade: number | string, sample: readonly Subject[] = [subject]) {
  const outcome = await negative({
    ...{ sample, subjects: async () => 'no tenant', credentials: NO_CREDENTIALS, tenants: [] },
    ...{ legacy: async () => says(legacy), facade: async () => says(facade) },
    pace: createPace(1_000, new AbortController().signal),
  });
  const counted = createTally().read();
  const rest = { api: 'x', evidence: 'e', counted, interrupted: false, dropped: 0, marked: [] };
  const line = /; (.*)\.\n/.exec(replayedText({ ...rest, negative: outcome }, false))?.[1];
  const { exposures, others, failures } = outcome;
  return [exposures.length, others.length, failures.length, line];
}

const CASES: readonly (readonly [number | string, number | string, number, number, number, string])[] = [
  [401, 200, 2, 0, 0, '2 exposures'],
  [404, 204, 2, 0, 0, '2 exposures'],
  [302, 200, 2, 0, 0, '2 exposures'],
  [302, 401, 0, 2, 0, 'the façade refuses whatever legacy refuses'],
  [304, 200, 0, 2, 0, 'the façade refuses whatever legacy refuses'],
  [401, 401, 0, 0, 0, 'the façade refuses whatever legacy refuses'],
  [401, 'away', 0, 0, 2, 'nothing was exposed as far as both answered'],
];

for (const [legacy, facade, ...wanted] of CASES)
  t.test(`legacy ${legacy}, façade ${facade}`, async (t) => t.same(await asked(legacy, facade), wanted));

t.test('who asks nobody knows nothing', async (t) =>
  t.same(await asked(401, 200, []), [0, 0, 0, 'nobody was asked, and nothing is known']),
);
