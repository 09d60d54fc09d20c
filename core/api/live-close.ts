// In a file of its own: the dashboard's first load needs these and not the parsers beside the messages.

/** Close codes of the live feed (RFC 6455 section 7.4.2: 4000-4999 is for private use). */
export const LIVE_CLOSE = {
  /** Signed out or the session was revoked: show the login page. */
  signedOut: 4401,
  /** Read too slowly: reconnect and resync. */
  slow: 4408,
  /** The server is going down and will be back. */
  restart: 4503,
} as const;
