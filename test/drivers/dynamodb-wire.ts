import type { ServerResponse } from 'node:http';
import { NumberValue } from '@aws-sdk/lib-dynamodb';
import { type Test, test } from 'tap';
import { openDynamoDb } from '../../src/drivers/dynamodb.ts';
import { StoreError } from '../../src/errors.ts';
import { type Recorded, type Reply, startScripted } from '../support/scripted.ts';

const ITEM = {
  pk: { S: 'a"b\n写真' },
  n: { N: '8.30' },
  big: { N: '9007199254740993' },
  flags: { L: [{ BOOL: true }, { BOOL: false }, { NULL: true }] },
  map: { M: { inner: { M: {} }, bin: { B: 'AAEC' } } },
  sets: { M: { ss: { SS: ['b', 'a'] }, ns: { NS: ['1', '12345678901234567890'] }, bs: { BS: ['AA=='] } } },
};

const BODIES: Readonly<Record<string, unknown>> = {
  GetItem: { Item: ITEM },
  Query: { Count: 2, Items: [ITEM, { pk: { S: 'b' } }], LastEvaluatedKey: { pk: { S: 'b' } }, ScannedCount: 2 },
  Scan: { Items: [], Count: 0, ScannedCount: 5 },
  BatchGetItem: {
    Responses: { things: [ITEM] },
    UnprocessedKeys: { things: { Keys: [{ pk: { S: 'left' }, n: { N: '1' } }] } },
  },
};

const said =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', ...headers }).end(body);

const good: Reply = (response) => {
  const call = String(response.req.headers['x-amz-target']).split('.')[1] as string;
  said(200, JSON.stringify(BODIES[call]), { 'x-amzn-requestid': 'REQUEST-1' })(response);
};

