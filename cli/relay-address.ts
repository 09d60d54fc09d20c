/** The relay's address as people type it. */
import { CommandError, EXIT } from './exit-codes.ts';

const SCHEMES: Record<string, string> = { 'http:': 'ws:', 'https:': 'wss:', 'ws:': 'ws:', 'wss:': 'wss:' };

/**
 * @param text `relay.example.org`, `https://relay.example.org`, `wss://relay.example.org/tunnel` …; without a scheme wss
 * @returns what RELAY_URL takes
 * @throws CommandError with a sentence
 */
export function tunnelUrl(text: string): string {
  const wrong = new CommandError(
    `"${text}" is no address of a relay: give one such as https://relay.example.org.`,
    EXIT.usage,
  );
  const typed = text.trim();
  if (!typed || /\s/.test(typed)) throw wrong;
  const address = /^[a-z]+:\/\//i.test(typed) ? typed : `wss://${typed}`;
  if (!URL.canParse(address)) throw wrong;
  const url = new URL(address);
  const protocol = SCHEMES[url.protocol];
  if (!protocol || !url.hostname || url.username || url.password) throw wrong;
  return `${protocol}//${url.host}${url.pathname === '/' ? '/tunnel' : url.pathname}`;
}

/** The dashboard's origin at the relay that RELAY_URL names. */
export function dashboardOrigin(relayUrl: string): string {
  const { protocol, host } = new URL(relayUrl);
  return `${protocol === 'wss:' || protocol === 'https:' ? 'https' : 'http'}://${host}`;
}
