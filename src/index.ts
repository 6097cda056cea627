export { bind } from './bindings/bind.ts';
export { key } from './bindings/key.ts';
export { RequestError } from './errors.ts';
export type {
  BindingsSpec,
  CompareRule,
  ErrorInput,
  ErrorReplies,
  ErrorReply,
  Found,
  FunctionSource,
  OperationSpec,
  PageSpec,
  Read,
  Request,
  Source,
  Sources,
  StoreBinding,
} from './model/binding.ts';
export type { Call, DynamoDbCall, Item, MongoDbCall, Position } from './model/call.ts';
export type { GateSpec, Waiver } from './model/gate.ts';