const coded = (
  status: number,
  code: string,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Reply =>
  said(status, JSON.stringify({ __type: code, message: 'it is so', ...more }), {
    'x-amzn-requestid': 'REQUEST-2',
    ...headers,
  });

const V = 'com.amazonaws.dynamodb.v20120810#';

const truncated: Reply = (response) => {
  response.writeHead(200, { 'content-length': '5000' }).write('{"Item":{');
  setTimeout(() => response.destroy(), 5);
};

const reset: Reply = (response) => response.req.socket.resetAndDestroy();

const silent: Reply = () => {};

const halfSaid: Reply = (response: ServerResponse) =>
  void response.writeHead(200, { 'content-length': '5000' }).write('{');

/** What DynamoDB, or what stands before it, may say. */
const FAULTS: Readonly<Record<string, Reply>> = {
  throughput: coded(400, `${V}ProvisionedThroughputExceededException`),
  'throttled, told when to come again': coded(400, `${V}ThrottlingException`, {}, { 'x-amz-retry-after': '20' }),
  'too many requests': coded(400, `${V}RequestLimitExceeded`),
  'a wrong value': coded(400, 'com.amazon.coral.validate#ValidationException'),
  'a value that no key can be': coded(400, 'com.amazon.coral.validate#ValidationException', {
    message:
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
  }),
  'no table': coded(400, `${V}ResourceNotFoundException`),
  'not allowed': coded(400, 'com.amazon.coral.service#AccessDeniedException'),
  'an expired token': coded(400, 'com.amazon.coral.service#ExpiredTokenException'),
  'an unknown client': coded(400, 'com.amazon.coral.service#UnrecognizedClientException'),
  'a wrong signature': coded(400, 'com.amazon.coral.service#InvalidSignatureException'),
  'an old signature': coded(400, 'InvalidSignatureException', { message: 'Signature expired: 20260101T000000Z' }),
  'no JSON understood': coded(400, 'com.amazon.coral.service#SerializationException'),
  'an error inside': coded(500, `${V}InternalServerError`),
  'an error nobody knows': coded(400, 'SomethingElseException'),
  'a type with a colon': coded(400, 'ValidationException:http://internal.amazon.com/coral/'),
  'a message in capitals': said(400, '{"__type":"ValidationException","Message":"IT IS SO"}'),
  'a code, no type': said(400, '{"code":"ResourceNotFoundException","message":"it is so"}'),
  'a type in a header': said(400, '{"message":"it is so"}', { 'x-amzn-errortype': 'ThrottlingException:' }),
  'no type': said(400, '{"message":"it is so"}'),
  'no body': said(400, ''),
  'a server error without a body': said(500, ''),
  'a gateway': said(502, '<html>Bad Gateway</html>'),
  'not available': said(503, '{"message":"Service Unavailable"}'),
  'not available, in HTML': said(503, '<html/>'),
  'too many': said(429, '{"__type":"Slow","message":"slow down"}'),
  'not implemented': said(501, '{}'),
  'a redirect': said(302, '', { location: 'http://127.0.0.1:9/' }),
  'a good reply without a body': said(200, ''),
  'an empty object': said(200, '{}'),
  'no item': said(200, '{"Item":null}'),
  'no JSON': said(200, '{"Item":{"pk":{"S":"x"}'),
  'another checksum': said(200, JSON.stringify(BODIES.GetItem), { 'x-amz-crc32': '1' }),
  truncated,
  reset,
  silent,
};

const CALLS = {
  GetItem: {
    TableName: 'things',
    Key: { pk: 'a"b', n: NumberValue.from('12345678901234567890') },
    ConsistentRead: true,
  },
  Query: {
    TableName: 'things',
    IndexName: 'index',
    KeyConditionExpression: '#pk = :p AND n > :n',
    FilterExpression: 'f IN (:l, :m, :b, :z, :x, :s)',
    ProjectionExpression: '#pk, n',
    ExpressionAttributeNames: { '#pk': 'pk' },
    ExpressionAttributeValues: {
      ...{ ':p': '写真', ':n': 8.3, ':l': [1, undefined, [true, null]], ':m': { a: undefined, b: { c: 12n } } },
      ...{ ':b': Buffer.from([0, 1, 2]), ':z': undefined, ':x': new Uint8Array([3]), ':s': new Set(['a', 'b']) },
    },
    ExclusiveStartKey: { pk: 'a', n: 1e30 },
    ScanIndexForward: false,
    Limit: 7,
  },
  Scan: { TableName: 'things', Limit: 1, Select: 'COUNT' as const, ExclusiveStartKey: undefined },
  BatchGetItem: {
    TableName: 'things',
    Keys: [
      { pk: 'a', n: -0 },
      { pk: 'left', n: 1 },
    ],
    ConsistentRead: false,
  },
} as const;

type CallName = keyof typeof CALLS;

const LOCAL = {
  region: 'eu-west-1',
  timeout: 1_000,
  credentials: { accessKeyId: 'AKIAX', secretAccessKey: 'secret', sessionToken: 'token' },
};

interface Outcome {
  readonly value: unknown;
  readonly requests: readonly Recorded[];
}

async function outcomeOf(client: 'wire' | 'sdk', call: CallName, script: readonly Reply[]): Promise<Outcome> {
  const server = await startScripted(script);
  const driver = openDynamoDb({ ...LOCAL, client, endpoint: server.endpoint });
  const wait = AbortSignal.timeout(20_000);
  const asked = async (): Promise<unknown> => {
    if (call === 'GetItem') return driver.getItem(CALLS.GetItem, wait);
    if (call === 'Query') return driver.query(CALLS.Query, wait);
    if (call === 'Scan') return driver.scan(CALLS.Scan, wait);
    return driver.batchGetItem(CALLS.BatchGetItem, wait);
  };
  const value = await asked().catch((error: Error) => failedOf(error));
  await driver.close();
  await server.close();
  return { value, requests: server.requests };
}

/** What is no JSON each client says in words of its own. */
function failedOf(error: Error): unknown {
  const failure = error instanceof StoreError ? error.failure : undefined;
  if (failure === 'undecodable') return { name: error.name, failure };
  const cause = error.cause as (Error & { readonly $metadata?: { readonly requestId?: string } }) | undefined;
  const message = error.message.split('\n')[0]?.replace(/: (socket hang up|other side closed|read ECONNRESET)$/, '');
  return { name: error.name, failure, message, cause: cause?.name, requestId: cause?.$metadata?.requestId };
}

const wanted = ({ method, url, headers, body }: Recorded) => ({
  ...{ method, url, body, type: headers['content-type'], target: headers['x-amz-target'] },
  ...{
    token: headers['x-amz-security-token'],
    agent: headers['user-agent']?.split(' ')[0],
    length: headers['content-length'],
  },
  ...{ scope: headers.authorization?.split(',')[0], encoding: headers['accept-encoding'] },
});

const bothOf = (call: CallName, script: readonly Reply[]): Promise<readonly [Outcome, Outcome]> =>
  Promise.all([outcomeOf('wire', call, script), outcomeOf('sdk', call, script)]);

function alike(t: Test, [wire, sdk]: readonly [Outcome, Outcome]): void {
  t.strictSame(wire.value, sdk.value, 'what comes of it');
  t.strictSame(wire.requests.map(wanted), sdk.requests.map(wanted), 'what was asked');
}

for (const call of Object.keys(CALLS) as CallName[]) {
  test(`${call} is asked and understood as the SDK does`, async (t) => {
    const both = await bothOf(call, [good]);
    alike(t, both);
    t.equal(both[0].requests.length, 1);
  });
}

test('what goes wrong is taken as the SDK takes it, and sent again as often', { timeout: 120_000 }, async (t) => {
  const left = Object.entries(FAULTS);
  const found: (readonly [string, ...(readonly [Outcome, Outcome])[]])[] = [];
  const next = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const [name, fault] = one;
      found.push([name, await bothOf('GetItem', [fault, good]), await bothOf('GetItem', [fault])]);
    }
  };
  await Promise.all(Array.from({ length: 6 }, next));
  for (const [name, ...cases] of found) t.test(name, async (t) => cases.forEach((both) => void alike(t, both)));
});

