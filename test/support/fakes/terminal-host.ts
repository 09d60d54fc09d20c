/** A terminal over a host that the test plays, and viewers whose sockets it sees. */
import { Buffer } from 'node:buffer';
import type { TerminalCommand, TerminalHello, TerminalMessage } from '../../../core/api/terminals.ts';
import type { HostEvents } from '../../../agent/terminal/host-process.ts';
import { Terminal, type ViewerHandle } from '../../../agent/terminal/terminal.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';

export interface PlayedHost {
  clock: FakeClock;
  terminal: Terminal;
  /** The commands that the host received, other than pausing. */
  commands: string[];
  readonly isPaused: boolean;
  output(data: string | number): void;
  events: HostEvents['onEvent'];
  gone: HostEvents['onGone'];
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
  const clock = fakeClock();
  const sent: string[] = [];
  let isPaused = false;
  let options!: HostEvents;
  const terminal = new Terminal({
    id: 'id',
    name: 'name',
    agentId: null,
    command: 'shell',
    directory: '/',
    size: { cols: 80, rows: 24 },
    createdAt: clock.now(),
    clock,
    onChange() {},
    openHost(input) {
      options = input;
      return {
        input: (_client, _received, bytes) => sent.push(`input ${bytes}`),
        resize: (cols, rows) => sent.push(`resize ${cols}x${rows}`),
        repaint: () => sent.push('repaint'),
        hangup: () => sent.push('hangup'),
        pause: () => isPaused = true,
        resume: () => isPaused = false,
        describe: () => sent.push('describe'),
        detach: () => sent.push('detach'),
      };
    },
  });
  terminal.started.catch(() => {});
  options.onEvent({ kind: 'started', pid: 1 });
  return {
    clock,
    terminal,
    commands: sent,
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
        messages: () => viewer.sent.filter((entry): entry is TerminalMessage => !(entry instanceof Buffer)),
        bytes: () => Buffer.concat(viewer.sent.filter((entry): entry is Buffer => entry instanceof Buffer)),
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
