/** What a peer that has not proven the token can make the other end store, over a real WebSocket. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CLOSE, HANDSHAKE_SIZE, MAX_RECORD, MAX_UNPROVEN } from '../../../core/tunnel/limits.ts';
import { Handshake } from '../../../core/tunnel/noise.ts';
import { TunnelSession, type TunnelSessionEnd } from '../../../core/tunnel/session.ts';
import type { MessageSocket } from '../../../core/tunnel/socket.ts';
import { acceptSocket, dial } from '../../../core/websocket/mod.ts';
import { ask, PSK, socketTransport, tunnelPair, until } from '../../support/harness/tunnel-pair.ts';

const LIMITS = { message: MAX_RECORD, fragments: 1 };

interface Stranger {
  socket: Socket;
  /** Close code that the relay sent; null: none yet. */
  closed(): number | null;
  end(): TunnelSessionEnd | null;
}

/** The relay's end of a tunnel on a real socket, and a stranger at the other end that writes WebSocket frames by hand. */
async function stranger(use: (peer: Stranger) => Promise<void>): Promise<void> {
  let end: TunnelSessionEnd | null = null;
  const server: Server = createServer().on('upgrade', (req, socket, head) => {
    const connection: MessageSocket = acceptSocket(req, socket, head, { limits: LIMITS, zeroCopy: true })!;
    new TunnelSession({
      socket: connection,
      role: 'relay',
      psk: PSK,
      hello: { name: 'relay', version: '1' },
      onEstablished: () => {},
      onClose: (why) => end = why,
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let received = Buffer.alloc(0);
  socket.on('data', (chunk) => received = Buffer.concat([received, chunk])).on('error', () => {});
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await until(() => received.includes('\r\n\r\n'));
  const closed = () => {
    // Close frames of the relay are short and unmasked; nothing else that it sends contains this header and a code.
    const at = received.lastIndexOf(0x88);
    return at > received.indexOf('\r\n\r\n') && received.length >= at + 4 ? received.readUInt16BE(at + 2) : null;
  };
  try {
    await use({ socket, closed, end: () => end });
  } finally {
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** The header of a masked binary frame (RFC 6455 section 5.2) that announces so many bytes. The mask is zero. */
function header(length: number): Buffer {
  const bytes = Buffer.alloc(length < 65_536 ? 8 : 14);
  bytes[0] = 0x82;
  bytes[1] = 0x80 | (length < 65_536 ? 126 : 127);
  if (length < 65_536) bytes.writeUInt16BE(length, 2);
  else bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}
const frame = (payload: Uint8Array) =>
  payload.length < 126
    ? Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload])
    : Buffer.concat([header(payload.length), payload]);

for (const length of [MAX_UNPROVEN + 1, 4096, MAX_RECORD, 1 << 20]) {
  test(`a first message of ${length} bytes is refused at its header`, () =>
    stranger(async ({ socket, closed, end }) => {
      socket.write(header(length));
      await until(() => closed() !== null, 1000);
      assert.is(closed(), 1009);
      await until(() => end() !== null);
    }));
}

test('after a replayed handshake a record of 64 KiB is refused at its header, too', () =>
  stranger(async ({ socket, closed, end }) => {
    socket.write(frame(new Handshake({ initiator: true, psk: PSK }).write()));
    socket.write(header(MAX_RECORD));
    await until(() => closed() !== null, 1000);
    assert.is(closed(), 1009);
    await until(() => end() !== null);
    assert.not(end()!.established);
  }));

for (const size of [1, 16, 500, MAX_UNPROVEN - HANDSHAKE_SIZE]) {
  test(`a genuine first message with a payload of ${size} bytes is refused like a wrong one`, () =>
    stranger(async ({ socket, closed, end }) => {
      socket.write(frame(new Handshake({ initiator: true, psk: PSK }).write(Buffer.alloc(size))));
      await until(() => end() !== null);
      assert.is(end()!.code, CLOSE.refused);
      await until(() => closed() !== null);
      assert.is(closed(), CLOSE.refused);
    }));
}

test('the machine refuses an answer with a payload, and one of more than 1 KiB at its header', async () => {
  for (const [what, code] of [['payload', CLOSE.failed], ['long', 1006]] as const) {
    const server = createServer().on('upgrade', (req, socket, head) => {
      const connection = acceptSocket(req, socket, head, { limits: LIMITS })!;
      connection.onmessage = (message) => {
        connection.onmessage = null;
        const relay = new Handshake({ initiator: false, psk: PSK });
        relay.read(message as Uint8Array);
        if (what === 'payload') connection.send(relay.write(Buffer.from('x')));
        else socket.write(Buffer.from([0x82, 126, 0x04, 0x01])); // The header alone: 1,025 bytes.
      };
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const socket = await dial(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, { limits: LIMITS });
    const end = await new Promise<TunnelSessionEnd>((resolve) => {
      new TunnelSession({
        socket,
        role: 'machine',
        psk: PSK,
        hello: { name: 'machine', version: '1' },
        onEstablished: () => assert.unreachable(),
        onClose: resolve,
      });
    });
    assert.is(end.code, code, what);
    await once(server.close(), 'close');
  }
});

test('a proven peer may send records of full size, both ways, from its first request on', async () => {
  const pair = await tunnelPair({
    transport: socketTransport,
    handler: async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk);
      res.writeHead(200, {});
      res.end(Buffer.concat(chunks));
    },
  });
  try {
    const body = Buffer.alloc(400_000, 7);
    assert.ok((await ask(pair.relay, { method: 'POST', body })).body.equals(body));
  } finally {
    await pair.close();
  }
});

test('the longest names fit into the first record', async () => {
  const sockets = await socketTransport();
  const long = '\ud800"☃'.repeat(200);
  const names = await Promise.all(
    (['relay', 'machine'] as const).map((role) =>
      new Promise<string>((resolve, reject) => {
        new TunnelSession({
          socket: sockets[role],
          role,
          psk: PSK,
          hello: { name: long, version: long },
          onEstablished: (peer) => resolve(peer.name + peer.version),
          onClose: (end) => reject(new Error(`${role}: ${end.code} ${end.reason}`)),
        });
      })
    ),
  ).finally(() => sockets.close());
  for (const name of names) assert.ok(name.startsWith('\ud800"☃'));
});

test.run();