test('a reply that stops in the middle is waited for no longer than one that does not begin', async (t) => {
  const { value, requests } = await outcomeOf('wire', 'GetItem', [halfSaid]);
  t.match(value, { name: 'StoreError', failure: 'timeout' });
  t.equal(requests.length, 2, 'and asked for once more');
});

/** An hour ahead, by its own clock. */
const ahead: Reply = (response) => {
  response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
  return good(response);
};

const skewOf = ({ headers, at }: Recorded): number => {
  const date = String(headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)/, '$1-$2-$3:$4:');
  return Math.round((Date.parse(date) - at) / 600_000);
};

test('a clock that is wrong is corrected by what the service says, after a good reply and after a refusal', async (t) => {
  const refused: Reply = (response) => {
    response.setHeader('date', new Date(Date.now() + 3_600_000).toUTCString());
    return coded(400, 'com.amazon.coral.service#InvalidSignatureException')(response);
  };
  for (const client of ['wire', 'sdk'] as const) {
    const server = await startScripted([ahead, good, refused, good]);
    const driver = openDynamoDb({ ...LOCAL, client, endpoint: server.endpoint });
    const get = () => driver.getItem(CALLS.GetItem, AbortSignal.timeout(10_000));
    await get();
    await get();
    await get();
    t.same(
      server.requests.map(skewOf),
      [0, 6, 0, 6],
      `${client}: a reply with another date, and a refused one that is sent again`,
    );
    await driver.close();
    await server.close();
  }
});

test('credentials are asked for anew before they end, and not for each request', async (t) => {
  const server = await startScripted([good]);
  let given = 0;
  let life = 3_600_000;
  const credentials = async () => {
    given += 1;
    return {
      accessKeyId: `AKIA${given}`,
      secretAccessKey: 's',
      sessionToken: `t${given}`,
      expiration: new Date(Date.now() + life),
    };
  };
  const driver = openDynamoDb({ ...LOCAL, endpoint: server.endpoint, credentials });
  t.teardown(() => Promise.all([driver.close(), server.close()]));
  const get = () => driver.getItem(CALLS.GetItem, AbortSignal.timeout(10_000));
  const keys = () =>
    server.requests.map(({ headers }) => [
      /Credential=(\w+)/.exec(String(headers.authorization))?.[1],
      headers['x-amz-security-token'],
    ]);
  await Promise.all([get(), get(), get()]);
  await get();
  t.equal(given, 1);
  t.same(new Set(keys().flat()), new Set(['AKIA1', 't1']));
  life = 100_000;
  const short = openDynamoDb({ ...LOCAL, endpoint: server.endpoint, credentials });
  await short.getItem(CALLS.GetItem, AbortSignal.timeout(10_000));
  await short.getItem(CALLS.GetItem, AbortSignal.timeout(10_000));
  t.ok(given >= 3, 'less than five minutes to live: asked for again');
  t.not(keys().at(-1)?.[1], keys().at(-2)?.[1]);
  await short.close();
});

test('credentials that cannot be had are an error of the call, and asked for again by the next', async (t) => {
  const server = await startScripted([good]);
  let fails = true;
  const credentials = async () => {
    if (fails) throw new Error('the metadata service is away');
    return { accessKeyId: 'AKIA', secretAccessKey: 's' };
  };
  const driver = openDynamoDb({ ...LOCAL, endpoint: server.endpoint, credentials });
  t.teardown(() => Promise.all([driver.close(), server.close()]));
  const get = () => driver.getItem(CALLS.GetItem, AbortSignal.timeout(10_000));
  await t.rejects(get(), { name: 'StoreError', failure: 'unavailable', message: /metadata service/ });
  t.equal(server.requests.length, 0);
  fails = false;
  await get();
  t.equal(server.requests.length, 1);
});
