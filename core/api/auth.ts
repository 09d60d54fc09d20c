/** Login, sessions, devices, passkeys and pairing: REST bodies of /api/auth/*. Times are milliseconds since the Unix epoch. */
import { bool, parseField, text } from './schema.ts';

/** GET /api/auth/check */
export interface AuthCheck {
  /** True also where no login is needed. */
  authenticated: boolean;
  /** False: this server runs without a login and whoever reaches it may use it. */
  loginRequired: boolean;
  /** The browser came over TLS. */
  secure: boolean;
  /** When the login ends unless it is renewed; missing without a login. */
  expiresAt?: number;
  /** There is a passkey to log in with. */
  passkeys?: boolean;
}

/** One of GET /api/auth/sessions → { sessions } */
export interface SessionInfo {
  id: string;
  createdAt: number;
  lastSeenAt: number;
  expiresAt: number;
  address: string;
  /** "Safari on iPhone" */
  browser: string;
  /** The session that asks. */
  current: boolean;
  /** The device whose key renews it. */
  device?: string;
}

/** One of GET /api/auth/devices → { devices }: a device whose key renews its login. */
export interface DeviceInfo {
  id: string;
  name: string;
  createdAt: number;
  /** When its key was used last. */
  lastSeenAt: number;
  /** From where. */
  address: string;
  /** The device that asks. */
  current: boolean;
}

/** Reply of POST /api/auth/device */
export interface DeviceRegistration {
  device: DeviceInfo;
}

/** Body of POST /api/auth/device/renew */
export interface DeviceProof {
  device: string;
  /** Of POST /api/auth/device/challenge. */
  challenge: string;
  /** ECDSA with SHA-256, IEEE P1363, base64url, over `signedByDevice`. */
  signature: string;
}

const MAX_NAME = 60;
const MAX_TEXT = 500;

/** Body of POST /api/auth/device: the key, SubjectPublicKeyInfo, base64url. */
export const parseDeviceRegistration = (value: unknown): { publicKey: string } => ({
  publicKey: parseField(value, 'publicKey', text(MAX_TEXT, true)),
});
export const parseDeviceProof = (value: unknown): DeviceProof => ({
  device: parseField(value, 'device', text(MAX_TEXT, true)),
  challenge: parseField(value, 'challenge', text(MAX_TEXT, true)),
  signature: parseField(value, 'signature', text(MAX_TEXT, true)),
});
/** Body of PUT /api/auth/devices/:id */
export const parseDeviceName = (value: unknown): string => parseField(value, 'name', text(MAX_NAME, true)).trim();

/** What a device signs: names the purpose, so that no other signature of the key is one; the origin, so that no other site's is. */
export const signedByDevice = (origin: string, device: string, challenge: string): string =>
  `agent-monitor device key 1\n${origin}\n${device}\n${challenge}`;

/** POST /api/auth/pair: whoever posts the code to /api/auth/pair/claim first is logged in. */
export interface PairCode {
  code: string;
  /** By the relay's clock. */
  expiresAt: number;
  /** How long it is valid from now on, ms: what to count down by, whatever the clock of the device says. */
  lifetimeMs: number;
}

/** How long a pairing code is valid, ms. */
export const PAIR_MS = 60_000;

/** The dashboard's address that claims a pairing code; the code is behind `#`, so no server's log has it. */
export const pairLink = (origin: string, code: string): string => `${origin}/#/pair/${code}`;

/** Reply of GET /api/auth/passkeys */
export interface PasskeyList {
  passkeys: PasskeyInfo[];
  /** What cannot be taken back needs a passkey's confirmation. */
  stepUp: boolean;
}
export interface PasskeyInfo {
  id: string;
  name: string;
  /** The host that it is for. */
  rpId: string;
  createdAt: number;
  lastUsedAt: number;
}

/** What any authenticator answers; base64url. */
export interface PasskeyAnswer {
  id: string;
  clientDataJSON: string;
}
/** Of `navigator.credentials.create`. */
export interface PasskeyCreation extends PasskeyAnswer {
  attestationObject: string;
}
/** Of `navigator.credentials.get`: body of POST /api/auth/passkey/login and /api/auth/step-up. */
export interface PasskeyAssertion extends PasskeyAnswer {
  authenticatorData: string;
  signature: string;
}

/** Characters of one part of an answer. */
const MAX_ANSWER = 8192;
const answer = (value: unknown, name: string): string => parseField(value, name, text(MAX_ANSWER, true));

/** Body of POST /api/auth/passkeys */
export const parsePasskeyCreation = (value: unknown): PasskeyCreation & { name: string } => ({
  id: answer(value, 'id'),
  clientDataJSON: answer(value, 'clientDataJSON'),
  attestationObject: answer(value, 'attestationObject'),
  name: parseDeviceName(value),
});
export const parsePasskeyAssertion = (value: unknown): PasskeyAssertion => ({
  id: answer(value, 'id'),
  clientDataJSON: answer(value, 'clientDataJSON'),
  authenticatorData: answer(value, 'authenticatorData'),
  signature: answer(value, 'signature'),
});
/** Body of PUT /api/auth/step-up */
export const parseStepUpSwitch = (value: unknown): boolean => parseField(value, 'required', bool);
