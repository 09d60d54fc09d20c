/**
 * One terminal's socket, which comes back by itself: output goes on at the byte where it stopped, input is kept until the
 * server has it and sent once. The rules are in core/wire/TERMINAL.md. Knows nothing of the screen.
 */
import { helloQuery, INPUT_WINDOW, TERMINAL_CHUNK, TERMINAL_CLOSE } from '../../core/wire/terminal.ts';
import type { TerminalCommand, TerminalMessage } from '../../core/wire/terminal.ts';
import { cell } from '../cell.ts';
import type { Cell, Timer } from '../cell.ts';

/** Output is acknowledged in steps of this many bytes, and whenever all of it is shown. */
export const ACK_STEP = 32 * 1024;
/** Input that waits for the server, bytes; what is typed or pasted beyond is refused. */
export const INPUT_LIMIT = 8 * 1024 * 1024;
/** A try to connect that has not been answered by then is given up; ms. */
export const ATTACH_DEADLINE = 10_000;
/** A try that is older than this when the page wakes up may be one of before: another is made; ms. */
const OLD_TRY = 1_000;
/** Told that the way is broken, it believes so when the server says nothing for this long; ms. */
export const DOUBT = 2_000;
const FIRST_RETRY = 300;
export const MAX_RETRY = 10_000;

export interface Size {
  cols: number;
  rows: number;
}

/** `up`: attached. `gone`: closed for good. */
export type Phase = 'connecting' | 'up' | 'waiting' | 'gone';

