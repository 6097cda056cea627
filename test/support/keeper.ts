/**
 * Holds one store for a whole test run: `keeper.ts mongo|dynamodb|unleash OWNER FILE` starts it, writes its address to FILE, and
 * stops it once the process OWNER is gone. See stores.ts.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDynamoDbLocal, startMongo } from '../../src/demo/services.ts';
import { startUnleash } from './unleash-server.ts';

const [kind, owner, file] = process.argv.slice(2) as [string, string, string];
const lines: string[] = [];
const log = (line: string) => lines.push(line);

let stop = async () => {};
try {
  if (kind === 'mongo') {
    const mongo = await startMongo({ log });
    stop = mongo.stop;
    await publish({ address: mongo.uri });
  } else if (kind === 'unleash') {
    const unleash = await startUnleash({ log });
    stop = unleash.stop;
    await publish({ address: unleash.url });
  } else {
    const dynamo = await startDynamoDbLocal({ log });
    stop = dynamo?.stop ?? stop;
    await publish(dynamo ? { address: dynamo.endpoint } : { absent: lines.join('\n') });
  }
} catch (error) {
  await publish({ failed: String(error) });
}
while (isAlive(Number(owner))) await sleep(100);
await stop();
await rm(dirname(file), { recursive: true, force: true });
process.exit();

async function publish(state: object): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify({ ...state, keeper: process.pid }));
  await rename(`${file}.new`, file);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
