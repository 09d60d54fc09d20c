/** The key of this program as a device of a relay: with it the login is renewed. See core/auth/SPEC.md, "Devices". */
import { Buffer } from 'node:buffer';
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { type DeviceProof, signedByDevice } from '../../core/api/auth.ts';

export interface DeviceKey {
  /** The relay's name for it. */
  id: string;
  /** PKCS #8, DER, base64url. */
  key: string;
}

/** A new P-256 key. `publicKey`: SubjectPublicKeyInfo, DER, base64url. */
export function createKey(): { key: string; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
    publicKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64url'),
  };
}

/** Proves the key to the relay at this origin, and to no other. */
export function proofOf(origin: string, { id, key }: DeviceKey, challenge: string): DeviceProof {
  const der = Buffer.from(key, 'base64url');
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const text = Buffer.from(signedByDevice(origin, id, challenge));
  const signature = sign('sha256', text, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return { device: id, challenge, signature: signature.toString('base64url') };
}
