/** The page's connection and the terminal of the agent machine together: what is typed reaches the program once. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Buffer } from 'node:buffer';
import { parseHello } from '../../../core/api/terminals.ts';
import { MAX_CLIENTS } from '../../../agent/process/holder/input-ledger.ts';
import type { ViewerHandle } from '../../../agent/terminal/terminal.ts';
import type { RawSocket } from '../../../ui/net/reconnecting-socket.ts';
import { TerminalConnection } from '../../../ui/terminal/connection.ts';
import { type PlayedHost, playedHost } from '../../support/fakes/terminal-host.ts';

interface Page {
  connection: TerminalConnection;
  /** Cuts the connection; it comes back when time goes on. */
  cut(): void;
  /** What the terminal has said since the last time arrives at the page. */
  deliver(): void;
}

/** A page whose sockets lead to the terminal. `loses`: input is not delivered. */
function openPage(host: PlayedHost, client: string, way = { loses: false }): Page {
  let current: { socket: RawSocket; handle: ViewerHandle; deliver(): void } | null = null;
  const open = (query: string): RawSocket => {
    const viewer = host.view(parseHello(new URLSearchParams(query))!);
    const socket: RawSocket = {
      binaryType: '',
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (data) => void (way.loses || viewer.handle.message(typeof data === 'string' ? data : Buffer.from(data))),
      close: () => viewer.handle.closed(),
    };
    let delivered = 0;
    const deliver = () => {
      for (const message of viewer.messages().slice(delivered)) {
        delivered++;
        socket.onmessage?.({ data: JSON.stringify(message) });
      }
    };
    current = { socket, handle: viewer.handle, deliver };
    // As over a network: what the terminal says arrives after the page has its socket.
    host.clock.setTimeout(deliver, 1);
    return socket;
  };
  const connection = new TerminalConnection({
    client,
    open,
    onReset() {},
    onBytes() {},
    onSize() {},
    onExit() {},
    now: () => host.clock.now(),
    random: () => 1,
    setTimeout: (action, ms) => host.clock.setTimeout(action, ms) as never,
    clearTimeout: (timer) => host.clock.clearTimeout(timer),
  });
  connection.start({ cols: 80, rows: 24 }, true);
  host.events({ kind: 'repainted', offset: 0, bytes: Buffer.alloc(0) });
  host.clock.advance(1);
  const cut = () => {
    const { socket, handle } = current!;
    handle.closed();
    socket.onclose?.({ code: 1006 });
  };
  return { connection, cut, deliver: () => current!.deliver() };
}

const typed = (host: PlayedHost) =>
  host.commands.filter((command) => command.startsWith('input ')).map((command) => command.slice('input '.length)).join(
    '',
  );
const type = ({ connection }: Page, text: string) => assert.ok(connection.input(Buffer.from(text)));
/** Time in which a page comes back. */
const comeBack = (host: PlayedHost) => {
  host.clock.advance(20_000);
  host.events({ kind: 'repainted', offset: 0, bytes: Buffer.alloc(0) });
  host.clock.advance(1);
};

test('64 and more other page loads between: nothing is typed again', () => {
  const host = playedHost();
  const page = openPage(host, 'the-page');
  type(page, 'echo x>>n\r');
  host.events({ kind: 'consumed', bytes: 10 });
  page.cut();
  for (let i = 0; i < 2 * MAX_CLIENTS; i++) host.view({ client: `other-${i}`, offset: 0 }).handle.closed();
  for (let i = 0; i < 12; i++) {
    comeBack(host);
    page.cut();
  }
  comeBack(host);
  type(page, 'ls\r');
  assert.is(typed(host), 'echo x>>n\rls\r');
});

test('a page whose count was dropped goes on, and nothing is typed again', () => {
  const host = playedHost();
  const page = openPage(host, 'the-page');
  type(page, 'echo x>>n\r');
  host.events({ kind: 'consumed', bytes: 10 });
  page.cut();
  const others = Array.from({ length: MAX_CLIENTS }, (_, i) => host.view({ client: `typist-${i}`, offset: 0 }));
  for (const other of others) {
    other.handle.message(Buffer.from('.'));
    other.handle.closed();
  }
  type(page, 'after\r'); // while it is away
  for (let i = 0; i < 5; i++) {
    comeBack(host);
    page.cut();
  }
  comeBack(host);
  type(page, 'ls\r');
  assert.is(typed(host).replaceAll('.', ''), 'echo x>>n\rafter\rls\r');
  host.events({ kind: 'consumed', bytes: 1000 });
  page.deliver();
  assert.is(page.connection.unsent.value, 0);
});

test('input that was lost on its way is typed when the page comes back', () => {
  const host = playedHost();
  const way = { loses: true };
  const page = openPage(host, 'the-page', way);
  type(page, 'lost\r');
  page.cut();
  way.loses = false;
  comeBack(host);
  assert.is(typed(host), 'lost\r');
});

test.run();
