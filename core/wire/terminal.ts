/**
 * Terminal socket, GET /api/terminals/:id/socket?offset=N (WebSocket). Output travels as binary messages, everything else as
 * JSON text. See ./SPEC.md, "Terminals". Browser-safe.
 */

/** Client → server. */
export type TerminalCommand =
  | { type: 'input'; data: string }
  /** Bytes of output that xterm.js has written to its screen: flow control. */
  | { type: 'ack'; offset: number }
  /** The size this viewer can show; `active: false` only watches and does not count for the size. */
  | { type: 'size'; cols: number; rows: number; active: boolean };

/** Server → client. A binary message is output that begins at the current offset. */
export type TerminalMessage =
  /**
   * reset: what follows starts with a repaint of the present screen, forget everything shown; else exactly the missing
   * bytes follow. `offset`: of the first live byte after the repaint, or of the first byte that follows.
   */
  | { type: 'attached'; offset: number; reset: boolean; cols: number; rows: number; repaint: string }
  | { type: 'size'; cols: number; rows: number }
  | { type: 'exit'; code: number; signal: number };
