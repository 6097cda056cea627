import type { ClientFeaturesResponse } from 'unleash-client';
import { FlagServerError } from '../errors.ts';
import type { UnleashHttp } from './unleash.ts';

type Strategy = NonNullable<ClientFeaturesResponse['features'][number]['strategies']>[number];

/** A strategy as the Admin API has it. */
export interface AdminStrategy extends Strategy {
  readonly id: string;
  readonly sortOrder: number;
  readonly title: string | null;
  readonly disabled: boolean;
}

/** A flag in one environment. */
export interface AdminFlag {
  readonly enabled: boolean;
  readonly strategies: readonly AdminStrategy[];
}

/** A strategy to be written. */
export interface NewStrategy {
  readonly strategy: Strategy;
  readonly title: string;
  readonly sortOrder: number;
}

interface ContextField {
  readonly stickiness: boolean;
  readonly description: string | null;
  readonly legalValues?: readonly unknown[];
}

/** What the server takes, as it says itself. */
export interface AdminLimits {
  readonly constraintValues: number;
  readonly featureEnvironmentStrategies: number;
  readonly featureFlags: number;
}

/**
 * Unleash's Admin API, for one project and environment. All throw a `FlagServerError` with the server's own reason.
 * A 403 names the setting to mend.
 */
export interface UnleashAdmin {
  readonly project: string;
  readonly environment: string;
  /** `undefined` where there is no such flag, or it is archived. */
  flag(name: string): Promise<AdminFlag | undefined>;
  /** `exists`: nothing was done. Throws where the name is taken by an archived flag or another project. */
  createFlag(name: string, type: string, description: string): Promise<'created' | 'exists'>;
  enable(name: string, on: boolean): Promise<void>;
  addStrategy(flag: string, added: NewStrategy): Promise<void>;
  updateStrategy(flag: string, id: string, changed: NewStrategy): Promise<void>;
  removeStrategy(flag: string, id: string): Promise<void>;
  contextField(name: string): Promise<{ readonly stickiness: boolean } | undefined>;
  /** Creates the field, or makes it one to stick to. */
  ensureContextField(name: string, description: string): Promise<'created' | 'changed' | 'exists'>;
  limits(): Promise<AdminLimits | undefined>;
  close(): Promise<void>;
}

export function openUnleashAdmin(http: UnleashHttp, project: string, environment: string): UnleashAdmin {
  const features = `/admin/projects/${encodeURIComponent(project)}/features`;
  const inEnvironment = (flag: string) =>
    `${features}/${encodeURIComponent(flag)}/environments/${encodeURIComponent(environment)}`;
  const request: UnleashHttp['request'] = async (method, path, options) => {
    try {
      return await http.request(method, path, options);
    } catch (error) {
      throw withCure(error as FlagServerError, project, environment);
    }
  };
  const found = async <T>(work: Promise<{ readonly body: unknown }>): Promise<T | undefined> => {
    try {
      return (await work).body as T;
    } catch (error) {
      if ((error as FlagServerError).failure === 'notFound') return undefined;
      throw error;
    }
  };
  const bodyOf = ({ strategy, title, sortOrder }: NewStrategy) => {
    const { name, parameters, constraints, variants = [] } = strategy;
    const weighed = variants.map((variant) => ({ weightType: 'variable', ...variant }));
    return { name, parameters, constraints, variants: weighed, title, sortOrder, disabled: false };
  };

  return Object.freeze<UnleashAdmin>({
    project,
    environment,
    async flag(name) {
      const whole = await found<{ archived?: boolean }>(request('GET', `${features}/${encodeURIComponent(name)}`));
      if (whole === undefined || whole.archived === true) return undefined;
      const body = await found<{ enabled: boolean; strategies: AdminStrategy[] }>(request('GET', inEnvironment(name)));
      if (body === undefined) return undefined;
      const strategies = body.strategies.toSorted((a, b) => a.sortOrder - b.sortOrder);
      return Object.freeze({ enabled: body.enabled, strategies: Object.freeze(strategies) });
    },
    async createFlag(name, type, description) {
      try {
        await request('POST', features, { body: { name, type, description } });
        return 'created';
      } catch (error) {
        if (!isTaken(error)) throw error;
      }
      const there = await found<{ archived?: boolean }>(request('GET', `${features}/${encodeURIComponent(name)}`));
      if (there !== undefined && there.archived !== true) return 'exists';
      throw new FlagServerError(
        'failed',
        `flag ${name} exists, but not in project ${project}: it is archived (revive it, or delete it for good), or stands in another project (say UNLEASH_PROJECT)`,
      );
    },
    async enable(name, on) {
      await request('POST', `${inEnvironment(name)}/${on ? 'on' : 'off'}`);
    },
    async addStrategy(flag, added) {
      await request('POST', `${inEnvironment(flag)}/strategies`, { body: bodyOf(added) });
    },
    async updateStrategy(flag, id, changed) {
      await request('PUT', `${inEnvironment(flag)}/strategies/${encodeURIComponent(id)}`, { body: bodyOf(changed) });
    },
    async removeStrategy(flag, id) {
      await request('DELETE', `${inEnvironment(flag)}/strategies/${encodeURIComponent(id)}`);
    },
    contextField: (name) => found(request('GET', `/admin/context/${encodeURIComponent(name)}`)),
    async ensureContextField(name, description) {
      const path = `/admin/context/${encodeURIComponent(name)}`;
      const read = () => found<ContextField>(request('GET', path));
      const field = await read();
      if (field === undefined) {
        try {
          await request('POST', '/admin/context', { body: { name, description, stickiness: true } });
          return 'created';
        } catch (error) {
          // Someone else may have made it in between.
          if ((await read())?.stickiness === true) return 'exists';
          throw error;
        }
      }
      if (field.stickiness) return 'exists';
      const { description: theirs, legalValues = [] } = field;
      await request('PUT', path, { body: { description: theirs ?? description, legalValues, stickiness: true } });
      return 'changed';
    },
    async limits() {
      const { body } = await request('GET', '/admin/ui-config');
      return (body as { resourceLimits?: AdminLimits } | undefined)?.resourceLimits;
    },
    close: () => http.close(),
  });
}

/** A name that is taken is refused by 409; in some versions by 400. */
const isTaken = (error: unknown): boolean =>
  error instanceof FlagServerError && /already exists|409|archived/i.test(error.message);

function withCure(error: FlagServerError, project: string, environment: string): FlagServerError {
  const cure =
    error.failure === 'unauthorized'
      ? 'UNLEASH_ADMIN_TOKEN is not known there: make a personal access token in Unleash, Profile'
      : error.failure === 'forbidden'
        ? `UNLEASH_ADMIN_TOKEN may not do this in project ${project}, environment ${environment}: it must be a personal access token of someone who may, or of type admin`
        : undefined;
  return cure === undefined ? error : new FlagServerError(error.failure, `${error.message}; ${cure}`, { cause: error });
}
