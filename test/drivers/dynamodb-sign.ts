import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { HashConstructor } from '@smithy/types';
import { test } from 'tap';
import { keyed, signer, signingKey } from '../../src/drivers/dynamodb/sign.ts';
import { Chance } from '../support/wire-fuzz.ts';

test("AWS's own example of a key and a signature", async (t) => {
  const key = signingKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', ['20150830', 'us-east-1', 'iam', 'aws4_request']);
  t.equal(key.toString('hex'), 'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9');
  const toSign = [
    'AWS4-HMAC-SHA256',
    '20150830T123600Z',
    '20150830/us-east-1/iam/aws4_request',
    'f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59',
  ].join('\n');
  t.equal(keyed(key)(toSign), '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7');
});

test('long keys and long texts', async (t) => {
  for (const [key, text] of [
    ['k'.repeat(200), 'short'],
    ['key', 'x'.repeat(5_000)],
    ['', ''],
  ] as const) {
    t.equal(keyed(Buffer.from(key))(text), createHmac('sha256', key).update(text).digest('hex'));
  }
});

/** What the SDK's signer takes for a hash. */
class Sha256 {
  readonly #hash;

  constructor(secret?: ConstructorParameters<HashConstructor>[0]) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

test('requests are signed as the SDK signs them, whatever keys, days and bodies', async (t) => {
  const chance = new Chance(7);
  const text = (length: number) => Array.from({ length }, () => chance.one([...'abcXYZ0189/+='])).join('');
  for (let n = 0; n < 200; n += 1) {
    const keys = {
      accessKeyId: `AKIA${text(16).replaceAll(/[/+=]/g, 'A')}`,
      secretAccessKey: text(40),
      ...(chance.in(2) && { sessionToken: text(1 + chance.next(900)) }),
    };
    const host = chance.one([
      'dynamodb.eu-west-1.amazonaws.com',
      '127.0.0.1:8000',
      '123456789012.ddb.us-east-1.amazonaws.com',
    ]);
    const scope = {
      host,
      region: chance.one(['eu-west-1', 'local', 'us-gov-west-1']),
      service: 'dynamodb',
      contentType: 'application/x-amz-json-1.0',
    };
    const sign = signer(keys, scope);
    const sdk = new SignatureV4({
      credentials: keys,
      region: scope.region,
      service: 'dynamodb',
      sha256: Sha256,
      applyChecksum: false,
    });
    let now = 1_700_000_000_000 + chance.next(2_000_000_000);
    for (let request = 0; request < 5; request += 1) {
      now += chance.one([0, 10, 1_000, 86_400_000, -5_000]);
      const target = `DynamoDB_20120810.${chance.one(['GetItem', 'Query', 'Scan'])}`;
      const body = Buffer.from(
        JSON.stringify({ TableName: text(8), Key: { pk: { S: `写真${text(chance.next(300))}` } } }),
      );
      const signed = await sdk.sign(
        {
          method: 'POST',
          protocol: 'https:',
          hostname: host,
          path: '/',
          query: {},
          headers: { host, 'content-type': scope.contentType, 'x-amz-target': target },
          body,
        },
        { signingDate: new Date(now) },
      );
      const ours = sign(body, target, now);
      t.equal(ours.authorization, signed.headers.authorization);
      t.equal(ours.date, signed.headers['x-amz-date']);
    }
  }
});
