import { type OriginName, PLANS, type Stage } from '../../src/model/stage.ts';

/** One operation at one stage: who answers its clients, and who is only compared. */
export interface Lane {
  /** The operation, whose path is `/NAME/{id}`. */
  readonly name: string;
  readonly stage: Stage;
  readonly control: OriginName;
  readonly candidates: readonly OriginName[];
}

/** Each origin answers two lanes, one of which compares it too; and each store is a candidate of two. */
export const LANES: readonly Lane[] = Object.freeze(
  (['legacy', 'validate', 'dynamodb', 'shadow', 'live', 'complete'] as const).map((stage) => {
    const { control, candidates } = PLANS[stage];
    return Object.freeze({ name: `at${stage[0]?.toUpperCase()}${stage.slice(1)}`, stage, control, candidates });
  }),
);

export const TENANT = 'acme';
export const TABLE = 'things';
const THINGS = 50;

export const idOf = (n: number): string => `t${String(n % THINGS).padStart(3, '0')}`;

/** What all three hold. */
export interface Thing {
  readonly pk: string;
  readonly id: string;
  readonly text: string;
  readonly size: number;
  readonly tags: readonly string[];
}

export const THINGS_HELD: readonly Thing[] = Array.from({ length: THINGS }, (_, n) => ({
  ...{ pk: TENANT, id: idOf(n), text: `Text of ${idOf(n)} `.repeat(20), size: n + 0.5, tags: ['a', 'b', 'c'] },
}));

export const CONTRACT = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'Things', version: '1' },
  paths: Object.fromEntries(
    LANES.map(({ name }) => [
      `/${name}/{id}`,
      {
        get: {
          operationId: name,
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {
            200: { description: 'One', content: { 'application/json': { schema: schemaOf() } } },
            404: { description: 'None' },
          },
        },
      },
    ]),
  ),
});

function schemaOf() {
  const text = { type: 'string' };
  const properties = { id: text, text, size: { type: 'number' }, tags: { type: 'array', items: text } };
  return { type: 'object', required: ['id'], properties };
}

/** The bindings module, but for its import of `bind`. */
export const bindings = (api: string, collection: string): string => `
const operation = {
  dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: '${TABLE}', Key: { pk: tenant, id: path.id } } }),
  mongodb: ({ tenant, path }) => ({ findOne: { collection: '${collection}', filter: { pk: tenant, id: path.id } } }),
};
export default bind({
  contract: './contract.yaml',
  name: '${api}',
  tenant: ({ headers }) => headers['x-tenant-id'],
  freshness: { by: 'nobody, nothing is written', within: '1s' },
  operations: { ${LANES.map(({ name }) => `${name}: operation`).join(', ')} },
});
`;

export const STAGES = `operations:\n${LANES.map(({ name, stage }) => `  ${name}: { stage: ${stage} }`).join('\n')}\n`;
