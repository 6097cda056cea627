import { request } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { type Certified, certify } from '../support/certificates.ts';
import { withEcho } from '../support/echo.ts';
import { note, withNotes } from '../support/shadow.ts';

const ca = certify({ name: 'Our CA' });
const own = certify({ name: 'facade', names: ['facade.internal'], by: ca });
const gateway = certify({ name: 'gateway', names: ['gateway.internal', 'other.internal'], by: ca });
const colleague = certify({ name: 'gateway.internal', names: ['web.internal'], by: ca });
const wildcard = certify({ name: 'w', names: ['*.internal'], by: ca });
const expired = certify({ name: 'gateway', names: ['gateway.internal'], by: ca, until: -1 });
const stranger = certify({ name: 'gateway', names: ['gateway.internal'], by: certify({ name: 'Our CA' }) });
const itself = certify({ name: 'gateway', names: ['gateway.internal'] });

const files = t.testdir({ 'ca.pem': ca.cert, 'cert.pem': own.cert, 'key.pem': own.key });

const tls = (url: string, client: Certified | undefined) => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port), ca: ca.cert, servername: 'facade.internal', ...client };
};

function ask(url: string, path: string, client: Certified | undefined): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const message = request(
      { ...tls(url, client), path, headers: { 'x-tenant-id': 'acme' }, agent: false },
      (reply) => {
        let text = '';
        reply.on('data', (chunk) => {
          text += chunk;
        });
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
      },
    );
    message.on('error', reject).end();
  });
}

async function withGateway(t: Test, proof: string) {
  const legacy = await withEcho(t, (_, reply) => void reply.end('from legacy'));
  const notes = await withNotes(t, {
    stage: 'complete',
    more: `auth: { mode: 'gateway', proof: ${proof} },`,
    env: {
      LEGACY_URL: legacy.url,
      TLS_CERT_FILE: join(files, 'cert.pem'),
      TLS_KEY_FILE: join(files, 'key.pem'),
      TLS_CLIENT_CA_FILE: join(files, 'ca.pem'),
    },
  });
  await notes.put([note('one')]);
  return notes.facade;
}

t.test('a certificate of our authority', async (t) => {
  const facade = await withGateway(t, `'mtls'`);
  t.match(facade.url, /^https:/);
  for (const client of [gateway, colleague]) t.equal((await ask(facade.url, '/notes/one', client)).status, 200);
  for (const client of [undefined, expired, stranger, itself])
    t.equal((await ask(facade.url, '/notes/one', client)).status, 401);
  t.match(await ask(facade.url, '/elsewhere', undefined), { status: 200, text: 'from legacy' }, 'legacy guards itself');
});

t.test('of one of these names', async (t) => {
  const facade = await withGateway(t, `{ mtls: ['gateway.internal', 'x.internal'] }`);
  t.equal((await ask(facade.url, '/notes/one', gateway)).status, 200);
  for (const client of [colleague, wildcard, stranger, itself, undefined])
    t.equal((await ask(facade.url, '/notes/one', client)).status, 401);
});

/** The reply's status line, and the session for the next connection. */
function resumed(
  url: string,
  client: Certified | undefined,
  session: Buffer | undefined,
  maxVersion: 'TLSv1.2' | 'TLSv1.3',
) {
  return new Promise<{ line: string; session: Buffer | undefined; reused: boolean }>((resolve, reject) => {
    let [text, last]: [string, Buffer | undefined] = ['', undefined];
    const socket: TLSSocket = connect({
      ...tls(url, client),
      maxVersion,
      ...(session === undefined ? {} : { session }),
    });
    let reused = false;
    socket.on('secureConnect', () => {
      reused = socket.isSessionReused();
    });
    socket.on('session', (one) => {
      last = one;
    });
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve({ line: text.split('\r\n')[0] ?? '', session: last, reused }));
    socket.write('GET /notes/one HTTP/1.1\r\nHost: x\r\nX-Tenant-Id: acme\r\nConnection: close\r\n\r\n');
  });
}

t.test('a session that is resumed proves what it proved when it began', async (t) => {
  const facade = await withGateway(t, `'mtls'`);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [client, status] of [
      [undefined, 401],
      [itself, 401],
      [stranger, 401],
      [gateway, 200],
    ] as const) {
      const first = await resumed(facade.url, client, undefined, version);
      const second = await resumed(facade.url, client, first.session, version);
      // OpenSSL may end a connection itself whose certificate has a forged signature.
      const said = client === stranger ? /^$| 401 / : new RegExp(` ${status} `);
      t.match([first.line, second.line], [said, said], version);
      if (client !== stranger) t.equal(second.reused, true);
      if (client !== stranger) t.ok(first.session !== undefined, 'there was a session to go on with');
      if (first.session !== undefined && client === undefined)
        t.match(
          (await resumed(facade.url, gateway, first.session, version)).line,
          /HTTP/,
          'nor does a later one change it',
        );
    }
  }
});
