/**
 * A second, slow and plain reading of RFC 6455 for the fuzzer: the whole input at once, one rule after the other. It shares
 * no code with the implementation.
 */
import { Buffer } from 'node:buffer';

export type ModelEvent = ['text', string] | ['binary' | 'ping' | 'pong', string] | ['close', number] | [
  'refused',
  number,
];

export interface ModelLimits {
  message: number;
  fragments: number;
}

interface Head {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  length: bigint;
  /** Bytes before the mask key. */
  size: number;
}

/** What a server makes of these bytes from a client; ends with what refuses or closes. */
export function model(bytes: Buffer, limits: ModelLimits): ModelEvent[] {
  const events: ModelEvent[] = [];
  let message: { text: boolean; parts: Buffer[]; size: bigint; frames: number } | null = null;
  let at = 0;
  const refuse = (code: number) => [...events, ['refused', code] as ModelEvent];
  while (bytes.length - at >= 2) {
    const bad = badStart(bytes[at]!, bytes[at + 1]!);
    if (bad) return refuse(1002);
    const head = readHead(bytes, at);
    if (!head) break;
    if (head === 'bad length') return refuse(1002);
    const control = head.opcode >= 8;
    if (!control) {
      if (head.opcode === 0 && !message) return refuse(1002);
      if (head.opcode !== 0 && message) return refuse(1002);
      message ??= { text: head.opcode === 1, parts: [], size: 0n, frames: 0 };
      if (++message.frames > limits.fragments) return refuse(1008);
      if ((message.size += head.length) > limits.message) return refuse(1009);
    }
    const start = at + head.size + 4;
    const whole = start + Number(head.length) <= bytes.length;
    const payload = unmask(bytes, at + head.size, Number(head.length));
    if (!control) {
      message!.parts.push(payload);
      if (message!.text && !isTextSoFar(message!.parts, whole && head.fin)) return refuse(1007);
    }
    if (!whole) break;
    at = start + Number(head.length);
    if (control) {
      const event = controlEvent(head.opcode, payload);
      events.push(event);
      if (event[0] === 'close' || event[0] === 'refused') return events;
    } else if (head.fin) {
      const all = Buffer.concat(message!.parts);
      events.push(message!.text ? ['text', all.toString()] : ['binary', all.toString('hex')]);
      message = null;
    }
  }
  return events;
}

function badStart(first: number, second: number): boolean {
  const opcode = first & 15;
  if (first & 0x70 || ![0, 1, 2, 8, 9, 10].includes(opcode) || second < 128) return true;
  return opcode >= 8 && (first < 128 || (second & 127) > 125);
}

function readHead(bytes: Buffer, at: number): Head | 'bad length' | null {
  const short = bytes[at + 1]! & 127;
  const size = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length - at < size) return null;
  const length = short === 126
    ? BigInt(bytes.readUInt16BE(at + 2))
    : short === 127
    ? bytes.readBigUInt64BE(at + 2)
    : BigInt(short);
  if ((short === 126 && length < 126n) || (short === 127 && (length < 65536n || length >= 1n << 63n))) {
    return 'bad length';
  }
  return { fin: bytes[at]! > 127, rsv: bytes[at]! >> 4 & 7, opcode: bytes[at]! & 15, masked: true, length, size };
}

/** What is there of the payload behind the key at `at`. */
function unmask(bytes: Buffer, at: number, length: number): Buffer {
  const key = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
  for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i % 4]!;
  return payload;
}

function isTextSoFar(parts: Buffer[], complete: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts), { stream: !complete });
    return true;
  } catch {
    return false;
  }
}

function controlEvent(opcode: number, payload: Buffer): ModelEvent {
  if (opcode !== 8) return [opcode === 9 ? 'ping' : 'pong', payload.toString('hex')];
  if (payload.length === 0) return ['close', 1005];
  if (payload.length === 1) return ['refused', 1002];
  const code = payload.readUInt16BE(0);
  const sendable = (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) ||
    (code >= 3000 && code < 5000);
  if (!sendable) return ['refused', 1002];
  return isTextSoFar([payload.subarray(2)], true) ? ['close', code] : ['refused', 1007];
}
