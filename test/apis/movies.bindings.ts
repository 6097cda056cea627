/** The Movies table of the AWS guides, and the same records in MongoDB with dates and decimals of its own. */
import { Decimal128 } from 'mongodb';
import { bind, type Request } from '../../src/index.ts';

const TableName = 'Movies';
const NO_TENANTS = { none: 'the API knows no tenants' };
const SUMMARY = {
  ProjectionExpression: '#year, title, info.genres, info.actors[0]',
  ExpressionAttributeNames: { '#year': 'year' },
};
const projection = { year: 1, title: 1, 'info.genres': 1, 'info.actors': 1 };

const page = {
  limit: ({ query }: Omit<Request, 'page'>) => query.limit,
  cursor: ({ query }: Omit<Request, 'page'>) => query.nextToken,
  position: ['year', 'title'],
  next: '/nextToken',
};

/** The table's key takes one condition: a range is BETWEEN, an open one a comparison. */
function titles(from: string | undefined, to: string | undefined): string {
  if (from !== undefined && to !== undefined) return ' AND title BETWEEN :from AND :to';
  if (from !== undefined) return ' AND title >= :from';
  return to === undefined ? '' : ' AND title <= :to';
}

const isBackwards = (from: string | undefined, to: string | undefined) =>
  from !== undefined && to !== undefined && Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0;

const given = (values: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const genres = ({ query }: Request): readonly string[] => query.genre ?? [];

const message = ({ message }: { message: string }) => ({ body: { message } });

export default bind({
  contract: '../../../shared/apis/movies/contract.yaml',
  name: 'movies',
  tenant: () => 'all',
  freshness: { by: 'the test, which loads both', within: '1s' },
  errors: {
    notFound: () => ({ body: { message: 'Movie not found' } }),
    missingParameter: message,
    invalidParameter: message,
    invalidCursor: message,
    unavailable: message,
    timeout: message,
    internal: message,
  },
  shapes: {
    MovieSummary: { '/genres': 'info.genres', '/leadActor': 'info.actors.0' },
    Movie: { '/info/release_date': { mongodb: { from: 'info.release_date', as: 'iso8601-seconds' } } },
  },

  operations: {
    getMovie: {
      dynamodb: ({ path }) => ({ GetItem: { TableName, Key: { year: path.year, title: path.title } } }),
      mongodb: ({ path }) => ({ findOne: { collection: 'movies', filter: { year: path.year, title: path.title } } }),
      tenantScope: NO_TENANTS,
    },

    listMoviesOfYear: {
      dynamodb: async ({ path, query, page }) => {
        const { titleFrom, titleTo, order } = query;
        if (isBackwards(titleFrom, titleTo)) return []; // DynamoDB refuses such a BETWEEN
        return {
          Query: {
            TableName,
            KeyConditionExpression: `#year = :year${titles(titleFrom, titleTo)}`,
            ...SUMMARY,
            ExpressionAttributeValues: given({ ':year': path.year, ':from': titleFrom, ':to': titleTo }),
            ScanIndexForward: order !== 'desc',
            ExclusiveStartKey: page.after && { year: path.year, title: page.after.title },
          },
        };
      },
      mongodb: ({ path, query, page }) => ({
        find: {
          collection: 'movies',
          filter: {
            year: path.year,
            ...((query.titleFrom || query.titleTo) && {
              title: given({ $gte: query.titleFrom, $lte: query.titleTo }),
            }),
          },
          projection,
          sort: { title: query.order === 'desc' ? -1 : 1 },
          after: page.after && { title: page.after.title },
        },
      }),
      items: '/items',
      page,
      tenantScope: NO_TENANTS,
    },

    searchMovies: {
      dynamodb: (request) => {
        const { query, page } = request;
        const wanted = genres(request).map((genre, index) => [`:genre${index}`, genre] as const);
        const conditions = [
          '#year >= :from AND #year <= :to',
          ...(query.minRating === undefined ? [] : ['info.rating >= :rating']),
          ...(wanted.length === 0
            ? []
            : [`(${wanted.map(([name]) => `contains(info.genres, ${name})`).join(' OR ')})`]),
        ];
        return {
          Scan: {
            TableName,
            FilterExpression: conditions.join(' AND '),
            ...SUMMARY,
            ExpressionAttributeValues: given({
              ':from': query.fromYear,
              ':to': query.toYear,
              ':rating': query.minRating,
              ...Object.fromEntries(wanted),
            }),
            ExclusiveStartKey: page.after && { year: page.after.year, title: page.after.title },
          },
        };
      },
      mongodb: (request) => {
        const { query, page } = request;
        return {
          find: {
            collection: 'movies',
            filter: {
              year: { $gte: query.fromYear, $lte: query.toYear },
              // a decimal: as a double 8.3 would be more than the 8.3 that is stored
              ...(query.minRating !== undefined && {
                'info.rating': { $gte: Decimal128.fromString(String(query.minRating)) },
              }),
              ...(genres(request).length > 0 && { 'info.genres': { $in: genres(request) } }),
            },
            projection,
            sort: { year: 1, title: 1 },
            after: page.after,
          },
        };
      },
      items: '/items',
      page,
      tenantScope: NO_TENANTS,
    },
  },
});
