/** Values of HOST with which the server listens on 127.0.0.1, too. */
const ANY_HOST = new Set(['', 'localhost', '127.0.0.1', '::1', '0.0.0.0', '::']);

/** Where programs on this machine reach the server. */
export function localOriginOf(host: string, port: number): string {
  const name = ANY_HOST.has(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