export interface TerminalSocket {
  binaryType: string;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface LinkDeps {
  open(query: string): TerminalSocket;
  /** Random, new for every page. */
  client: string;
  /** Forget what is shown; what draws the present screen follows. */
  onReset(size: Size): void;
  /** Bytes for the screen; call `shown(offset)` when they are on it. A repaint has no offset. */
  onBytes(bytes: Uint8Array, offset: number | null): void;
  onSize(size: Size): void;
  onExit(code: number, signal: number): void;
  now(): number;
  random(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

export interface TerminalLink {
  readonly phase: Cell<Phase>;
  /** Bytes of input that wait for the server. */
  readonly unsent: Cell<number>;
  start(size: Size, active: boolean): void;
  stop(): void;
  /** false: too much waits already, nothing was taken. */
  input(bytes: Uint8Array): boolean;
  resize(size: Size, active: boolean): void;
  shown(offset: number): void;
  /** The device woke up or the network came back. */
  wake(): void;
  /** The way to the machine is broken, which this socket may not have noticed: a terminal asks nothing that must be answered. */
  lost(): void;
}

export function createLink(deps: LinkDeps): TerminalLink {
  const phase = cell<Phase>('connecting');
  const unsent = cell(0);
  let socket: TerminalSocket | null = null;
  let timer: Timer | null = null;
  let failures = 0;
  let triedAt = 0;
  let wanted = { cols: 80, rows: 24, active: true };
  /** Bytes received; null until the first attach. */
  let offset: number | null = null;
  let acked = 0;
  let painting = 0;
  /** Input not acknowledged: `queue` begins at byte `taken`; up to `sent` it is on its way. */
  const queue: Uint8Array[] = [];
  let taken = 0;
  let sent = 0;
  let isOver = false;

  const tell = (command: TerminalCommand) => phase.get() === 'up' && socket?.send(JSON.stringify(command));
  const arm = (action: () => void, ms: number) => {
    if (timer !== null) deps.clearTimeout(timer);
    timer = deps.setTimeout(action, ms);
  };
  const disarm = () => {
    if (timer !== null) deps.clearTimeout(timer);
    timer = null;
  };

  function connect(): void {
    drop();
    // Of a repaint that was cut short nothing is left to go on from.
    if (painting > 0) offset = null;
    painting = 0;
    triedAt = deps.now();
    phase.set('connecting');
    const made = deps.open(helloQuery({ client: deps.client, offset, ...wanted }));
    made.binaryType = 'arraybuffer';
    made.onmessage = ({ data }) => made === socket && heard(data);
    made.onclose = ({ code }) => made === socket && onClose(code);
    socket = made;
    arm(retry, ATTACH_DEADLINE);
  }

  /** Lets go of the socket; its late events mean nothing. */
  function drop(): void {
    disarm();
    const old = socket;
    socket = null;
    old?.close();
  }

  function retry(): void {
    drop();
    if (isOver) return phase.set('gone');
    phase.set('waiting');
    const delay = Math.min(MAX_RETRY, FIRST_RETRY * 2 ** failures++);
    arm(connect, delay * (0.5 + deps.random() / 2));
  }

  function onClose(code: number): void {
    if (code === TERMINAL_CLOSE.gone) isOver = true;
    retry();
  }

  function heard(data: string | ArrayBuffer): void {
    // It was in doubt, and is not.
    if (phase.get() === 'up') disarm();
    if (typeof data === 'string') onText(data);
    else onData(data);
  }

  function onText(text: string): void {
    const message = JSON.parse(text) as TerminalMessage;
    switch (message.type) {
      case 'attached':
        return onAttached(message);
      case 'size':
        return deps.onSize({ cols: message.cols, rows: message.rows });
      case 'input':
        return onTaken(message.offset);
      case 'exit':
        return deps.onExit(message.code, message.signal);
    }
  }

  function onAttached(message: Extract<TerminalMessage, { type: 'attached' }>): void {
    const { cols, rows } = message;
    if (message.reset) deps.onReset({ cols, rows });
    else deps.onSize({ cols, rows });
    painting = message.repaint;
    offset = acked = message.offset;
    if (phase.get() === 'up') return; // in mid-connection: only the screen begins anew
    disarm();
    failures = 0;
    onTaken(message.input);
    sent = message.input;
    phase.set('up');
    tell({ type: 'size', ...wanted });
    flush();
  }

  function onData(data: ArrayBuffer): void {
    const bytes = new Uint8Array(data);
    if (painting > 0) {
      painting -= bytes.length;
      return deps.onBytes(bytes, null);
    }
    offset! += bytes.length;
    deps.onBytes(bytes, offset);
  }

  function onTaken(end: number): void {
    let count = end - taken;
    taken = Math.max(taken, end);
    while (count > 0 && queue.length) {
      const first = queue[0]!;
      if (first.length > count) queue[0] = first.subarray(count);
      else queue.shift();
      count -= first.length;
    }
    unsent.set(queue.reduce((n, part) => n + part.length, 0));
    flush();
  }

  /** Sends input as far as the window goes. */
  function flush(): void {
    if (phase.get() !== 'up') return;
    let at = taken;
    for (const part of queue) {
      const end = at + part.length;
      while (sent < end && sent < taken + INPUT_WINDOW) {
        const from = sent - at;
        const piece = part.slice(from, from + Math.min(TERMINAL_CHUNK, taken + INPUT_WINDOW - sent));
        socket!.send(piece as Uint8Array<ArrayBuffer>);
        sent += piece.length;
      }
      at = end;
    }
  }

  return {
    phase,
    unsent,
    start(size, active) {
      wanted = { ...size, active };
      connect();
    },
    stop() {
      isOver = true;
      drop();
    },
    input(bytes) {
      if (!bytes.length) return true;
      if (unsent.get() + bytes.length > INPUT_LIMIT || phase.get() === 'gone') return false;
      queue.push(bytes);
      unsent.set(unsent.get() + bytes.length);
      flush();
      return true;
    },
    resize(size, active) {
      if (size.cols === wanted.cols && size.rows === wanted.rows && active === wanted.active) return;
      wanted = { ...size, active };
      tell({ type: 'size', ...wanted });
    },
    shown(end) {
      // Of a screen that was reset meanwhile: the server does not count those any more.
      if (offset === null || end > offset || end <= acked) return;
      if (end - acked < ACK_STEP && end !== offset) return;
      acked = end;
      tell({ type: 'ack', offset: end });
    },
    wake() {
      const isOld = phase.get() === 'connecting' && deps.now() - triedAt >= OLD_TRY;
      if (phase.get() !== 'waiting' && !isOld) return;
      failures = 0;
      connect();
    },
    lost() {
      if (phase.get() === 'up') arm(retry, DOUBT);
    },
  };
}
