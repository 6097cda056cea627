import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export interface Certified {
  readonly cert: string;
  readonly key: string;
}

interface Wish {
  readonly name: string;
  /** DNS names. */
  readonly names?: readonly string[];
  /** Without one it signs itself. */
  readonly by?: Certified;
  /** Days from now; default a year. */
  readonly until?: number;
}

const DAY = 86_400_000;

/** A certificate with a key of its own, as PEM. */
export function certify({ name, names = [], by, until = 365 }: Wish): Certified {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(pair.publicKey);
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(8))}`;
  certificate.validity.notBefore = new Date(Date.now() - 2 * DAY);
  certificate.validity.notAfter = new Date(Date.now() + until * DAY);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  const issuer = by === undefined ? undefined : forge.pki.certificateFromPem(by.cert);
  certificate.setIssuer(issuer?.subject.attributes ?? [{ name: 'commonName', value: name }]);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: by === undefined, critical: true },
    ...(names.length === 0 ? [] : [{ name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) }]),
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(by?.key ?? pair.privateKey), forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: pair.privateKey };
}
