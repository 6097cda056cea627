/**
 * spring-petclinic-rest: one DynamoDB table with an index by kind, and MongoDB's owners with their pets and visits inside.
 */
import { bind, type Item, key, type Request, type Source } from '../../src/index.ts';

const TableName = 'petclinic';
const NO_TENANTS = { none: 'the API knows no tenants' };

/** A record as a store gives it; what is in it, the data says. */
// biome-ignore lint/suspicious/noExplicitAny: bindings are written against the data, whose types are not known here
type Stored = any;

const byText = (name: string) => (a: Stored, b: Stored) => (a[name] < b[name] ? -1 : Number(a[name] > b[name]));
const sorted = (list: readonly Stored[] | undefined, order: (a: Stored, b: Stored) => number) =>
  [...(list ?? [])].sort(order);

const newestFirst =
  (date: string) =>
  (pet: Stored): readonly Stored[] =>
    sorted(pet.visits, byText(date)).reverse();

/** All of a kind in id order, by the index. */
const ofKind = (kind: string, more: object = {}) => ({
  Query: {
    TableName,
    IndexName: 'by_kind',
    KeyConditionExpression: 'kind = :kind',
    ExpressionAttributeValues: { ':kind': kind },
    ...more,
  },
});

const one = (kind: string, id: unknown) => ({
  GetItem: { TableName, Key: { pk: key`${kind}#${id}`, sk: key`${kind}#${id}` } },
});

const ownersOf = ({ query }: Request, more: object = {}) =>
  ofKind('owner', {
    ...(query.lastName && {
      FilterExpression: 'begins_with(last_name, :name)',
      ExpressionAttributeValues: { ':kind': 'owner', ':name': query.lastName },
    }),
    ...more,
  });

const LAST_CHARACTER = '\u{10ffff}';
const withLastName = ({ query }: Request) =>
  query.lastName ? { lastName: { $gte: query.lastName, $lt: query.lastName + LAST_CHARACTER } } : {};

const pets = (...more: readonly Item[]): readonly Item[] => [
  { $unwind: '$pets' },
  { $replaceWith: { $mergeObjects: ['$pets', { ownerId: '$_id' }] } },
  ...more,
  { $sort: { _id: 1 } },
];
const visits = (...more: readonly Item[]): readonly Item[] => [
  { $unwind: '$pets' },
  { $unwind: '$pets.visits' },
  { $replaceWith: { $mergeObjects: ['$pets.visits', { petId: '$pets._id' }] } },
  ...more,
  { $sort: { _id: 1 } },
];

/** A vet is a row, and so is each of its specialties, all with the vet's id. */
function vetsOf(rows: readonly Stored[]): readonly Stored[] {
  const specialties = Map.groupBy(
    rows.filter(({ specialty_id }) => specialty_id !== undefined),
    ({ id }) => id,
  );
  return rows
    .filter(({ specialty_id }) => specialty_id === undefined)
    .map((vet) => ({ ...vet, specialties: specialties.get(vet.id) ?? [] }));
}

const all = (collection: string) => () => ({ find: { collection, filter: {}, sort: { _id: 1 } } }) as const;

const id: Source = { mongodb: '_id' };
const pageNumbers = {
  page: {
    limit: ({ query }: Omit<Request, 'page'>) => query.size,
    total: '/totalElements',
    pages: '/totalPages',
  },
  items: '/content',
  response: {
    '/page': (_: Stored, { request }: { request: Request }) => request.query.page,
    '/size': (_: Stored, { request }: { request: Request }) => request.query.size,
  },
  tenantScope: NO_TENANTS,
};
const skipped = ({ query }: Request) => ({ skip: query.page * query.size, count: true });

/** Spring's reply to what it cannot bind, whatever the cause. */
const mismatch = ({ request }: { request: { url: string } }) => ({
  status: 500,
  headers: { 'content-type': 'application/problem+json' },
  body: {
    type: `http://localhost:9966${request.url.split('?')[0]}`,
    title: 'MethodArgumentTypeMismatchException',
    status: 500,
    detail: 'An unexpected error occurred while processing your request',
    timestamp: new Date().toISOString(),
    schemaValidationErrors: [],
  },
});

