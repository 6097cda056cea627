import t from 'tap';
import { GATE_BOUNDS, GATE_DEFAULTS, gateFigures, MAX_DISTINCT, MAX_OF_TENANT } from '../../src/model/gate.ts';

/** Each figure → what it takes, and what it does not. */
const ROWS: Record<keyof typeof GATE_BOUNDS, readonly [readonly unknown[], readonly unknown[]]> = {
  requests: [
    [1, MAX_DISTINCT],
    [0, -1, 1.5, MAX_DISTINCT + 1, '1', undefined],
  ],
  perStratum: [
    [0, 1, MAX_DISTINCT],
    [-1, 1.5, MAX_DISTINCT + 1, '1'],
  ],
  perTenant: [
    [0, 1, MAX_OF_TENANT],
    [-1, 1.5, MAX_OF_TENANT + 1, '1'],
  ],
  perActiveTenant: [
    [0, 1, MAX_OF_TENANT],
    [-1, 1.5, MAX_OF_TENANT + 1, '1'],
  ],
  ignored: [
    [0, 0.05, 1],
    [-0.01, 1.01, '0.05', Number.NaN],
  ],
  unsettled: [
    [0, 0.05, 1],
    [-0.01, 1.01, '0.05', Number.NaN],
  ],
  notCompared: [
    [0, 0.05, 1],
    [-0.01, 1.01, '0.05', Number.NaN],
  ],
  days: [
    [0, 0.5, 29],
    [-1, 30, '7', Number.POSITIVE_INFINITY],
  ],
  newest: [
    ['1d', '12h', 12],
    [0, -1, '0s', 'soon', true, undefined, Number.POSITIVE_INFINITY],
  ],
  p99: [
    [1, 1.2],
    [0.99, '1.2', Number.POSITIVE_INFINITY],
  ],
};

for (const [figure, [takes, refuses]] of Object.entries(ROWS))
  t.test(`what ${figure} may be`, async (t) => {
    const bound = GATE_BOUNDS[figure as keyof typeof GATE_BOUNDS];
    for (const value of takes) t.equal(bound.takes(value), true, `${value}`);
    for (const value of refuses) t.equal(bound.takes(value), false, `${typeof value} ${value}`);
    t.ok(bound.wanted.length > 10, 'and it is said');
  });

t.test('the defaults are in their bounds', async (t) => {
  for (const [figure, { takes }] of Object.entries(GATE_BOUNDS))
    if (figure !== 'newest') t.ok(takes(GATE_DEFAULTS[figure as keyof typeof GATE_BOUNDS]), figure);
});

t.test('an operation’s own figures, else the API’s, else the default; waivers of both', async (t) => {
  t.same(gateFigures(undefined, undefined), GATE_DEFAULTS);
  const waiver = (stratum: string) => ({ stratum, reason: 'x', until: '2027-01-01' });
  const figures = gateFigures(
    { requests: 10, perStratum: 11, newest: '12h', waivers: [waiver('api')] },
    { requests: 20, perStratum: undefined as never, waivers: [waiver('own')] },
  );
  t.match(figures, { requests: 20, perStratum: 11, newest: 43_200_000, perTenant: GATE_DEFAULTS.perTenant });
  t.same(
    figures.waivers.map(({ stratum }) => stratum),
    ['own', 'api'],
  );
  t.equal(gateFigures(undefined, { newest: 2 }).newest, 7_200_000);
  t.ok(Object.isFrozen(figures) && Object.isFrozen(figures.waivers));
});
