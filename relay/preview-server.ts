/** The port that previews have to themselves (RELAY_PREVIEW_PORT): no Host, path or login of the dashboard means anything there. */
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../core/http/server.ts';
import type { TlsFiles } from '../core/http/tls.ts';
import type { RelayConfig } from './config.ts';

export class PreviewServer {
  readonly #server: HttpServer | null;
  readonly #wanted: number;
  /** null: there is none, or it does not listen yet. */
  port: number | null = null;

  constructor({ previewDomain, previewPort }: RelayConfig, options: HttpServerOptions) {
    const isWanted = previewPort !== null && previewDomain === null;
    this.#wanted = previewPort ?? 0;
    this.#server = isWanted ? createHttpServer(options) : null;
  }

  /** Rejects with a sentence when the port cannot be used. */
  async listen(host: string | undefined): Promise<void> {
    if (this.#server) ({ port: this.port } = await this.#server.listen(this.#wanted, host));
  }

  async close(graceMs: number): Promise<void> {
    // A server that never listened has nothing to close.
    if (this.port !== null) await this.#server?.close(graceMs);
  }

  setTls(files: TlsFiles): void {
    this.#server?.setTls(files);
  }
}

/** `server`, whose certificate the previews' port has too. */
export const withSameTls = (server: HttpServer, previews: PreviewServer): HttpServer => ({
  listen: (port, host) => server.listen(port, host),
  close: (graceMs) => server.close(graceMs),
  setTls(files) {
    server.setTls(files);
    previews.setTls(files);
  },
});
