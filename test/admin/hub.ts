import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { createHub } from '../../src/admin/events.ts';
import { withNotes } from '../support/shadow.ts';

t.test('a listener that does not read is cut instead of kept for', async (t) => {
  const notes = await withNotes(t);
  const { reading } = notes.facade.app;
  // Each second all that there is: a megabyte, which no socket takes in.
  let n = 0;
  const parts = {
    ...reading.parts,
    flags: {
      ...reading.parts.flags,
      state: () => {
        n += 1;
        return { ...reading.parts.flags.state(), killFile: `${n} ${'x'.repeat(2_000_000)}` };
      },
    },
  };
  const hub = createHub({ ...reading, parts });
  t.teardown(hub.close);
  const caller = { who: 'slow', role: 'viewer', isValid: () => true } as const;
  let cut = false;
  const server = createServer(async (_request, response) => {
    const first = await hub.whole();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.on('close', () => {
      cut = true;
    });
    hub.add(response, caller, first);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const sent = httpRequest({ port, host: '127.0.0.1', agent: false }, (message) => void message.pause());
  sent.on('error', () => {});
  t.teardown(() => sent.destroy());
  sent.end();
  const deadline = Date.now() + 20_000;
  while (!cut && Date.now() < deadline) await sleep(50);
  t.ok(cut);
  t.equal(hub.size(), 0);
});
