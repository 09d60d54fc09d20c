/**
 * The page's own terminal connection (ui/terminal/connection.ts) outside of a browser: over a real WebSocket, through relay and tunnel, with
 * a screen that keeps every byte. What it keeps is what xterm.js would have been given.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { type Connection, dial } from '../../../core/websocket/mod.ts';
import type { RawSocket } from '../../../ui/net/reconnecting-socket.ts';
import { type Size, TerminalConnection } from '../../../ui/terminal/connection.ts';

export interface PageViewer {
  readonly connection: TerminalConnection;
  /** Output since the last reset. */
  bytes(): Buffer;
  /** The last bytes, decoded. */
  tail(): string;
  readonly resets: number;
  readonly exit: { code: number; signal: number } | null;
  type(text: string): void;
  /** Resolves when the tail of the output matches. */
  sees(pattern: RegExp, ms?: number): Promise<void>;
  close(): void;
}

const TAIL = 64 * 1024;
let clients = 0;

/** @param origin ws://host:port, read before every connection. @param showMs how slow the screen is, per message */
export function pageViewer(
  origin: () => string,
  id: string,
  options: { headers?: Record<string, string>; size?: Size; showMs?: number } = {},
): PageViewer {
  const { headers = {}, size = { cols: 80, rows: 24 }, showMs = 0 } = options;
  let parts: Buffer[] = [];
  let tail = Buffer.alloc(0);
  let resets = 0;
  let exit: { code: number; signal: number } | null = null;
  const watchers = new Set<() => void>();
  const look = () => watchers.forEach((watcher) => watcher());
  const connection = new TerminalConnection({
    client: `page-viewer-${process.pid}-${++clients}`,
    open: (query) => new NodeSocket(`${origin()}/api/terminals/${id}/socket?${query}`, headers),
    onReset() {
      resets++;
      parts = [];
      tail = Buffer.alloc(0);
    },
    onBytes(bytes, offset) {
      if (offset !== null) parts.push(Buffer.from(bytes));
      tail = Buffer.concat([tail, bytes]).subarray(-TAIL);
      const shown = () => offset !== null && connection.shown(offset);
      if (showMs) setTimeout(shown, showMs);
      else shown();
      look();
    },
    now: () => Date.now(),
    onSize() {},
    onExit(code, signal) {
      exit = { code, signal };
      look();
    },
    random: Math.random,
    setTimeout: (action, ms) => setTimeout(action, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  });
  connection.start(size, true);
  return {
    connection,
    bytes: () => Buffer.concat(parts),
    tail: () => tail.toString(),
    get resets() {
      return resets;
    },
    get exit() {
      return exit;
    },
    type: (text) => void connection.input(Buffer.from(text)),
    sees: (pattern, ms = 20_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watcher);
          reject(new Error(`not seen: ${pattern}, ${connection.phase.value}\n${tail.toString().slice(-400)}`));
        }, ms);
        const watcher = () => {
          if (!pattern.test(tail.toString())) return;
          clearTimeout(timer);
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
    close: () => connection.stop(),
  };
}

/** The part of a browser's WebSocket that is used. */
class NodeSocket implements RawSocket {
  binaryType = 'arraybuffer';
  onopen: RawSocket['onopen'] = null;
  onmessage: RawSocket['onmessage'] = null;
  onclose: RawSocket['onclose'] = null;
  #connection: Connection | null = null;
  #isClosed = false;

  constructor(url: string, headers: Record<string, string>) {
    dial(url, { headers, heartbeat: { pingMs: 5000, deadMs: 15_000 } }).then((connection) => {
      if (this.#isClosed) return connection.terminate();
      this.#connection = connection;
      connection.onmessage = (data) => {
        const isText = typeof data === 'string';
        this.onmessage?.({ data: isText ? data : data.buffer.slice(data.byteOffset, data.byteOffset + data.length) });
      };
      connection.onclose = (code) => this.onclose?.({ code });
    }, () => this.onclose?.({ code: 1006 }));
  }

  send(data: string | Uint8Array): void {
    this.#connection?.send(data);
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close(1000, '');
  }
}
