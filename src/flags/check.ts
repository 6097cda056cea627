import type { UnleashAdmin } from '../drivers/unleash-admin.ts';
import { compareStages, type Stage } from '../model/stage.ts';
import { type FlagApi, type FlagOperation, isMovable, suggestion, tenantProblem, whyNotOffered } from './api.ts';
import {
  apiFlags,
  DISABLED,
  type Feature,
  type Features,
  floorOf,
  type Limits,
  ladderProblem,
  reachable,
  readLadder,
  restOf,
  rolloutOf,
  type Strategy,
  stageOfStrategy,
  TENANT_FIELD,
  tenantsOf,
} from './ladder.ts';

/** Something about a flag that is not as it should be, and what to do. */
export interface Complaint {
  readonly flag: string;
  readonly problem: string;
  readonly cure: string;
}

/** What breaks or bends a ladder, of all flags of an API as the server has them. */
export function checkFeatures(features: Features, api: FlagApi, limits: Limits): readonly Complaint[] {
  const given = new Map(features.map((feature) => [feature.name, feature]));
  return [
    ...api.operations
      .filter(isMovable)
      .flatMap((operation) => checkOperation(given.get(operation.flag), operation, limits)),
    ...checkKill(given.get(apiFlags(api.name).kill), apiFlags(api.name).kill),
    ...checkSampling(given.get(apiFlags(api.name).sampling), apiFlags(api.name).sampling),
    ...strangers(features, api),
    ...tooMany(api, limits),
  ];
}

/** What only the Admin API shows: the context field. */
export async function checkContext(admin: UnleashAdmin): Promise<readonly Complaint[]> {
  const field = await admin.contextField(TENANT_FIELD);
  const cure = 'crossfade flags init';
  if (field === undefined) return [{ flag: TENANT_FIELD, problem: 'is no context field of the server', cure }];
  return field.stickiness ? [] : [{ flag: TENANT_FIELD, problem: 'is no field to stick to', cure }];
}

const INIT = 'crossfade flags init';

function checkOperation(feature: Feature | undefined, operation: FlagOperation, limits: Limits): Complaint[] {
  const { flag, id } = operation;
  const complain = (problem: string, cure: string): Complaint => ({ flag, problem, cure });
  if (feature === undefined)
    return [
      complain(
        'is missing: its last good form stays, where there ever was one',
        `revive it in Unleash; a new one begins at the first stage: ${INIT} ${id}`,
      ),
    ];
  const broken = ladderProblem(feature);
  if (broken !== undefined) return [complain(`${broken}: its last good form stays`, cureOf(broken, operation))];
  const { odd } = readLadder(feature, operation);
  const ladder = ladderComplaints(feature, operation, limits).map(({ problem, cure }) => complain(problem, cure));
  if (odd === undefined) return ladder;
  if (odd === DISABLED) {
    const floor = floorOf(restOf(feature) as Strategy);
    return [
      complain(
        `is disabled: every tenant is at the floor, ${floor}`,
        `enable it, or: crossfade stage ${id} ${floor} --all --force --reason`,
      ),
    ];
  }
  return [complain(odd, cureOf(odd, operation)), ...ladder];
}

const ANEW =
  'set it anew, at the stage and above the floor that are true: crossfade stage {id} STAGE --all --force --reason';

/** How to mend what `ladderProblem` and `readLadder` say, by the beginning of it. */
const CURES: readonly (readonly [beginning: string, cure: string])[] = [
  ['has no strategies', ANEW],
  ['depends on another flag', 'take the dependency away'],
  ['has a strategy without a variant', 'give that strategy one variant, named after a stage'],
  ['has a variant', 'name the variant after a stage it can have: {offered}'],
  ['has a strategy with', 'leave one variant: shares go by rollout, since weights make tenants jump'],
  ['has a strategy that is neither', 'make it a rollout of 100 % with one constraint, tenantId IN'],
  ['has a strategy `', 'use a gradual rollout (flexibleRollout)'],
  ['has a segment', 'write its constraint into the strategy'],
  ['has a constraint', 'use constraints `tenantId IN` only'],
  ['has a rollout that sticks', 'choose the stickiness tenantId'],
  ['has a rollout of', 'choose a whole percentage'],
  ['does not end', 'let the last strategy be a rollout of 100 % without a constraint'],
  ['does not say its floor', 'give the last variant a payload of type string: the name of the floor'],
  ['has two ramps', 'leave one of them'],
  ['has tenants below a ramp', 'drag the strategies for tenants above the ramp: the first that fits decides'],
  [
    'has another groupId',
    'set the groupId of every strategy to {flag}: with another one tenants jump while a share grows',
  ],
];

function cureOf(problem: string, { id, flag, offered }: FlagOperation): string {
  const cure = CURES.find(([beginning]) => problem.startsWith(beginning))?.[1] ?? ANEW;
  return cure.replace('{id}', id).replace('{flag}', flag).replace('{offered}', offered.join(', '));
}

type Problem = Omit<Complaint, 'flag'>;

