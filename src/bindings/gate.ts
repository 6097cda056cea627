import { isMoment } from '../model/date.ts';
import { GATE_BOUNDS, type GateSpec, WAIVER_KEYS } from '../model/gate.ts';
import type { BoundOperation } from './load.ts';
import { nearest } from './nearest.ts';
import { documentedStrata } from './strata.ts';

type Say = (pointer: string, message: string) => void;

const TENANT = /^tenant:./s;

/** Says what is wrong with a `gate` as it stands. */
export function checkGateSpec(gate: GateSpec | undefined, at: string, say: Say): void {
  if (gate === undefined) return;
  if (typeof gate !== 'object' || gate === null || Array.isArray(gate)) {
    say(at, 'must be an object, such as { requests: 5000 }');
    return;
  }
  const known = [...Object.keys(GATE_BOUNDS), 'waivers'];
  for (const [name, value] of Object.entries(gate)) {
    const bound = Object.hasOwn(GATE_BOUNDS, name) ? GATE_BOUNDS[name as keyof typeof GATE_BOUNDS] : undefined;
    if (bound !== undefined && value !== undefined && !bound.takes(value))
      say(`${at}/${name}`, `must be ${bound.wanted}, not ${JSON.stringify(value)}`);
    if (!known.includes(name)) say(`${at}/${name}`, `is not known${nearest(name, known)}`);
  }
  const { waivers = [] } = gate;
  if (!Array.isArray(waivers)) {
    say(`${at}/waivers`, "must be a list, such as [{ stratum: 'list:empty', reason: '…', until: '2027-01-31' }]");
    return;
  }
  for (const [index, waiver] of waivers.entries()) {
    const here = `${at}/waivers/${index}`;
    for (const name of Object.keys(waiver ?? {}))
      if (!WAIVER_KEYS.includes(name)) say(`${here}/${name}`, `is not known${nearest(name, WAIVER_KEYS)}`);
    if (typeof waiver?.stratum !== 'string' || waiver.stratum === '')
      say(`${here}/stratum`, 'is missing: say what is waived, such as list:empty');
    if (typeof waiver?.reason !== 'string' || waiver.reason.trim() === '')
      say(`${here}/reason`, 'is missing: say why the gate need not see it');
    if (waiver?.until === undefined) say(`${here}/until`, 'is missing: a waiver ends; write the day as 2027-01-31');
    else if (!isMoment(waiver.until)) say(`${here}/until`, `"${waiver.until}" is no date; write it as 2027-01-31`);
  }
}

/** A waiver of what an operation does not have would waive nothing; one of the API must fit some operation. */
export function checkWaivers(
  api: GateSpec | undefined,
  operations: readonly Pick<BoundOperation, 'id' | 'spec' | 'contract' | 'isList' | 'page'>[],
  say: Say,
): void {
  const bound = operations.filter(({ spec }) => spec !== undefined);
  const check = (gate: GateSpec | undefined, at: string, known: readonly string[]) => {
    for (const [index, { stratum }] of (gate?.waivers ?? []).entries()) {
      if (TENANT.test(stratum) || known.includes(stratum)) continue;
      const there = known.length === 0 ? '' : `; there are ${known.join(', ')}, and tenant:NAME`;
      say(`${at}/waivers/${index}/stratum`, `there is no "${stratum}"${nearest(stratum, known) || there}`);
    }
  };
  check(api, '/gate', [...new Set(bound.flatMap(documentedStrata))]);
  for (const operation of bound)
    check(operation.spec?.gate, `/operations/${operation.id}/gate`, documentedStrata(operation));
}
