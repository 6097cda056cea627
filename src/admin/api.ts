import cookie from '@fastify/cookie';
import swagger from '@fastify/swagger';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import type { FastifyInstance, FastifyPluginAsync, FastifySchemaCompiler } from 'fastify';
import { VERSION } from '../config.ts';
import { AdminError } from '../errors.ts';
import type { Log } from '../model/log.ts';
import type { StagesPlace } from '../operate/place.ts';
import { type Access, requireRoles } from './access.ts';
import { type ChangesParts, changesRoutes } from './changes.ts';
import { replyWith } from './problems.ts';
import { ProblemReply } from './schema.ts';
import { sessionRoutes } from './session.ts';

export interface ApiParts {
  readonly access: Access;
  readonly place: StagesPlace;
  readonly log: Log;
  readonly killFile: ChangesParts['killFile'];
  /** What is read: operations, findings, health, events. */
  readonly reading?: FastifyPluginAsync | undefined;
}

/** A change that names a thousand tenants fits. */
const BODY_LIMIT = 512 * 1024;

/** `/admin/v1`: everything that the console and the commands do. Each route says which role it needs. */
export function apiRoutes({ access, place, log, killFile, reading }: ApiParts): FastifyPluginAsync {
  return async (app) => {
    requireRoles(app);
    app.setErrorHandler(replyWith(log));
    app.setNotFoundHandler(() => {
      throw new AdminError(404, 'Not found', 'there is no such route: see /admin/v1/openapi.json');
    });
    takeJsonAlone(app);
    app.setValidatorCompiler(validators());
    await app.register(cookie);
    await describe(app);
    app.addHook('onRequest', async (request, reply) => {
      void reply.header('cache-control', 'no-store');
      await access.admit(request);
    });
    const flags = { kind: place.target.kind, place: place.target.name };
    await app.register(sessionRoutes({ access, api: place.api.name, flags, log }));
    await app.register(changesRoutes({ place, log, killFile }));
    if (reading !== undefined) await app.register(reading);
    app.get('/openapi.json', { config: { role: 'anyone' }, schema: { hide: true } }, async () => app.swagger());
  };
}

/** A form of another page cannot send JSON without asking first, and is not answered. */
function takeJsonAlone(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: BODY_LIMIT }, (request, body, done) => {
    // What has no body says that it is JSON all the same.
    if (body === '') done(null, undefined);
    else parse(request, body as string, done);
  });
}

/** A body is what it says: a misspelt `dryRun` is refused, not left out. Only what stands in a URL is text by nature. */
function validators(): FastifySchemaCompiler<object> {
  const bodies = new Ajv({ useDefaults: true, strict: false, addUsedSchema: false });
  const texts = new Ajv({ useDefaults: true, coerceTypes: true, strict: false, addUsedSchema: false });
  for (const one of [bodies, texts]) formats.default(one);
  return ({ schema, httpPart }) => (httpPart === 'body' ? bodies : texts).compile(schema);
}

async function describe(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Crossfade admin API', version: VERSION, description: 'What the console and the commands do.' },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'crossfade' },
        },
      },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema-${index}`) },
    transform: ({ schema, url, route }) => ({ url, schema: described({ ...schema }, route.config?.role ?? 'anyone') }),
  });
}

/** Every route may refuse, and says who may use it. */
function described(schema: Readonly<Record<string, unknown>>, role: string): Record<string, unknown> {
  const { response = {}, ...rest } = schema;
  return {
    ...rest,
    'x-role': role,
    security: role === 'anyone' ? [] : [{ token: [] }, { session: [] }],
    response: { ...(response as object), default: { ...ProblemReply, description: 'A refusal (RFC 9457).' } },
  };
}
