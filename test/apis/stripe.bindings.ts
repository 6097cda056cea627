/**
 * A part of Stripe: customers, products and prices in one DynamoDB table (by account and kind, with an index by creation)
 * and in a MongoDB collection each. Pages turn by the id of an object, in both directions, newest first.
 *
 * The contract's prose says that prices are listed only while they are active; the service lists all unless asked.
 */
import { bind, type ErrorReplies, type Item, key, type Read, type Request, RequestError } from '../../src/index.ts';

/** A record as a store gives it; what is in it, the data says. */
// biome-ignore lint/suspicious/noExplicitAny: bindings are written against the data, whose types are not known here
type Stored = any;

type Kind = 'customer' | 'product' | 'price';
type Values = readonly (readonly [path: string, value: unknown])[];

const TableName = 'billing';
const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
const COLLECTIONS = { customer: 'customers', product: 'products', price: 'prices' } as const;
/** What can be expanded, and the kind of object it names. */
const EXPANDABLE: Readonly<Record<string, Kind>> = { product: 'product', default_price: 'price' };

/** What the query says must be equal. */
function equalities({ query }: Request): Values {
  const { email, active, shippable, url, currency, type, recurring } = query;
  const within = Object.entries(recurring ?? {}).map(([name, value]) => [`recurring.${name}`, value] as const);
  const own = Object.entries({ email, active, shippable, url, currency, type });
  return [...own, ...within].filter(([, value]) => value !== undefined);
}

/** What the query says must be one of several. */
const choices = ({ query }: Request, id: string): readonly (readonly [path: string, values: readonly unknown[]])[] =>
  [[id, query.ids] as const, ['lookup_key', query.lookup_keys] as const].filter(([, values]) => values?.length > 0);

const limits = ({ query }: Request): readonly (readonly [keyof typeof COMPARISONS | 'eq', number])[] => {
  if (query.created === undefined) return [];
  return typeof query.created === 'object'
    ? (Object.entries(query.created) as [keyof typeof COMPARISONS, number][])
    : [['eq', query.created]];
};

/** The object that the page begins or ends at. */
async function marker(kind: Kind, { query }: Request, find: (id: string) => Promise<Stored>): Promise<Stored> {
  const parameter = query.starting_after === undefined ? 'ending_before' : 'starting_after';
  const id = query[parameter];
  if (id === undefined) return undefined;
  const found = await find(id);
  if (found === undefined) throw new RequestError('invalidCursor', `No such ${kind}: '${id}'`, { parameter });
  return found;
}

/** Reads one item more than the page, nearest first, and puts them back into the list's order. */
function pageOf(nearest: readonly Stored[], { page, query }: Request) {
  const limit = page.limit ?? nearest.length;
  const items = nearest.slice(0, limit);
  return { items: query.ending_before === undefined ? items : items.reverse(), more: nearest.length > limit };
}

const wanted = ({ query }: Request, prefix: string): readonly string[] =>
  Object.keys(EXPANDABLE).filter((name) => (query.expand ?? []).includes(prefix + name));

/** Puts the objects in the place of their ids. */
async function expand(
  items: readonly Stored[],
  names: readonly string[],
  find: (kind: Kind, ids: readonly string[]) => Promise<ReadonlyMap<string, Stored>>,
): Promise<readonly Stored[]> {
  const [name, ...rest] = names;
  if (name === undefined) return items;
  const ids = [...new Set(items.map((item) => item[name]).filter((id) => typeof id === 'string'))];
  const found = ids.length === 0 ? new Map() : await find(EXPANDABLE[name] as Kind, ids);
  return expand(
    items.map((item) => ({ ...item, [name]: found.get(item[name]) ?? item[name] })),
    rest,
    find,
  );
}

// DynamoDB

const itemKey = (tenant: string, kind: Kind, id: unknown) => ({ pk: key`${tenant}#${kind}`, id });

function filter(request: Request) {
  const names: Record<string, string> = { '#deleted': 'deleted' };
  const values: Record<string, unknown> = {};
  const name = (path: string) =>
    path
      .split('.')
      .map((part) => {
        names[`#${part}`] = part;
        return `#${part}`;
      })
      .join('.');
  const value = (given: unknown) => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = given;
    return placeholder;
  };
  const conditions = [
    'attribute_not_exists(#deleted)',
    ...equalities(request).map(([path, given]) => `${name(path)} = ${value(given)}`),
    ...choices(request, 'id').map(([path, all]) => `${name(path)} IN (${all.map(value).join(', ')})`),
    ...limits(request).map(
      ([word, given]) => `${name('created')} ${word === 'eq' ? '=' : COMPARISONS[word]} ${value(given)}`,
    ),
  ];
  return { FilterExpression: conditions.join(' AND '), ExpressionAttributeNames: names, values };
}

