import type { FlagApi } from '../../src/flags/api.ts';

/** An API with one operation of each kind. */
export const flagApi: FlagApi = {
  name: 'photos',
  operations: [
    {
      id: 'getUser',
      flag: 'photos.getUser',
      offered: ['legacy', 'dynamodb', 'shadow', 'live', 'complete'],
      initial: 'legacy',
    },
    { id: 'listMessages', flag: 'photos.listMessages', offered: ['dynamodb', 'shadow'], initial: 'dynamodb' },
    { id: 'putUser', flag: 'photos.putUser', offered: ['legacy'], initial: 'legacy' },
  ],
};

export const tenants = (count: number): string[] => Array.from({ length: count }, (_, index) => `tenant-${index}`);