/** What a ladder that decides may still have wrong. */
function ladderComplaints(feature: Feature, operation: FlagOperation, limits: Limits): Problem[] {
  const all = feature.strategies as Strategy[];
  const strategies = reachable(all);
  const floor = floorOf(restOf(feature) as Strategy) as Stage;
  const problems: Problem[] = [];
  const say = (problem: string, cure: string) => void problems.push({ problem, cure });
  const hidden = all.slice(strategies.length);
  if (hidden.length > 0)
    say(
      `hides ${hidden.length} ${hidden.length === 1 ? 'strategy' : 'strategies'} below one for everybody: the first that fits decides`,
      'drag what is for some above what is for everybody, or delete it',
    );
  if (all.length > limits.strategies * 0.5)
    say(
      `has ${all.length} strategies, and the server takes ${limits.strategies}: a move needs room for the old and the new`,
      'move tenants by percent instead of by name',
    );
  const { ramp, stage: rest } = readLadder({ ...feature, enabled: true }, operation).stages ?? {};
  if (ramp !== undefined && rest !== undefined && compareStages(ramp.to, rest) < 0)
    say(
      `has a ramp from ${rest} to ${ramp.to}`,
      `let it lead forward, or end it: crossfade stage ${operation.id} ${rest}`,
    );
  const seen = new Map<string, Stage>();
  for (const strategy of strategies) {
    const stage = stageOfStrategy(strategy) as Stage;
    const refusal = whyNotOffered(operation, stage);
    if (refusal !== undefined) say(`asks for ${stage}: ${refusal}`, 'choose a stage that it can have');
    if (compareStages(stage, floor) < 0)
      say(`asks for ${stage}, below its floor ${floor}: the floor counts`, `choose ${floor} or later`);
    if (strategy.parameters.stickiness !== TENANT_FIELD && rolloutOf(strategy) !== 0)
      say(
        `has a strategy for ${stage} that sticks to \`${strategy.parameters.stickiness}\`: with a smaller share tenants would jump`,
        `choose the stickiness ${TENANT_FIELD}`,
      );
    const own = floorOf(strategy);
    if (own !== undefined && own !== floor)
      say(
        `says two floors, ${own} and ${floor}: the last strategy's counts`,
        `crossfade floor ${operation.id} ${floor}`,
      );
    for (const tenant of tenantsOf(strategy) ?? []) {
      const before = seen.get(tenant);
      if (before !== undefined && before !== stage)
        say(`names tenant ${tenant} for ${before} and for ${stage}: the first counts`, 'take one of them away');
      seen.set(tenant, before ?? stage);
      const wrong = tenantProblem(tenant);
      if (wrong !== undefined) say(`names tenant \`${tenant}\`, which ${wrong}`, 'correct the name');
    }
    const values = Math.max(0, ...strategy.constraints.map((constraint) => constraint.values?.length ?? 0));
    if (values > limits.constraintValues)
      say(`names ${values} tenants in one strategy, and the server takes ${limits.constraintValues}`, 'split it');
  }
  return problems;
}

function checkKill(feature: Feature | undefined, flag: string): Complaint[] {
  if (feature === undefined)
    return [{ flag, problem: 'is missing: the flag server cannot kill, only the kill file can', cure: INIT }];
  const narrowed = (feature.strategies ?? []).some((one) => one.constraints.length > 0 || rolloutOf(one) !== 100);
  return [
    ...(feature.enabled
      ? [{ flag, problem: 'is on: every operation is at its floor', cure: 'crossfade kill --lift' }]
      : []),
    ...(narrowed
      ? [
          {
            flag,
            problem: 'has a constraint or a share: on is on for everybody',
            cure: 'take them away, so that nobody is misled',
          },
        ]
      : []),
  ];
}

function checkSampling(feature: Feature | undefined, flag: string): Complaint[] {
  if (feature === undefined) return [{ flag, problem: 'is missing: its last good form stays, else 100 %', cure: INIT }];
  if (!feature.enabled) return [{ flag, problem: 'is disabled: nothing is compared', cure: 'enable it' }];
  const [first, another] = feature.strategies ?? [];
  const plain =
    first !== undefined && another === undefined && rolloutOf(first) !== undefined && first.constraints.length === 0;
  return plain
    ? []
    : [
        {
          flag,
          problem: 'is not one rollout for everybody: its share is that of the first, else 100 %',
          cure: 'leave one gradual rollout',
        },
      ];
}

/** Flags with the API's prefix that nobody reads: renamed ones, and those of operations that are gone. */
function strangers(features: Features, api: FlagApi): Complaint[] {
  const { kill, sampling } = apiFlags(api.name);
  const known = new Set([...api.operations.map(({ flag }) => flag), kill, sampling]);
  return features
    .filter(({ name }) => !known.has(name))
    .map(({ name }) => ({
      flag: name,
      problem: `is no flag of an operation of ${api.name}${suggestion(name, [...known])}`,
      cure: 'rename it, or archive it',
    }));
}

function tooMany(api: FlagApi, { flags }: Limits): Complaint[] {
  const needed = api.operations.filter(isMovable).length + 2;
  if (needed <= flags) return [];
  return [
    {
      flag: `${api.name}.*`,
      problem: `needs ${needed} flags, and the server takes ${flags}`,
      cure: 'raise the limit of the server',
    },
  ];
}
