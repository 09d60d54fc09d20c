/** A terminal over a host that the test plays, and viewers whose sockets it sees. */
import { Buffer } from 'node:buffer';
import type { TerminalCommand, TerminalHello, TerminalMessage } from '../../core/wire/terminal.ts';
import type { HostOptions } from '../../agent/terminal/process.ts';
import { Terminal, type ViewerHandle } from '../../agent/terminal/terminal.ts';
import { type HandClock, handClock } from './hand-clock.ts';

export interface PlayedHost {
  clock: HandClock;
  terminal: Terminal;
  /** What the host was told, other than pausing. */
  told: string[];
  readonly isPaused: boolean;
  output(data: string | number): void;
  events: HostOptions['onEvent'];
  gone: HostOptions['onGone'];
  view(hello?: Partial<TerminalHello>): PlayedViewer;
}

export interface PlayedViewer {
  handle: ViewerHandle;
  sent: (TerminalMessage | Buffer)[];
  closed: number | null;
  /** send() gives false. */
  isFull: boolean;
  say(command: TerminalCommand): void;
  messages(): TerminalMessage[];
  bytes(): Buffer;
}

let viewers = 0;

export function playedHost(): PlayedHost {
  const clock = handClock();
  const told: string[] = [];
  let isPaused = false;
  let options!: HostOptions;
  const terminal = new Terminal({
    id: 'id',
    name: 'name',
    agentId: null,
    command: 'shell',
    launch: { file: 'sh', args: [], cwd: '/', env: {}, cols: 80, rows: 24 },
    clock,
    onChange() {},
    startHost(given) {
      options = given;
      return {
        input: (bytes) => told.push(`input ${bytes}`),
        resize: (cols, rows) => told.push(`resize ${cols}x${rows}`),
        repaint: () => told.push('repaint'),
        hangup: () => told.push('hangup'),
        pause: () => isPaused = true,
        resume: () => isPaused = false,
      };
    },
  });
  terminal.started.catch(() => {});
  options.onEvent({ kind: 'started', pid: 1 });
  return {
    clock,
    terminal,
    told,
    get isPaused() {
      return isPaused;
    },
    output: (data) =>
      options.onEvent({
        kind: 'output',
        bytes: typeof data === 'string' ? Buffer.from(data) : Buffer.alloc(data, 'x'),
      }),
    events: (event) => options.onEvent(event),
    gone: (text) => options.onGone(text),
    view(hello = {}) {
      const viewer: PlayedViewer = {
        sent: [],
        closed: null,
        isFull: false,
        handle: null as never,
        say: (command) => viewer.handle.message(JSON.stringify(command)),
        messages: () => viewer.sent.filter((one): one is TerminalMessage => !(one instanceof Buffer)),
        bytes: () => Buffer.concat(viewer.sent.filter((one): one is Buffer => one instanceof Buffer)),
      };
      viewer.handle = terminal.attach({
        send(data) {
          viewer.sent.push(typeof data === 'string' ? JSON.parse(data) : Buffer.from(data));
          return !viewer.isFull;
        },
        close: (code) => viewer.closed = code,
      }, { client: `viewer-${++viewers}`, offset: null, cols: 80, rows: 24, active: true, ...hello });
      return viewer;
    },
  };
}
