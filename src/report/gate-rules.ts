import type { FindingRow } from '../results/rows.ts';
import {
  ageText,
  atMost,
  busyDays,
  type Case,
  countedOf,
  DAY,
  endedText,
  enough,
  everyKey,
  type Found,
  few,
  fingerprints,
  howToCompare,
  kindOf,
  lookAtP99,
  newcomer,
  overAt,
  pastOf,
  shareAtMost,
  sideName,
  sum,
  times,
  waived,
  waiverOf,
  waiverText,
} from './gate-case.ts';
import { dateText, plural } from './text.ts';
import { sidesOf } from './words.ts';

export interface GateRule {
  readonly id: RuleId;
  /** Said where it passes too. */
  readonly looksAt: string;
  /** `compared`: each pair of which there is any comparison; else `evidence` has said that there is none. */
  readonly scope: 'operation' | 'pair' | 'compared';
  readonly look: (one: Case) => readonly Found[];
  readonly refuses: (found: Found, one: Case) => string;
  /** How to get what is missing. */
  readonly cure: (found: Found, one: Case) => string;
}

export type RuleId =
  | 'exposure'
  | 'unanswerable'
  | 'persistent'
  | 'ignored'
  | 'p99'
  | 'replicas'
  | 'evidence'
  | 'requests'
  | 'strata'
  | 'waiver'
  | 'tenants'
  | 'active'
  | 'unsettled'
  | 'notCompared'
  | 'lost'
  | 'days'
  | 'newest';

const BEYOND = '(more)';

