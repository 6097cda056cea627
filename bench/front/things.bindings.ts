/** An operation whose store is this module's memory: what is left is what the façade itself costs. */
import { bind } from '../../src/index.ts';
import { THING } from './thing.ts';

const FOUND = Promise.resolve(THING);

export default bind({
  contract: './things.yaml',
  name: 'things',
  tenant: ({ headers }) => headers['x-tenant-id'],
  auth: { mode: 'gateway' },
  freshness: { by: 'nothing', within: '1s' },
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': undefined },
  operations: { getThing: { dynamodb: () => FOUND, mongodb: () => FOUND } },
});