export default bind({
  contract: '../../../shared/apis/petclinic/contract.yaml',
  name: 'petclinic',
  tenant: () => 'all',
  freshness: { by: 'the test, which loads both', within: '1s' },
  errors: {
    notFound: () => ({}),
    invalidParameter: mismatch,
  },

  shapes: {
    Owner: {
      '/id': id,
      '/firstName': { dynamodb: 'first_name' },
      '/lastName': { dynamodb: 'last_name' },
      '/pets': (owner) => sorted(owner.pets, byText('name')),
    },
    Pet: {
      '/id': id,
      '/birthDate': { dynamodb: 'birth_date' },
      '/ownerId': {
        dynamodb: (pet, { item }) => pet.owner_id ?? item.id,
        mongodb: (pet, { item }) => pet.ownerId ?? item._id,
      },
      '/visits': { dynamodb: newestFirst('visit_date'), mongodb: newestFirst('date') },
    },
    PetType: { '/id': id },
    Visit: {
      '/id': id,
      '/date': { dynamodb: 'visit_date' },
      '/petId': {
        dynamodb: (visit, { parent }) => visit.pet_id ?? parent.id,
        mongodb: (visit, { parent }) => visit.petId ?? parent._id,
      },
    },
    Vet: {
      '/id': id,
      '/firstName': { dynamodb: 'first_name' },
      '/lastName': { dynamodb: 'last_name' },
      '/specialties': (vet) => sorted(vet.specialties, byText('name')),
    },
    Specialty: { '/id': { dynamodb: (row) => row.specialty_id ?? row.id, mongodb: '_id' } },
  },

  operations: {
    listOwners: {
      dynamodb: (request) => ownersOf(request),
      mongodb: (request) => ({ find: { collection: 'owners', filter: withLastName(request), sort: { _id: 1 } } }),
      empty: 'notFound',
      tenantScope: NO_TENANTS,
    },
    listOwnersPage: {
      dynamodb: (request) => ownersOf(request, skipped(request)),
      mongodb: (request) => ({
        find: { collection: 'owners', filter: withLastName(request), sort: { _id: 1 }, ...skipped(request) },
      }),
      ...pageNumbers,
    },
    getOwner: {
      dynamodb: ({ path }) => one('OWNER', path.ownerId),
      mongodb: ({ path }) => ({ findOne: { collection: 'owners', filter: { _id: path.ownerId } } }),
      tenantScope: NO_TENANTS,
    },
    getOwnersPet: {
      dynamodb: async ({ path }, read) => {
        const pet = await read(one('PET', path.petId));
        return pet?.owner_id === path.ownerId ? pet : undefined;
      },
      mongodb: ({ path }) => ({
        aggregate: {
          collection: 'owners',
          pipeline: [{ $match: { _id: path.ownerId } }, ...pets({ $match: { _id: path.petId } })],
        },
      }),
      tenantScope: NO_TENANTS,
    },

    listPets: {
      dynamodb: () => ofKind('pet'),
      mongodb: () => ({ aggregate: { collection: 'owners', pipeline: pets() } }),
      empty: 'notFound',
      tenantScope: NO_TENANTS,
    },
    listPetsPage: {
      dynamodb: (request) => ofKind('pet', skipped(request)),
      mongodb: (request) => ({ aggregate: { collection: 'owners', pipeline: pets(), ...skipped(request) } }),
      ...pageNumbers,
    },
    getPet: {
      dynamodb: ({ path }) => one('PET', path.petId),
      mongodb: ({ path }) => ({
        aggregate: {
          collection: 'owners',
          pipeline: [{ $match: { 'pets._id': path.petId } }, ...pets({ $match: { _id: path.petId } })],
        },
      }),
      tenantScope: NO_TENANTS,
    },

    listVisits: {
      dynamodb: () => ofKind('visit'),
      mongodb: () => ({ aggregate: { collection: 'owners', pipeline: visits() } }),
      empty: 'notFound',
      tenantScope: NO_TENANTS,
    },
    getVisit: {
      dynamodb: ({ path }) => one('VISIT', path.visitId),
      mongodb: ({ path }) => ({
        aggregate: {
          collection: 'owners',
          pipeline: [{ $match: { 'pets.visits._id': path.visitId } }, ...visits({ $match: { _id: path.visitId } })],
        },
      }),
      tenantScope: NO_TENANTS,
    },

    listVets: {
      dynamodb: async (_, read) => vetsOf(await read(ofKind('vet'))),
      mongodb: all('vets'),
      empty: 'notFound',
      tenantScope: NO_TENANTS,
    },
    getVet: {
      dynamodb: async ({ path }, read) => {
        const rows = await read({
          Query: {
            TableName,
            KeyConditionExpression: 'pk = :vet',
            ExpressionAttributeValues: { ':vet': key`VET#${path.vetId}` },
          },
        });
        return vetsOf(rows)[0];
      },
      mongodb: ({ path }) => ({ findOne: { collection: 'vets', filter: { _id: path.vetId } } }),
      tenantScope: NO_TENANTS,
    },

    listPetTypes: {
      dynamodb: () => ofKind('pettype'),
      mongodb: all('petTypes'),
      empty: 'notFound',
      tenantScope: NO_TENANTS,
    },
    getPetType: {
      dynamodb: ({ path }) => one('PETTYPE', path.petTypeId),
      mongodb: ({ path }) => ({ findOne: { collection: 'petTypes', filter: { _id: path.petTypeId } } }),
      tenantScope: NO_TENANTS,
    },
    listSpecialties: {
      dynamodb: () => ofKind('specialty'),
      mongodb: all('specialties'),
      empty: 'notFound',
      tenantScope: NO_TENANTS,
    },
    getSpecialty: {
      dynamodb: ({ path }) => one('SPECIALTY', path.specialtyId),
      mongodb: ({ path }) => ({ findOne: { collection: 'specialties', filter: { _id: path.specialtyId } } }),
      tenantScope: NO_TENANTS,
    },
  },
});
