import type { Checked } from '../bindings/check.ts';
import type { Config } from '../config.ts';
import { type DynamoDb, openDynamoDb } from '../drivers/dynamodb.ts';
import { type MongoDb, openMongoDb } from '../drivers/mongodb.ts';
import { ConfigError, NoSuchItem, type Problem, StoreError } from '../errors.ts';
import type { Call, DynamoDbCall, Item, MongoDbCall } from '../model/call.ts';
import { createDeadlines } from '../model/deadline.ts';
import type { StoreOrigin } from '../model/origin.ts';
import { createDynamoDbOrigin } from '../origins/dynamodb.ts';
import { createMongoDbOrigin } from '../origins/mongodb.ts';

const TIMEOUT = 10_000;
const TRIAL_ITEMS = 1;

/**
 * Asks the stores for the tables, key schemas, indexes and collections that the generated calls name, and carries out
 * one trial call each. Throws a ConfigError where a store is not configured, a StoreError where one is away.
 */
export async function checkConnect(config: Config, { calls }: Checked): Promise<readonly Problem[]> {
  const needsMongo = calls.some(({ store }) => store === 'mongodb');
  if (needsMongo && config.mongodbUri === undefined) {
    throw new ConfigError([{ where: 'MONGODB_URI', message: 'is missing, and --connect asks MongoDB' }]);
  }
  const dynamo = openDynamoDb({ ...config.dynamodb, timeout: TIMEOUT });
  const mongo = config.mongodbUri === undefined ? undefined : openMongoDb({ uri: config.mongodbUri, timeout: TIMEOUT });
  const problems: Problem[] = [];
  try {
    for (const { where, store, call } of calls) {
      const say = (message: string) => problems.push({ where, message });
      const sound =
        store === 'dynamodb'
          ? await askDynamoDb(dynamo, call as DynamoDbCall, say)
          : await askMongoDb(mongo as MongoDb, call as MongoDbCall, say);
      const origin = store === 'dynamodb' ? createDynamoDbOrigin(dynamo) : createMongoDbOrigin(mongo as MongoDb);
      if (sound) await trial(origin, call, say);
    }
  } finally {
    await dynamo.close();
    await mongo?.close();
  }
  return problems;
}

type Say = (message: string) => void;

async function trial(origin: StoreOrigin, call: Call, say: Say): Promise<void> {
  try {
    await origin.fetch(call, { limit: TRIAL_ITEMS, maxItems: 1_000, deadline: createDeadlines(TIMEOUT).next() });
  } catch (error) {
    if (error instanceof NoSuchItem) return;
    if (error instanceof StoreError && error.failure !== 'refused') throw error;
    say(`the trial call was refused: ${(error as Error).message}`);
  }
}

async function askDynamoDb(dynamo: DynamoDb, call: DynamoDbCall, say: Say): Promise<boolean> {
  const [name = '', given] = Object.entries(call)[0] ?? [];
  const input = given as {
    TableName: string;
    IndexName?: string;
    Key?: Item;
    Keys?: readonly Item[];
    KeyConditionExpression?: string;
    ExpressionAttributeNames?: Record<string, string>;
  };
  const table = await dynamo.describeTable(input.TableName, AbortSignal.timeout(TIMEOUT)).catch((error: StoreError) => {
    if (error.failure !== 'refused') throw error;
    return undefined;
  });
  if (table === undefined) {
    say(`there is no table ${input.TableName}`);
    return false;
  }
  const indexes = [...(table.GlobalSecondaryIndexes ?? []), ...(table.LocalSecondaryIndexes ?? [])];
  const index = indexes.find(({ IndexName }) => IndexName === input.IndexName);
  if (input.IndexName !== undefined && index === undefined) {
    say(
      `table ${input.TableName} has no index ${input.IndexName}; it has ${indexes.map(({ IndexName }) => IndexName).join(', ') || 'none'}`,
    );
    return false;
  }
  const schema = (index ?? table).KeySchema ?? [];
  const names = schema.map(({ AttributeName }) => AttributeName as string);
  const types = new Map(
    (table.AttributeDefinitions ?? []).map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
  );
  const problems = [
    ...[input.Key, ...(input.Keys ?? [])]
      .filter((key) => key !== undefined)
      .map((key) => keyProblem(key, names, types)),
    name === 'Query'
      ? queryProblem(input.KeyConditionExpression ?? '', input.ExpressionAttributeNames ?? {}, names)
      : undefined,
  ].filter((problem) => problem !== undefined);
  for (const problem of new Set(problems))
    say(`${problem} (table ${input.TableName}${index === undefined ? '' : `, index ${input.IndexName}`})`);
  return problems.length === 0;
}

const TYPES: Readonly<Record<string, string>> = Object.freeze({ S: 'string', N: 'number', B: 'object' });

function keyProblem(
  key: Item,
  names: readonly string[],
  types: ReadonlyMap<string | undefined, string | undefined>,
): string | undefined {
  const given = Object.keys(key);
  if (given.length !== names.length || given.some((name) => !names.includes(name))) {
    return `the key is ${names.join(', ')}, not ${given.join(', ')}`;
  }
  const wrong = given.find((name) => {
    const want = TYPES[types.get(name) ?? ''];
    const have = typeof key[name];
    return want !== have && !(want === 'number' && (have === 'bigint' || have === 'object'));
  });
  return wrong === undefined ? undefined : `key attribute ${wrong} is of type ${types.get(wrong)}`;
}

function queryProblem(
  expression: string,
  aliases: Readonly<Record<string, string>>,
  names: readonly string[],
): string | undefined {
  const words = (expression.match(/#?[A-Za-z_][\w]*|:[\w]+/g) ?? []).filter((word) => !word.startsWith(':'));
  const attributes = words
    .filter((word) => !/^(and|between|begins_with)$/i.test(word))
    .map((word) => aliases[word] ?? word);
  const stranger = attributes.find((attribute) => !names.includes(attribute));
  if (stranger !== undefined) return `${stranger} is not in the key, which is ${names.join(', ')}`;
  return attributes.includes(names[0] as string)
    ? undefined
    : `the partition key ${names[0]} is not in the key condition`;
}

async function askMongoDb(mongo: MongoDb, call: MongoDbCall, say: Say): Promise<boolean> {
  const input = 'aggregate' in call ? call.aggregate : 'find' in call ? call.find : call.findOne;
  const { collection } = input;
  if (!(await mongo.collectionExists(collection, AbortSignal.timeout(TIMEOUT)))) {
    say(`there is no collection ${collection}`);
    return false;
  }
  const filter = 'filter' in input ? input.filter : ((input.pipeline[0]?.$match ?? {}) as Item);
  const keys = Object.keys(filter).filter((name) => !name.startsWith('$'));
  const sort = 'sort' in input ? Object.keys(input.sort ?? {}) : [];
  const indexes = await mongo.listIndexes(collection, AbortSignal.timeout(TIMEOUT));
  const serves = indexes.some(({ key }) => {
    const [first] = Object.keys(key as Item);
    return first !== undefined && (keys.includes(first) || (keys.length === 0 && sort[0] === first));
  });
  const wanted = [...new Set([...keys, ...sort])];
  if (!serves && wanted.length > 0)
    say(`no index of ${collection} serves this; create one on { ${wanted.map((name) => `${name}: 1`).join(', ')} }`);
  return true;
}
