/** What every TLS listener here offers, and its certificates. */
import type { Buffer } from 'node:buffer';
import type { SecureContext, TlsOptions, TLSSocket } from 'node:tls';

export interface TlsFiles {
  /** PEM, with the chain. */
  cert: string | Buffer;
  key: string | Buffer;
}

/** Certificates beside the ordinary one, for clients that ask for another protocol than HTTP (RFC 7301). */
export interface TlsProtocol {
  name: string;
  /** @param serverName '' when the client names none. @returns null: this client gets no connection by this protocol */
  contextFor(serverName: string): SecureContext | null;
}

/**
 * TLS 1.3's suites, and of TLS 1.2's those with forward secrecy and authenticated encryption (RFC 9325 section 4.2). With
 * an RSA certificate node's own list has RSA key exchange and CBC, too.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** For createServer and setSecureContext. @param other for createServer, when another protocol is spoken beside HTTP */
export const secureOptions = ({ cert, key }: TlsFiles, other?: TlsProtocol): TlsOptions => ({
  cert,
  key,
  ciphers: CIPHERS,
  minVersion: 'TLSv1.2',
  ...(other ? { ALPNCallback: chooseProtocol(other) } : {}),
});

/** Called before the certificate is sent, so that this connection alone gets the other one. */
function chooseProtocol(other: TlsProtocol): NonNullable<TlsOptions['ALPNCallback']> {
  return function (this: unknown, { servername, protocols }) {
    if (!protocols.includes(other.name)) return protocols.includes('http/1.1') ? 'http/1.1' : undefined;
    const context = other.contextFor(servername || '');
    if (!context) return undefined;
    (this as TLSSocket).setKeyCert(context);
    return other.name;
  };
}
