/** One end of a tunnel that knows the token and obeys no rule: handshake and encryption are right, the frames are anything. */
import { Buffer } from 'node:buffer';
import { FRAME_HEADER, packHead, readFrames, TYPE } from '../../../core/tunnel/frame.ts';
import { type Channel, Handshake } from '../../../core/tunnel/noise.ts';
import { TunnelSession, type TunnelSessionEnd, type TunnelSessionOptions } from '../../../core/tunnel/session.ts';
import { MemorySocket } from './memory-pair.ts';
import { PSK, until } from '../harness/tunnel-pair.ts';

export interface SeenFrame {
  type: number;
  flags: number;
  id: number;
  payload: Buffer;
}

export interface HostilePeer {
  /** The honest session under test. */
  session: TunnelSession;
  socket: MemorySocket;
  /** Frames that the honest session sent. */
  seen: SeenFrame[];
  end: () => TunnelSessionEnd | null;
  /** Sends these bytes as one sealed record. */
  record(plain: Uint8Array): void;
  frame(type: number, flags: number, id: number, payload?: Uint8Array): void;
  /** The next record is sealed with the next key. */
  rekeyed(): void;
}

/** Bytes of one frame; `length` overrides the true length. */
export function frame(
  type: number,
  flags: number,
  id: number,
  payload: Uint8Array = Buffer.alloc(0),
  length = payload.length,
): Buffer {
  const header = Buffer.alloc(FRAME_HEADER);
  header[0] = type;
  header[1] = flags;
  header.writeUInt16BE(length, 2);
  header.writeUInt32BE(id, 4);
  return Buffer.concat([header, payload]);
}

/** A packed head as bytes; `prefix` is the status of a response. */
export function head(strings: string[], status?: number): Buffer {
  const packed = packHead(strings)!;
  const lengths = Buffer.alloc(2 + 2 * strings.length);
  lengths.writeUInt16BE(strings.length);
  strings.forEach((text, i) => lengths.writeUInt16BE(text.length, 2 + 2 * i));
  const prefix = status === undefined ? Buffer.alloc(0) : Buffer.from([status >> 8, status & 255]);
  return Buffer.concat([prefix, lengths, Buffer.from(packed.blob, 'latin1')]);
}

const running = new Set<TunnelSession>();

/** For `test.after.each`: honest sessions that a test leaves running would keep the process alive. */
export async function closeHostilePeers(): Promise<void> {
  await Promise.all([...running].map((session) => session.close(1001, 'test over')));
  running.clear();
}

/** @param role of the honest session; the hostile peer is the other one */
export async function hostilePeer(
  role: 'machine' | 'relay',
  options: Partial<TunnelSessionOptions> = {},
): Promise<HostilePeer> {
  const [honest, socket] = MemorySocket.pair();
  const seen: SeenFrame[] = [];
  let end: TunnelSessionEnd | null = null;
  let channel: Channel | null = null;
  const handshake = new Handshake({ initiator: role === 'relay', psk: PSK });
  socket.onmessage = (data) => {
    if (!channel) {
      handshake.read(data as Uint8Array);
      if (!handshake.done) socket.send(handshake.write());
      channel = handshake.split();
      return;
    }
    const record = channel.receive.open(data as Uint8Array);
    readFrames(record, (type, flags, id, payload) => {
      if (type === TYPE.rekey) channel!.receive.rekey();
      seen.push({ type, flags, id, payload: Buffer.from(payload) });
    });
  };
  const session = new TunnelSession({
    socket: honest,
    role,
    psk: PSK,
    hello: { name: 'honest', version: '1' },
    onEstablished: () => {},
    onClose: (why) => end = why,
    ...options,
  });
  running.add(session);
  if (role === 'relay') socket.send(handshake.write());
  await until(() => channel !== null);
  const self: HostilePeer = {
    session,
    socket,
    seen,
    end: () => end,
    record: (plain) => {
      const { body, tag } = channel!.send.seal(plain);
      socket.send(body, tag);
    },
    rekeyed: () => channel!.send.rekey(),
    frame: (type, flags, id, payload) => self.record(frame(type, flags, id, payload)),
  };
  self.frame(TYPE.hello, 0, 0, Buffer.from('{"name":"hostile","version":"9"}'));
  await until(() => session.established);
  return self;
}
