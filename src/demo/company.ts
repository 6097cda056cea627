import { DescribeTableCommand, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import closeWithGrace from 'close-with-grace';
import { startLegacyReader } from './legacy-reader.ts';
import { makeSeed } from './seed.ts';
import { demoDynamoDb, fillDynamoDb, fillMongoDb } from './stores.ts';
import { startSync } from './sync.ts';

/**
 * A program: what a company has before there is a façade, in front of stores that stand elsewhere (`deploy/compose.yaml`).
 * Fills both where the table is not there yet, carries writes from one to the other, and is the legacy service on HOST:PORT.
 */
const { AWS_ENDPOINT_URL_DYNAMODB: endpoint, MONGODB_URI: mongodbUri, HOST: host, PORT: port } = process.env;
if (!endpoint || !mongodbUri || !host || !port) {
  console.error('AWS_ENDPOINT_URL_DYNAMODB, MONGODB_URI, HOST and PORT must be set');
  process.exit(2);
}

if (!(await isFilled(endpoint))) {
  const seed = makeSeed();
  // The table is what says that both are filled: it comes last.
  await fillMongoDb(mongodbUri, seed);
  await fillDynamoDb(endpoint, seed);
}
const sync = startSync({ endpoint, mongodbUri });
const legacy = await startLegacyReader({ endpoint, onWrite: sync.onWrite, listen: { host, port: Number(port) } });
console.log(`legacy listens on ${legacy.url}`);
closeWithGrace({ delay: 5_000 }, async () => {
  await legacy.stop();
  await sync.stop();
});

async function isFilled(endpoint: string): Promise<boolean> {
  const client = demoDynamoDb(endpoint);
  try {
    await client.send(new DescribeTableCommand({ TableName: 'photos' }));
    return true;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  } finally {
    client.destroy();
  }
}
