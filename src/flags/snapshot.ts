import type { UnleashHttp } from '../drivers/unleash.ts';
import { FlagServerError } from '../errors.ts';
import { type FlagApi, isMovable } from './api.ts';
import { apiFlags, type Feature, type Features, flagPrefix, type Strategy } from './ladder.ts';
import { revisionOfFeatures } from './revision.ts';

/** The flags of one API as the server has them. */
export interface Snapshot {
  readonly features: Features;
  readonly revision: string;
}

/** The server's list of flags, cut down to one API's. */
export interface Listed {
  readonly features: Features;
  /** What the server calls this list; `undefined` where it does not say. */
  readonly etag: string | undefined;
}

interface Options {
  readonly signal?: AbortSignal;
}

const LIST = '/client/features';

/**
 * The flags of an API; `before` itself where nothing has changed since. Throws a FlagServerError: `empty` where not one
 * operation's flag is there, since a wrong project, environment or prefix looks just so.
 */
export async function fetchList(
  http: UnleashHttp,
  api: FlagApi,
  before: Listed | undefined,
  options: Options = {},
): Promise<Listed> {
  const { status, etag, body } = await http.request('GET', LIST, { ...options, etag: before?.etag });
  if (status === 304) {
    if (before?.etag === undefined)
      throw new FlagServerError('invalid', 'the flag server says 304 to a first question');
    return before;
  }
  const features = featuresIn(body, api.name);
  const names = new Set(features.map(({ name }) => name));
  const movable = api.operations.filter(isMovable);
  if (movable.length === 0 || movable.some(({ flag }) => names.has(flag))) return Object.freeze({ features, etag });
  throw new FlagServerError(
    'empty',
    `the flag server has no flag \`${flagPrefix(api.name)}…\` of an operation for this token: create them with \`crossfade flags init\`, or mend project and environment of UNLEASH_TOKEN`,
  );
}

/**
 * The kill flag by itself: the server makes its list anew only once a second, but always looks up a single flag.
 * `undefined` where there is none. Throws a FlagServerError.
 */
export async function fetchKill(http: UnleashHttp, api: FlagApi, options: Options = {}): Promise<Feature | undefined> {
  const { kill } = apiFlags(api.name);
  try {
    const { body } = await http.request('GET', `${LIST}/${encodeURIComponent(kill)}`, options);
    const flag = featureFrom(body);
    if (flag?.name === kill) return flag;
    throw new FlagServerError('invalid', `the flag server's answer to GET ${LIST}/${kill} is not that flag`);
  } catch (error) {
    if (error instanceof FlagServerError && error.failure === 'notFound') return undefined;
    throw error;
  }
}

/**
 * The list, with the kill flag as it was found by itself. Flags that nobody reads are no part of the revision: a start
 * from disk does not have them.
 */
export function snapshotOf({ features: listed }: Listed, kill: Feature | undefined, api: FlagApi): Snapshot {
  const features = kill === undefined ? listed : [...listed.filter(({ name }) => name !== kill.name), kill];
  const read = new Set([
    ...Object.values(apiFlags(api.name)),
    ...api.operations.filter(isMovable).map(({ flag }) => flag),
  ]);
  return Object.freeze({ features, revision: revisionOfFeatures(features.filter(({ name }) => read.has(name))) });
}

/** Both, asked at once: what every replica will have within its next asking. */
export async function fetchSnapshot(http: UnleashHttp, api: FlagApi): Promise<Snapshot> {
  const [listed, kill] = await Promise.all([fetchList(http, api, undefined), fetchKill(http, api)]);
  return snapshotOf(listed, kill, api);
}

/** The API's own of a list of flags; throws `invalid` where it is no such list. */
function featuresIn(body: unknown, api: string): Features {
  const { features } = (body ?? {}) as { features?: unknown };
  if (!Array.isArray(features))
    throw new FlagServerError('invalid', `the flag server's answer to GET ${LIST} has no list of \`features\``);
  const prefix = flagPrefix(api);
  return features.map(featureFrom).filter((feature) => feature?.name.startsWith(prefix)) as Features;
}

/**
 * A flag with what decides and nothing else, in one form whatever the server adds. One that is not formed as a flag is has
 * no strategies: its last good form stays. `undefined` where not even its name, or whether it is on, can be told.
 */
function featureFrom(value: unknown): Feature | undefined {
  if (!isRecord(value) || !isText(value.name) || typeof value.enabled !== 'boolean') return undefined;
  const { name, enabled, strategies, dependencies = [] } = value;
  const sound = isList(strategies, isStrategy) && Array.isArray(dependencies);
  if (!sound) return { name, enabled, strategies: [], variants: [] };
  return {
    ...{ name, enabled, strategies: strategies.map(plainStrategy), variants: [] },
    ...(dependencies.length > 0 ? { dependencies: [{ feature: 'another' }] } : {}),
  };
}

/** Of one variant the weight does not matter, and overrides would choose by something else than the strategy. */
const plainStrategy = ({
  name,
  parameters = {},
  constraints = [],
  variants = [],
  segments = [],
}: Strategy): Strategy => ({
  name,
  parameters: {
    ...{ groupId: textOf(parameters.groupId), rollout: textOf(parameters.rollout) },
    stickiness: textOf(parameters.stickiness),
  },
  constraints: constraints.map(({ contextName, operator, inverted, values = [], caseInsensitive }) => ({
    ...{ contextName, operator, values: [...values], inverted: inverted === true },
    ...(caseInsensitive === true ? { caseInsensitive } : {}),
  })),
  variants: variants.map(({ name, payload }) => ({
    ...{ name, weight: 1000, stickiness: 'tenantId' },
    ...(isText(payload?.value) ? { payload: { type: 'string' as Payload['type'], value: payload.value } } : {}),
  })),
  ...(segments.length > 0 ? { segments: [0] } : {}),
});

type Payload = NonNullable<NonNullable<Strategy['variants']>[number]['payload']>;

const textOf = (value: unknown): string => (isText(value) || typeof value === 'number' ? String(value) : '');

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isList = <T>(value: unknown, isOne: (one: unknown) => one is T): value is T[] =>
  Array.isArray(value) && value.every(isOne);

const isText = (value: unknown): value is string => typeof value === 'string';

function isStrategy(value: unknown): value is Strategy {
  if (!isRecord(value) || !isText(value.name)) return false;
  const { parameters = {}, constraints = [], variants = [], segments = [] } = value;
  return (
    isRecord(parameters) && isList(constraints, isConstraint) && isList(variants, isVariant) && Array.isArray(segments)
  );
}

/** A list of values that is not there is no list: without it the constraint would hold for nobody, or fail. */
function isConstraint(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && isText(value.contextName) && isText(value.operator) && isList(value.values, isText);
}

const isVariant = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) &&
  isText(value.name) &&
  (value.payload === undefined || value.payload === null || isRecord(value.payload));
