/** A machine joins a relay: it proves a code and receives a token of its own, inside the sealed tunnel. */
import { type Clock, systemClock } from '../../core/clock.ts';
import { CLOSE, type Hello, tunnelKey, TunnelSession, type TunnelSessionEnd } from '../../core/tunnel/mod.ts';
import { dialRelay, type TlsOptions } from './client.ts';

export interface JoinOptions {
  /** The tunnel's address at the relay. */
  url: string;
  code: string;
  /** What the machine says of itself; the relay may give it another id. */
  info: Hello;
  tls?: TlsOptions;
  signal: AbortSignal;
  clock?: Clock;
  /** Stores the token; the code is spent by then. */
  store(token: string): Promise<void>;
}

/** The relay refused the code: it was used, is too old, or never was one. It does not say which. */
export class JoinRefused extends Error {}

/** Rejects with JoinRefused, with what `dial` throws, with what `store` throws, or with a sentence. */
export async function joinRelay(
  { url, code, info, tls, signal, clock = systemClock, store }: JoinOptions,
): Promise<void> {
  const key = tunnelKey(code);
  const socket = await dialRelay(url, signal, { key, tls });
  let answer: Hello | null = null;
  let session!: TunnelSession;
  const end = await new Promise<TunnelSessionEnd | null>((resolve) => {
    session = new TunnelSession({
      socket,
      role: 'machine',
      psk: key.psk,
      hello: info,
      clock,
      onOpen: (stream) => stream.reset(CLOSE.failed),
      onEstablished: (hello) => {
        answer = hello;
        resolve(null);
      },
      onClose: resolve,
    });
  });
  const token = (answer as Hello | null)?.token;
  try {
    if (end?.code === CLOSE.refused) throw new JoinRefused('The relay does not accept this code.');
    if (!token) throw new Error('The relay gave no token: it is of an older version, or the connection was lost.');
    await store(token);
  } finally {
    await session.close(CLOSE.shutdown, 'joined');
  }
}
