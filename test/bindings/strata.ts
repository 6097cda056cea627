import t from 'tap';
import type { BoundOperation } from '../../src/bindings/load.ts';
import { documentedStrata } from '../../src/bindings/strata.ts';

const strata = (contract: object, some: object = {}) =>
  documentedStrata({ contract, isList: false, page: undefined, ...some } as unknown as BoundOperation);

t.test('statuses that a store gives, lists, pages and optional parameters of the query', async (t) => {
  const statuses = ['200', '204', '301', '400', '401', '403', '404', '405', '500', 'default', '2XX', '1200', '2000'];
  const parameters = [
    { in: 'query', name: 'kind', required: false },
    { in: 'query', name: 'must', required: true },
    { in: 'path', name: 'id', required: false },
  ];
  const contract = { statuses, parameters };
  const always = ['status:200', 'status:204', 'status:403', 'status:404'];
  t.same(strata(contract), [...always, 'param:kind']);
  t.same(strata(contract, { isList: true }), [...always, 'list:items', 'list:empty', 'param:kind']);
  t.same(strata(contract, { page: { issues: true } }), [...always, 'page:1', 'page:2', 'param:kind']);
  t.same(strata(contract, { page: { issues: false } }), [...always, 'param:kind']);
  t.same(strata({ statuses: [], parameters: [] }), []);
});
