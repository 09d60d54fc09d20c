/** Login, sessions and pairing: REST bodies of /api/auth/*. Times are milliseconds since the Unix epoch. */

/** GET /api/auth/check */
export interface AuthCheck {
  /** True also where no login is needed. */
  authenticated: boolean;
  /** False: this server runs without a login and whoever reaches it may use it. */
  loginRequired: boolean;
  /** The browser came over TLS. */
  secure: boolean;
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
}

/** POST /api/auth/pair: whoever posts the code to /api/auth/pair/claim first is logged in. */
export interface PairCode {
  code: string;
  expiresAt: number;
}

/** The dashboard's address that claims a pairing code; the code is behind `#`, so no server's log has it. */
export const pairLink = (origin: string, code: string): string => `${origin}/#/pair/${code}`;
