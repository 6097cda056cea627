import type { Bindings, BoundOperation } from '../../src/bindings/load.ts';
import { compilePage } from '../../src/bindings/page.ts';
import type { BindingsSpec, OperationSpec } from '../../src/model/binding.ts';
import type { Operation, Parameter, Schema } from '../../src/model/operation.ts';

export const parameter = (
  name: string,
  where: Parameter['in'],
  schema: Schema,
  required = where === 'path',
): Parameter => ({
  ...{ name, in: where, required, schema },
  ...{ style: where === 'query' ? 'form' : 'simple', explode: false, allowReserved: false, json: false },
});

/** An operation as a contract has it, that reads. */
export const operationOf = (
  id: string,
  parameters: readonly Parameter[],
  more: Partial<Operation> = {},
): Operation => ({
  ...{ id, parameters, method: 'GET', path: `/${id}`, pointer: `#/paths/~1${id}/get`, body: undefined },
  ...{ success: { status: 200, type: 'application/json', shape: undefined }, statuses: ['200'], headers: [] },
  ...{ security: { required: false, schemes: [] } },
  ...more,
});

/** Bindings as far as they are looked at where no request is answered: without a contract that would have to be read. */
export function boundOf(contract: readonly Operation[], spec: BindingsSpec): Bindings {
  const operations = contract.map((operation) => {
    const own: OperationSpec | undefined = spec.operations[operation.id];
    const { dynamodb, mongodb } = own ?? {};
    return {
      ...{ id: operation.id, contract: operation, spec: own },
      stores: { ...(dynamodb && { dynamodb: { call: dynamodb } }), ...(mongodb && { mongodb: { call: mongodb } }) },
      page: own?.page === undefined ? undefined : compilePage(own.page),
    } as BoundOperation;
  });
  return {
    file: 'b.ts',
    name: 'b',
    spec,
    contract: { file: 'c.yaml', operations: contract },
    operations,
  } as unknown as Bindings;
}
