/** HELLO, the first frame of both ends (SPEC.md, "Hello"). Pure. */
import { Buffer } from 'node:buffer';
import { isMachineId } from '../api/machines.ts';
import { type PushKey, readPushKey } from './push-key.ts';
import { isMachineToken } from './token.ts';

export interface Hello {
  name: string;
  version: string;
  /** The machine's id: as the machine knows it, and in the relay's answer as the relay knows it. Missing: an older end. */
  id?: string;
  /** Of the relay only: the key that its machines send push messages with. */
  pushKey?: PushKey;
  /** Of the relay only: time over which its machines spread their next attempts when this tunnel is lost, ms. */
  spreadMs?: number;
  /** Of the relay only, and only to a machine that joins: its own token from now on. */
  token?: string;
}

/** Characters of a name or version, so that a HELLO fits into MAX_UNPROVEN bytes however they are escaped. */
const MAX_NAME = 75;
/** Longest spread that a machine believes, ms. */
export const MAX_SPREAD_MS = 60_000;

/** The payload of a HELLO that this end sends. */
export function encodeHello(
  { name, version, id, pushKey, spreadMs, token }: Hello,
  sender: 'machine' | 'relay',
): Buffer {
  const both = { name: name.slice(0, MAX_NAME), version: version.slice(0, MAX_NAME), id };
  return Buffer.from(JSON.stringify(sender === 'machine' ? both : { ...both, pushKey, spreadMs, token }));
}

/** Reads the peer's HELLO: unknown fields and those of a wrong kind are left out. Throws for what is no JSON object. */
export function decodeHello(payload: Buffer, receiver: 'machine' | 'relay'): Hello {
  const fields = JSON.parse(payload.toString()) as Partial<Record<string, unknown>>;
  const text = (value: unknown) => typeof value === 'string' ? value.slice(0, MAX_NAME) : '';
  const { id } = fields;
  const hello = { name: text(fields.name), version: text(fields.version), ...(isMachineId(id) ? { id } : {}) };
  return receiver === 'machine' ? { ...hello, ...relayFields(fields) } : hello;
}

function relayFields({ pushKey, spreadMs, token }: Partial<Record<string, unknown>>): Partial<Hello> {
  const key = readPushKey(pushKey);
  return {
    ...(key ? { pushKey: key } : {}),
    ...(typeof spreadMs === 'number' && spreadMs >= 0 ? { spreadMs: Math.min(spreadMs, MAX_SPREAD_MS) } : {}),
    ...(isMachineToken(token) ? { token } : {}),
  };
}
