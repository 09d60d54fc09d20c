/** Which transport the relays of a test process use: plain, until a suite chooses TLS. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { TLS_CERT, TLS_KEY } from '../harness/websocket-tls.ts';
import { HTTP_TRANSPORTS, type HttpTransport } from './http-transports.ts';

let chosen: HttpTransport = HTTP_TRANSPORTS[0]!;
let files: { cert: string; key: string } | null = null;

export const transport = (): HttpTransport => chosen;

/** A `*.tls.test.ts` file calls it before it loads its suite. Clients of this process then accept the tests' certificate. */
export function useTransport(name: HttpTransport['name']): void {
  chosen = HTTP_TRANSPORTS.find((each) => each.name === name)!;
  if (name === 'TLS') {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    endByExit();
  } else delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
}

/**
 * Ends this process by exit() once it has nothing left to do. Node 20 can spin for ever in its own cleanup after TLS sockets
 * (Environment::CleanupHandles), where exit() does not go.
 */
export function endByExit(): void {
  process.once('beforeExit', () => process.exit());
}

export const isTls = (): boolean => chosen.name === 'TLS';

/** The origin of a server of this transport with this Host. */
export const originOf = (host: string): string => `${isTls() ? 'https' : 'http'}://${host}`;
/** The same at 127.0.0.1. */
export const originAt = (port: number): string => originOf(`127.0.0.1:${port}`);

/** The address of a WebSocket there. */
export const webSocketAt = (port: number, path: string): string => originAt(port).replace('http', 'ws') + path;

/** The tests' certificate as files; null for plain. They are removed when the process ends. */
export function tlsFiles(): { cert: string; key: string } | null {
  if (!chosen.options.tls) return null;
  if (files) return files;
  const directory = mkdtempSync(join(tmpdir(), 'tls-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  writeFileSync(files.cert, TLS_CERT);
  writeFileSync(files.key, TLS_KEY);
  return files;
}