const inTable = (kind: Kind) => async (request: Request, read: Read) => {
  const { tenant, query, page } = request;
  const backwards = query.ending_before !== undefined;
  const from = await marker(kind, request, (id) => read({ GetItem: { TableName, Key: itemKey(tenant, kind, id) } }));
  const ofProduct = kind === 'price' && query.product !== undefined;
  const { values, ...filtering } = filter(request);
  const Query = {
    TableName,
    IndexName: ofProduct ? 'by_product' : 'by_created',
    KeyConditionExpression: `${ofProduct ? 'product_key' : 'pk'} = :key${from ? ` AND created_key ${backwards ? '>' : '<'} :from` : ''}`,
    ...filtering,
    ExpressionAttributeValues: {
      ...values,
      ':key': ofProduct ? key`${tenant}#${query.product}` : key`${tenant}#${kind}`,
      ...(from && { ':from': from.created_key }),
    },
    ScanIndexForward: backwards,
  };
  const names = wanted(request, 'data.');
  if (!backwards && names.length === 0) return { Query };
  const { items, more } = pageOf(await read({ Query: { ...Query, Limit: (page.limit ?? 0) + 1 } }), request);
  return { items: await expand(items, names, fromTable(tenant, read)), more };
};

const fromTable = (tenant: string, read: Read) => async (kind: Kind, ids: readonly string[]) => {
  const found: readonly Stored[] = await read({
    BatchGetItem: { TableName, Keys: ids.map((id) => itemKey(tenant, kind, id)) },
  });
  return new Map(found.map((item) => [item.id, item]));
};

const oneInTable = (kind: Kind, parameter: string) => async (request: Request, read: Read) => {
  const { tenant, path } = request;
  const item = await read({ GetItem: { TableName, Key: itemKey(tenant, kind, path[parameter]) } });
  return item && (await expand([item], wanted(request, ''), fromTable(tenant, read)))[0];
};

// MongoDB

const inCollection = (kind: Kind) => async (request: Request, read: Read) => {
  const { tenant, query, page } = request;
  const collection = COLLECTIONS[kind];
  const direction = query.ending_before === undefined ? -1 : 1;
  const from = await marker(kind, request, (id) =>
    read({ findOne: { collection, filter: { account: tenant, _id: id } } }),
  );
  const created = Object.fromEntries(limits(request).map(([word, at]) => [`$${word}`, new Date(at * 1000)]));
  const find = {
    collection,
    filter: {
      account: tenant,
      deleted: { $exists: false },
      ...Object.fromEntries(equalities(request)),
      ...Object.fromEntries(choices(request, '_id').map(([path, all]) => [path, { $in: all }])),
      ...(query.product !== undefined && { product: query.product }),
      ...(Object.keys(created).length > 0 && { created }),
    },
    sort: { created: direction, _id: direction } as const,
    after: from && { created: from.created, _id: from._id },
  };
  const names = wanted(request, 'data.');
  if (direction === -1 && names.length === 0) return { find };
  const { items, more } = pageOf(await read({ find: { ...find, limit: (page.limit ?? 0) + 1 } }), request);
  return { items: await expand(items, names, fromCollections(tenant, read)), more };
};

const fromCollections = (tenant: string, read: Read) => async (kind: Kind, ids: readonly string[]) => {
  const found: readonly Stored[] = await read({
    find: { collection: COLLECTIONS[kind], filter: { account: tenant, _id: { $in: ids } } },
  });
  return new Map(found.map((item) => [item._id, item]));
};

const oneInCollection = (kind: Kind, parameter: string) => async (request: Request, read: Read) => {
  const { tenant, path } = request;
  const filter: Item = { account: tenant, _id: path[parameter] };
  const item = await read({ findOne: { collection: COLLECTIONS[kind], filter } });
  return item && (await expand([item], wanted(request, ''), fromCollections(tenant, read)))[0];
};

// Replies

/** Stripe writes `null` for what is absent, but not everywhere. */
const nulls = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [`/${name}`, { absent: null }]));

