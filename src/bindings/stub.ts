import type { Contract, Operation, Parameter } from '../model/operation.ts';

export interface StubOptions {
  /** How the module will find the contract, and this package. */
  readonly contract: string;
  readonly crossfade: string;
  /** Of the API: the first part of its flags' names. */
  readonly name: string;
}

/**
 * The text of a bindings module for a contract: every operation, with what it takes and a sketch of its calls as comments.
 * Nothing is bound, so that `check` accepts it as it is and every operation stays legacy's.
 */
export function stubOf({ title, version, operations }: Contract, { contract, crossfade, name }: StubOptions): string {
  const reads = operations.filter(isRead);
  const writes = operations.filter((operation) => !isRead(operation));
  return `import { bind, key } from ${quoted(crossfade)};

/** Which store call answers each read of ${comment(`${title} ${version}`)}, and how its items become the response. */
export default bind({
  contract: ${quoted(contract)},
  name: ${quoted(name)},
  // Whom a request belongs to: stages are decided by it, and every call must carry it. An API without tenants: () => 'all'
  tenant: ({ headers }) => headers['x-tenant-id'],
  // Who may ask, where a store answers: a gateway's proof, 'jwt' or 'forward'. It must be said where the contract asks for credentials
  auth: { mode: 'gateway' },
  // errors: { notFound: ({ message }) => ({ body: { error: { code: 'NOT_FOUND', message } } }) },
  // freshness: { by: 'how MongoDB is kept in step', within: '5s' },

  operations: {
${reads.map(stub).join('\n')}  },
});
${writes.length === 0 ? '' : `\n// Writes, which pass to legacy: ${comment(writes.map(({ id }) => id).join(', '))}. One that only reads is bound with kind: 'read'.\n`}`;
}

const isRead = ({ method }: Operation): boolean => method === 'GET' || method === 'HEAD';

function stub(operation: Operation): string {
  const { id, method, path, parameters } = operation;
  const list = listOf(operation);
  const inputs = (['path', 'query', 'header'] as const)
    .map((where) => ({ where, names: parameters.filter((parameter) => parameter.in === where).map(described) }))
    .filter(({ names }) => names.length > 0)
    .map(({ where, names }) => `    // ${where}: ${comment(names.join(', '))}\n`);
  const key = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `path${access(name)}`);
  const sketch = list === undefined ? oneSketch(key) : listSketch(key, list, parameters);
  return `    // ${comment(`${method} ${path}`)}
${inputs.join('')}    ${property(id)}: {
${sketch.map((line) => `      // ${comment(line)}\n`).join('')}    },
`;
}

const oneSketch = (key: readonly string[]): string[] => [
  `dynamodb: ({ tenant, path }) => ({ GetItem: { TableName: '…', Key: { pk: key\`…#\${tenant}\`, sk: ${key.at(-1) ?? "'…'"} } } }),`,
  `mongodb: ({ tenant, path }) => ({ findOne: { collection: '…', filter: { tenantId: tenant, _id: ${key.at(-1) ?? "'…'"} } } }),`,
];

function listSketch(key: readonly string[], items: string, parameters: readonly Parameter[]): string[] {
  const named = (...names: string[]) =>
    parameters.find((parameter) => parameter.in === 'query' && names.includes(parameter.name.toLowerCase()))?.name;
  const limit = named('limit', 'page_size', 'pagesize', 'per_page', 'size', 'first');
  const cursor = named('cursor', 'after', 'starting_after', 'next', 'page_token', 'pagetoken');
  const page = [
    ...(limit === undefined ? [] : [`limit: ({ query }) => query${access(limit)}`]),
    ...(cursor === undefined ? [] : [`cursor: ({ query }) => query${access(cursor)}`, "position: ['sk']"]),
  ];
  return [
    `dynamodb: ({ tenant, path, query, page }) => ({ Query: { TableName: '…', KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': tenant } } }),`,
    `mongodb: ({ tenant, path, query, page }) => ({ find: { collection: '…', filter: { tenantId: tenant${key.length > 0 ? `, parent: ${key.at(-1)}` : ''} }, sort: { sk: 1 }, after: page.after } }),`,
    ...(items === '' ? [] : [`items: ${quoted(items)},`]),
    ...(page.length === 0 ? [] : [`page: { ${page.join(', ')} },`]),
  ];
}

/** Where the list stands in a response; `undefined` where it is one thing, as what a path names last is. */
function listOf({ path, success: { shape } }: Operation): string | undefined {
  if (shape?.kind === 'array') return '';
  if (shape?.kind !== 'object' || path.endsWith('}')) return undefined;
  const lists = shape.properties.filter(
    (property) => property.shape.kind === 'array' && property.shape.items.kind === 'object',
  );
  const [only, another] = lists;
  return only !== undefined && another === undefined && shape.properties.length <= 6 ? `/${only.name}` : undefined;
}

const described = ({ name, required, schema }: Parameter): string => {
  const type = typeof schema === 'object' ? [schema.type].flat().join('|') : '';
  return `${name}${required ? '' : '?'}${type === '' ? '' : ` (${type})`}`;
};

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const property = (name: string): string => (IDENTIFIER.test(name) ? name : quoted(name));
const access = (name: string): string => (IDENTIFIER.test(name) ? `.${name}` : `[${quoted(name)}]`);
const quoted = (text: string): string =>
  `'${JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", "\\'")
    .replace(/[\u2028\u2029]/g, ' ')}'`;

/** The contract's words stay within their comment. */
const comment = (text: string): string => text.replace(/[\p{C}\u2028\u2029]/gu, ' ').replaceAll('*/', '* /');
