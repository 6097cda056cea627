import type { BoundOperation } from './load.ts';

/** What comparisons of an operation can be evidence for: statuses that a store gives, kinds of lists, pages, parameters. */
export function documentedStrata({
  contract,
  isList,
  page,
}: Pick<BoundOperation, 'contract' | 'isList' | 'page'>): readonly string[] {
  const optional = contract.parameters.filter(({ in: where, required }) => where === 'query' && !required);
  return [
    // What is refused before a store is asked (400, 401) is the façade's own answer, and compared with nothing.
    ...contract.statuses.filter((status) => /^(2\d\d|40[34])$/.test(status)).map((status) => `status:${status}`),
    ...(isList ? ['list:items', 'list:empty'] : []),
    ...(page?.issues === true ? ['page:1', 'page:2'] : []),
    ...optional.map(({ name }) => `param:${name}`),
  ];
}
