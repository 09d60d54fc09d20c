/** Passkeys of this browser (WebAuthn level 3): login, confirmation, and a new one. What is wrong is said by a sentence. */
import type { PasskeyAssertion, PasskeyCreation } from '../../core/api/auth.ts';
import type { Api } from './api.ts';
import { decodeBase64Url, encodeBase64Url } from '../worker/base64url.ts';

/** Browsers have passkeys over https and for host names only, not for addresses. */
export const hasPasskeys = (): boolean =>
  isSecureContext && 'PublicKeyCredential' in globalThis && !/^[\d.]+$|^\[/.test(location.hostname);

interface Descriptor {
  type: 'public-key';
  id: string;
}
/** Options of the relay; what is bytes for the browser is base64url here. */
interface AssertionOptions {
  challenge: string;
  rpId: string;
  allowCredentials: Descriptor[];
  userVerification: UserVerificationRequirement;
}
interface CreationOptions {
  challenge: string;
  rp: PublicKeyCredentialRpEntity;
  user: { id: string; name: string; displayName: string };
  pubKeyCredParams: PublicKeyCredentialParameters[];
  excludeCredentials: Descriptor[];
  authenticatorSelection: AuthenticatorSelectionCriteria;
  attestation: AttestationConveyancePreference;
}

export async function logInByPasskey(api: Api): Promise<void> {
  const options = await api.post<AssertionOptions>('/api/auth/passkey/options');
  await api.post('/api/auth/passkey/login', await assertion(options));
}

/** Confirms what cannot be taken back, for the next minutes. */
export async function confirmByPasskey(api: Api): Promise<void> {
  const options = await api.post<AssertionOptions>('/api/auth/step-up/options');
  await api.post('/api/auth/step-up', await assertion(options));
}

export async function addPasskey(api: Api, name: string): Promise<void> {
  const options = await api.post<CreationOptions>('/api/auth/passkeys/options');
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...options,
    challenge: decodeBase64Url(options.challenge),
    user: { ...options.user, id: decodeBase64Url(options.user.id) },
    excludeCredentials: options.excludeCredentials.map(descriptor),
  };
  const { id, response } = await asked(navigator.credentials.create({ publicKey }));
  const { clientDataJSON, attestationObject } = response as AuthenticatorAttestationResponse;
  const answer: PasskeyCreation = {
    id,
    clientDataJSON: encodeBase64Url(clientDataJSON),
    attestationObject: encodeBase64Url(attestationObject),
  };
  await api.post('/api/auth/passkeys', { ...answer, name });
}

async function assertion(options: AssertionOptions): Promise<PasskeyAssertion> {
  const publicKey: PublicKeyCredentialRequestOptions = {
    ...options,
    challenge: decodeBase64Url(options.challenge),
    allowCredentials: options.allowCredentials.map(descriptor),
  };
  const { id, response } = await asked(navigator.credentials.get({ publicKey }));
  const { clientDataJSON, authenticatorData, signature } = response as AuthenticatorAssertionResponse;
  return {
    id,
    clientDataJSON: encodeBase64Url(clientDataJSON),
    authenticatorData: encodeBase64Url(authenticatorData),
    signature: encodeBase64Url(signature),
  };
}

const descriptor = ({ type, id }: Descriptor) => ({ type, id: decodeBase64Url(id) });

/** The browser does not say apart whether somebody refused, waited too long, or has no passkey. */
async function asked(request: Promise<Credential | null>): Promise<PublicKeyCredential> {
  const credential = await request.catch(() => null);
  if (!credential) throw new Error('No passkey was used.');
  return credential as PublicKeyCredential;
}