/** The gate, worst first (design section 7). */
export const RULES: readonly GateRule[] = Object.freeze([
  {
    id: 'exposure',
    looksAt: 'nothing is answered that another origin refuses',
    scope: 'operation',
    look: ({ facts }) => [kindOf(facts.findings, 'exposure')],
    refuses: ({ got, what }) =>
      `a store answers what legacy refuses, ${got}: someone would see what they may not see (${what})`,
    cure: ({ what }) =>
      `no rule hides it: mend the binding's \`allow\` or the tenant's scope, and start afresh; crossfade report ${what.split(' ')[0]}`,
  },
  {
    id: 'unanswerable',
    looksAt: 'both can answer',
    scope: 'pair',
    look: ({ facts, pair }) => [
      kindOf(
        facts.findings.filter((row) => row.pair === pair),
        'unanswerable',
      ),
    ],
    refuses: ({ got, what }) => `one cannot answer what the other answers, ${got} (${what})`,
    cure: ({ what }) => `mend the data or the binding; crossfade report ${what.split(' ')[0]}`,
  },
  {
    id: 'persistent',
    looksAt: 'no difference lasts',
    scope: 'compared',
    look: ({ of, facts, pair }) => {
      // Beyond the bound of fingerprints nobody can tell what lasted.
      const lasting = (row: FindingRow) => (row.path === BEYOND ? row.n - row.transient : row.persistent);
      const own = facts.findings.filter((row) => row.pair === pair && lasting(row) > 0);
      const n = Math.max(
        of.verdicts.persistent,
        own.reduce((most, row) => Math.max(most, lasting(row)), 0),
      );
      return [{ state: n === 0 ? 'pass' : 'fail', wanted: 'none', got: times(n), what: fingerprints(own) }];
    },
    refuses: ({ got, what }, { pair }) =>
      `${sidesOf(pair).join(' and ')} differ for good, ${got}${what === '' ? '' : ` (${what})`}`,
    cure: (_, { facts }) =>
      `crossfade report ${facts.operation} names each; mend the data or the binding, or declare a rule, and start the evidence afresh: any change of the bindings module does`,
  },
  {
    id: 'ignored',
    looksAt: 'rules cover little',
    scope: 'compared',
    look: ({ of, figures }) => [
      shareAtMost([of.ignored, of.compared], [of.clients.ignored, of.clients.compared], figures.ignored, 'fail'),
    ],
    refuses: ({ got, wanted }) => `rules cover differences in ${got} of what was compared, and ${wanted} may be`,
    cure: () => 'crossfade rules says what each covers; mend what they cover, or make them narrower',
  },
  {
    id: 'p99',
    looksAt: 'the newcomer is not slower',
    scope: 'compared',
    look: lookAtP99,
    refuses: ({ state, got, wanted, what }, one) =>
      state === 'insufficient'
        ? `too few durations for a p99 of ${what}: ${got}, and ${wanted} are wanted`
        : `${sideName(newcomer(one))} is slower: its p99 is ${got}, and ${wanted} would do`,
    cure: ({ state }, one) =>
      state === 'insufficient'
        ? howToCompare(one)
        : 'look at its indexes, its pool and the network (crossfade diff shows the compiled call), or allow more: gate.p99',
  },
  {
    id: 'replicas',
    looksAt: 'all façades that are up run on these bindings',
    scope: 'operation',
    look: ({ facts: { strangers, replicas } }) => [
      {
        state: strangers.length === 0 ? 'pass' : 'insufficient',
        wanted: 'none on others',
        got: `${strangers.length} of ${replicas}`,
        what: few(strangers.map(({ name, evidence }) => `${name}: ${evidence}`)),
      },
    ],
    refuses: ({ got, what }) => `${got} façades that are up run on other bindings, contract or version (${what})`,
    cure: ({ what }, { facts }) =>
      `wait until the rollout is over, or stop them; evidence here is ${facts.evidence}, not that of ${what.split(': ')[0]}`,
  },
  {
    id: 'evidence',
    looksAt: 'there are comparisons under the bindings, contract and rules of now',
    scope: 'pair',
    look: ({ of, facts }) => [
      {
        state: of.compared > 0 ? 'pass' : 'insufficient',
        wanted: 'some',
        got: plural(of.compared, 'comparison'),
        what: of.compared > 0 ? '' : pastOf(facts),
      },
    ],
    refuses: ({ what }, { facts, pair }) =>
      (what === ''
        ? 'nothing was compared, and no traffic is not a pass'
        : `nothing was compared under the bindings, contract and rules of now (evidence ${facts.evidence}): ${what}, and any change of a binding, a rule, the contract or the minor version starts the evidence afresh`) +
      (pair.startsWith('legacy-')
        ? '. To leave legacy needs evidence against legacy: two stores that agree prove nothing about the contract'
        : ''),
    cure: (_, one) => howToCompare(one),
  },
  {
    id: 'requests',
    looksAt: 'distinct requests with something in both answers',
    scope: 'compared',
    look: ({ of, figures, now }) => [enough(sum(of.distinct), figures.requests, everyKey(of, figures, now))],
    refuses: ({ got, wanted }) =>
      `${got} distinct requests with something in both answers, and ${wanted} are wanted: none different among n bounds the share at 3/n`,
    cure: (_, one) =>
      `${howToCompare(one)}; where there are no more, a replay of the full list of keys stands for them`,
  },
  {
    id: 'strata',
    looksAt: 'every kind of request was seen',
    scope: 'compared',
    look: ({ facts, figures, of, now }) =>
      facts.strata
        .filter(
          (name) => waiverOf(figures, name, now) !== 'expired' || (of.strata.get(name) ?? 0) >= figures.perStratum,
        )
        .map((name) => ({
          ...enough(of.strata.get(name) ?? 0, figures.perStratum, waived(waiverOf(figures, name, now))),
          what: name,
        })),
    refuses: ({ got, wanted, what }) => `${what} was compared ${got} times, and ${wanted} are wanted`,
    cure: ({ what }) => `crossfade replay with such requests, or a dated waiver: ${waiverText(what)}`,
  },
  {
    id: 'waiver',
    looksAt: 'no waiver that is needed has ended',
    scope: 'compared',
    look: ({ facts, figures, of, now }) =>
      facts.strata
        .filter((name) => waiverOf(figures, name, now) === 'expired' && (of.strata.get(name) ?? 0) < figures.perStratum)
        .map((name) => {
          const until = figures.waivers.find(({ stratum }) => stratum === name)?.until;
          const { got, wanted } = enough(of.strata.get(name) ?? 0, figures.perStratum, undefined);
          return { state: 'insufficient', wanted, got: `${got}, and the waiver ended on ${until}`, what: name };
        }),
    refuses: ({ got, wanted, what }) => `${what} was compared too seldom: ${got}; ${wanted} are wanted`,
    cure: ({ what }) => `crossfade replay with such requests, or a waiver with a later date: ${waiverText(what)}`,
  },
  {
    id: 'tenants',
    looksAt: 'each tenant that is moved by name was seen',
    scope: 'compared',
    look: ({ target, figures, of, now }) =>
      target.named.map((tenant) => {
        const waiver = waiverOf(figures, `tenant:${tenant}`, now);
        const replayed = of.tenants.has(tenant) ? everyKey(of, figures, now) : undefined;
        const instead = replayed ?? waived(waiver);
        const ended = waiver === 'expired' ? endedText(figures, `tenant:${tenant}`) : undefined;
        return { ...enough(of.distinct.get(tenant) ?? 0, figures.perTenant, instead, ended), what: tenant };
      }),
    refuses: ({ got, wanted, what }) => `tenant ${what} has ${got} distinct requests, and ${wanted} are wanted`,
    cure: ({ what }) =>
      `wait for its requests, or crossfade replay with requests of ${what}; a replay of the full list of keys, or a dated waiver, stands for them: ${waiverText(`tenant:${what}`)}`,
  },
  {
    id: 'active',
    looksAt: 'each active tenant that moves was seen',
    scope: 'compared',
    look: ({ target, figures, of, now }) => {
      const rare = target.active.filter(
        (tenant) =>
          (of.tenants.get(tenant) ?? 0) < figures.perActiveTenant &&
          everyKey(of, figures, now) === undefined &&
          typeof waiverOf(figures, `tenant:${tenant}`, now) !== 'object',
      );
      const got =
        rare.length === 0 ? plural(target.active.length, 'tenant') : `${rare.length} of ${target.active.length}`;
      const what = few(
        rare.map((tenant) => {
          const ended = waiverOf(figures, `tenant:${tenant}`, now) === 'expired';
          const note = ended ? `, ${endedText(figures, `tenant:${tenant}`)}` : '';
          return `${tenant}: ${of.tenants.get(tenant) ?? 0}${note}`;
        }),
      );
      return [
        { state: rare.length === 0 ? 'pass' : 'insufficient', wanted: `${figures.perActiveTenant} each`, got, what },
      ];
    },
    refuses: ({ got, wanted, what }) =>
      `${got} active tenants that would move were compared too seldom (${what}), and ${wanted} are wanted`,
    cure: () =>
      `wait, sample more, or crossfade replay with their requests; move others first, by --tenant; or a dated waiver: ${waiverText('tenant:NAME')}`,
  },
  {
    id: 'unsettled',
    looksAt: 'differences are settled',
    scope: 'compared',
    look: ({ of, figures }) => [
      shareAtMost(
        [of.verdicts.moving + of.verdicts.unverified, of.compared],
        [of.clients.unsettled, of.clients.compared],
        figures.unsettled,
        'insufficient',
      ),
    ],
    refuses: ({ got, wanted }, { of }) =>
      `${got} of what was compared differs and could not be settled (${of.verdicts.moving} moving, ${of.verdicts.unverified} unverified), and ${wanted} may be`,
    cure: () =>
      'moving: declare the freshness that holds; unverified: more RECHECKS_PER_SECOND, or less sampling; what a rule covered that has ended is unverified too',
  },
  {
    id: 'notCompared',
    looksAt: 'what should be compared is',
    scope: 'pair',
    look: ({ of, figures }) => {
      const [all, clients] = [of, of.clients].map((some) => {
        const n = countedOf(some).reduce((total, one) => total + one.n, 0);
        return [n, some.compared + n] as const;
      }) as [readonly [number, number], readonly [number, number]];
      return [shareAtMost(all, clients, figures.notCompared, 'insufficient')];
    },
    refuses: ({ got, wanted }, { of }) =>
      `${got} of what should have been compared was not (${countedOf(of)
        .map(({ outcome, reason, n }) => `${n} ${outcome}, ${reason}`)
        .join('; ')}), and ${wanted} may be`,
    cure: () => 'less sampling, so that a candidate can follow; or a longer time-out, a bigger queue, a bigger budget',
  },
  {
    id: 'lost',
    looksAt: 'no results are lost',
    scope: 'operation',
    look: ({ facts: { lost, offered }, figures }) => [
      {
        ...atMost(lost / Math.max(1, lost, offered), figures.notCompared, 'insufficient'),
        what: lost === 0 ? '' : String(lost),
      },
    ],
    refuses: ({ got, wanted, what }) =>
      `${what} results were lost while their store was away or with façades that died, ${got} of all, and ${wanted} may be: a difference may have been among them`,
    cure: () =>
      'see that RESULTS_URI can be reached and start the evidence afresh (any change of the bindings module does), or crossfade replay what was asked then; the loss is forgotten after 30 days',
  },
  {
    id: 'days',
    looksAt: 'the evidence spans the days of a week',
    scope: 'compared',
    look: ({ of: { first, last, days: busy }, figures }) => {
      const days = first === undefined || last === undefined ? 0 : (last.getTime() - first.getTime()) / DAY;
      const most = busyDays(figures.days);
      const state = days >= figures.days && busy >= most && first !== undefined ? 'pass' : 'insufficient';
      const wanted = `${plural(figures.days, 'day')}${busy < most ? `, ${most} of them with requests,` : ''}`;
      const got = `${plural(Math.floor(days * 10) / 10, 'day')}${busy < most ? `, ${busy} of them with requests` : ''}`;
      return [{ state, wanted, got, what: '' }];
    },
    refuses: ({ got, wanted }, { of }) =>
      of.first === undefined
        ? 'no request of a client was compared, and no traffic is not a pass: a replay knows yesterday’s requests alone'
        : `requests of clients were compared over ${got}, and ${wanted} are wanted: nights and weekends ask other things`,
    cure: ({ wanted }, one) =>
      one.of.first === undefined
        ? howToCompare(one)
        : one.of.days < busyDays(one.figures.days)
          ? 'wait until there were requests on more days (UTC): five of seven would do'
          : `wait; ${wanted} are over at ${overAt(one)} UTC`,
  },
  {
    id: 'newest',
    looksAt: 'the evidence is fresh',
    scope: 'compared',
    look: ({ of: { last }, figures, now }) => {
      const age = last === undefined ? Number.POSITIVE_INFINITY : Math.max(0, now - last.getTime());
      const got = last === undefined ? 'never' : `${dateText(last)} UTC`;
      return [
        { state: age <= figures.newest ? 'pass' : 'insufficient', wanted: ageText(figures.newest), got, what: '' },
      ];
    },
    refuses: ({ got, wanted }) =>
      `the newest comparison of a client's request is of ${got}; it may be at most ${wanted} old`,
    cure: (_, one) => howToCompare(one),
  },
] satisfies readonly GateRule[]);
