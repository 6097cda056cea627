import { createHash, hkdfSync } from 'node:crypto';
import { EncryptJWT, errors, type JWTPayload, jwtDecrypt } from 'jose';

/** Data that leaves this process and comes back: nobody else can read, make or change it, and it ends. */
export interface Sealing {
  /** `kind` keeps what was sealed for one thing from being used for another. */
  seal(kind: string, payload: JWTPayload, seconds: number): Promise<string>;
  /** `undefined` for what was not sealed so, or has ended. */
  open(kind: string, text: string): Promise<JWTPayload | undefined>;
}

/** The first secret seals, all open; with the same secrets several replicas open each other's. */
export function createSealing(secrets: readonly string[]): Sealing {
  const keys = secrets.map(keyOf);
  const byId = new Map(keys.map(({ id, key }) => [id, key]));
  const [first] = keys as [Key];
  return Object.freeze<Sealing>({
    seal: (kind, payload, seconds) =>
      new EncryptJWT(payload)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: first.id })
        .setAudience(kind)
        .setExpirationTime(Math.floor(Date.now() / 1000) + seconds)
        .encrypt(first.key),
    async open(kind, text) {
      try {
        const { payload } = await jwtDecrypt(text, ({ kid }) => knownKey(byId, kid), {
          ...{ audience: kind, requiredClaims: ['exp'] },
          ...{ keyManagementAlgorithms: ['dir'], contentEncryptionAlgorithms: ['A256GCM'] },
        });
        return payload;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  });
}

interface Key {
  readonly id: string;
  readonly key: Uint8Array;
}

function keyOf(secret: string): Key {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'crossfade admin', 32));
  return { id: createHash('sha256').update(key).digest('base64url').slice(0, 8), key };
}

function knownKey(keys: ReadonlyMap<string, Uint8Array>, id: string | undefined): Uint8Array {
  const key = keys.get(id ?? '');
  if (key === undefined) throw new errors.JWEDecryptionFailed();
  return key;
}