const ID = { '/id': { mongodb: '_id' } };
const TIMES = {
  '/livemode': { absent: false },
  '/created': { mongodb: { from: 'created', as: 'epoch-seconds' } },
} as const;

const list = (url: string) => ({
  items: '/data',
  page: {
    limit: { value: ({ query }: Omit<Request, 'page'>) => query.limit, default: 10, max: 100, over: 'refuse' as const },
    more: '/has_more',
  },
  response: { '/url': () => url },
  key: '/id',
});

const invalid = (message: string, param: string | undefined, code?: string) => ({
  error: {
    ...(code !== undefined && { code, doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` }),
    message,
    ...(param !== undefined && { param }),
    type: 'invalid_request_error',
  },
});

const missing = (kind: Kind, parameter: string, param: string): ErrorReplies => ({
  notFound: ({ request }) => ({
    body: invalid(`No such ${kind}: '${request.path[parameter]}'`, param, 'resource_missing'),
  }),
});

const failed = ({ message }: { message: string }) => ({ body: { error: { message, type: 'api_error' } } });

export default bind({
  contract: '../../../shared/apis/stripe/contract.yaml',
  auth: { mode: 'gateway', proof: { none: 'the tests ask it themselves' } },
  name: 'stripe',
  tenant: ({ headers }) => headers['stripe-account'],
  freshness: { by: 'the test, which loads both', within: '1s' },
  unknownParameters: 'refuse',
  errors: {
    notFound: ({ request }) => ({
      body: invalid(`Unrecognized request URL (${request.method}: ${request.url.split('?')[0]})`, undefined),
    }),
    missingParameter: ({ message, parameter }) => ({ body: invalid(message, parameter, 'parameter_missing') }),
    invalidParameter: ({ message, parameter }) => ({ body: invalid(message, parameter) }),
    unknownParameter: ({ message, parameter }) => ({ body: invalid(message, parameter, 'parameter_unknown') }),
    invalidCursor: ({ message, parameter }) => ({ body: invalid(message, parameter, 'resource_missing') }),
    unauthorized: ({ message }) => ({ body: invalid(message, undefined) }),
    forbidden: ({ message }) => ({ body: invalid(message, undefined) }),
    unavailable: failed,
    timeout: failed,
    internal: failed,
  },

  shapes: {
    customer: {
      ...ID,
      ...TIMES,
      ...nulls('address', 'currency', 'description', 'email', 'name', 'phone', 'shipping'),
    },
    deleted_customer: ID,
    product: {
      ...ID,
      ...TIMES,
      ...nulls('default_price', 'description', 'package_dimensions', 'shippable', 'statement_descriptor'),
      ...nulls('unit_label', 'url'),
      '/updated': { mongodb: { from: 'updated', as: 'epoch-seconds' } },
    },
    price: {
      ...ID,
      ...TIMES,
      ...nulls('custom_unit_amount', 'lookup_key', 'nickname', 'recurring', 'tax_behavior', 'tiers_mode'),
      ...nulls('transform_quantity', 'unit_amount'),
      '/unit_amount_decimal': { as: 'decimal-string', absent: null },
    },
    recurring: nulls('meter'),
  },

  operations: {
    GetCustomers: { dynamodb: inTable('customer'), mongodb: inCollection('customer'), ...list('/v1/customers') },
    GetCustomersCustomer: {
      dynamodb: oneInTable('customer', 'customer'),
      mongodb: oneInCollection('customer', 'customer'),
      variant: (item) => (item.deleted ? 'deleted_customer' : 'customer'),
      errors: missing('customer', 'customer', 'id'),
    },
    GetProducts: {
      dynamodb: inTable('product'),
      mongodb: inCollection('product'),
      variant: () => 'price',
      ...list('/v1/products'),
    },
    GetProductsId: {
      dynamodb: oneInTable('product', 'id'),
      mongodb: oneInCollection('product', 'id'),
      variant: () => 'price',
      errors: missing('product', 'id', 'id'),
    },
    GetPrices: {
      dynamodb: inTable('price'),
      mongodb: inCollection('price'),
      variant: () => 'product',
      ...list('/v1/prices'),
    },
    GetPricesPrice: {
      dynamodb: oneInTable('price', 'price'),
      mongodb: oneInCollection('price', 'price'),
      variant: () => 'product',
      errors: missing('price', 'price', 'price'),
    },
  },
});
