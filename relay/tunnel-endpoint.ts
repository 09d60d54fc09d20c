/**
 * GET /tunnel: accepts machines. Until a connection has proven the token it costs little and receives nothing: the number
 * of such connections, their bytes and their time are bounded, and addresses that fail repeatedly are refused before any
 * cryptography.
 */
import { versionAdvice } from '../core/api/version.ts';
import type { ErrorCode } from '../core/api/errors.ts';
import { Limiter, limiterKey } from '../core/auth/limiter.ts';
import { type Clock, systemClock, type Timer } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { json } from '../core/http/reply.ts';
import type { Handler, HttpRequest } from '../core/http/types.ts';
import {
  CLOSE,
  type Hello,
  MAX_RECORD,
  type MessageSocket,
  type PushKey,
  TUNNEL_KEY_FIELD,
  TUNNEL_PROTOCOL,
  TunnelSession,
  type TunnelSessionEnd,
} from '../core/tunnel/mod.ts';
import { accept } from '../core/websocket/mod.ts';
import type { Admission, Credential, Credentials } from './credentials.ts';
import type { Machine, Machines } from './machines.ts';

export interface EndpointLimits {
  /** Connections that have not proven the token yet. Here and below an IPv6 address counts as its /64. */
  pending: number;
  pendingPerAddress: number;
  /** Failed proofs per address … */
  failures: number;
  /** … within this time, ms. Then the address is refused until the time is over. */
  failureMs: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = { pending: 64, pendingPerAddress: 8, failures: 20, failureMs: 60_000 };
/** Addresses whose failures are counted; one more evicts the oldest. */
const MAX_ADDRESSES = 10_000;
/** Time that a machine has to store its token and go, ms. */
const JOINED_MS = 10_000;
/** Log lines about other tunnel versions, for each address. */
const VERSION_LINES = { limit: 1, windowMs: 60_000 };

export interface EndpointOptions {
  credentials: Pick<Credentials, 'find'>;
  machines: Machines;
  log: Log;
  /** The relay's own version, sent to proven machines in HELLO. */
  version?: string;
  /** Sent to proven machines in HELLO. */
  pushKey?: PushKey;
  /** Time over which the machines spread their next attempts, ms; sent to them in HELLO. */
  spreadMs?: () => number;
  clock?: Clock;
  audit?: (event: string, fields: Record<string, unknown>) => void;
  limits?: Partial<EndpointLimits>;
}

export interface TunnelEndpoint {
  handle: Handler;
  /** Ends the tunnel of a machine that was removed, also one that is being proven. */
  endMachine(id: string): void;
  /** Refuses new tunnels, waits up to graceMs for running requests, then sends BYE. */
  close(graceMs: number): Promise<void>;
}

export function createTunnelEndpoint(options: EndpointOptions): TunnelEndpoint {
  return new Endpoint(options);
}

/** Browsers send Origin with every WebSocket, and Sec-Fetch-* with every request; no page can leave them out. */
const isFromBrowser = ({ headers }: HttpRequest): boolean =>
  headers.origin !== undefined || Object.keys(headers).some((name) => name.startsWith('sec-fetch-'));

/** The key that a machine names; null: none. */
function keyIdOf({ headers }: HttpRequest): string | null {
  const value = headers[TUNNEL_KEY_FIELD];
  return value === undefined ? null : String(value);
}

interface Refusal {
  status: number;
  code: ErrorCode;
  text: string;
  headers?: Record<string, string>;
}

class Endpoint implements TunnelEndpoint {
  readonly #options: EndpointOptions;
  readonly #limits: EndpointLimits;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Sessions that have not proven their key yet, each with its limiterKey. */
  readonly #pending = new Map<TunnelSession, string>();
  readonly #sessions = new Set<TunnelSession>();
  /** Sessions of machines that have just joined, until they go. */
  readonly #joined = new Map<TunnelSession, Timer>();
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #versionLines: Limiter;
  #closing = false;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#limits = { ...ENDPOINT_LIMITS, ...options.limits };
    this.#log = options.log.tagged('Tunnel');
    this.#clock = options.clock ?? systemClock;
    this.#versionLines = new Limiter({ ...VERSION_LINES, clock: this.#clock });
  }

  readonly handle: Handler = (req, res) => {
    const refused = this.#refusal(req);
    if (refused) return json(res, refused.status, { error: refused.text, code: refused.code }, refused.headers);
    const socket = accept(req, res, {
      protocols: [TUNNEL_PROTOCOL],
      limits: { message: MAX_RECORD, fragments: 1 },
      zeroCopy: true,
    });
    if (socket) this.#serve(socket, req.peer, this.#options.credentials.find(keyIdOf(req)));
  };

  endMachine(id: string): void {
    void this.#options.machines.find(id)?.session.close(CLOSE.removed, 'this machine was removed at the relay');
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    await Promise.all(
      [...this.#sessions].map((session) =>
        session.established ? session.drain(graceMs) : session.close(CLOSE.shutdown, '')
      ),
    );
  }

  /** Reasons to refuse that cost no cryptography. */
  #refusal(req: HttpRequest): Refusal | null {
    // Before anything is counted: a web page must not get the machine at its visitor's address refused.
    if (isFromBrowser(req)) {
      return { status: 403, code: 'origin_refused', text: 'Only machines connect here, no web pages.' };
    }
    if (this.#closing) return { status: 503, code: 'closing', text: 'The relay is shutting down.' };
    const key = limiterKey(req.peer);
    const offered = String(req.headers['sec-websocket-protocol'] ?? '');
    if (!offered.split(',').some((protocol) => protocol.trim() === TUNNEL_PROTOCOL)) {
      this.#logVersion(key, offered, req.peer);
      const text = `This relay speaks ${TUNNEL_PROTOCOL}. Use the same version of Agent Monitor on both sides.`;
      return { status: 426, code: 'tunnel_version', text, headers: { upgrade: 'websocket' } };
    }
    if (this.#isFull(key) || this.#isFailing(key)) {
      const text = 'Too many tunnels are trying to prove their token. Try again in a minute.';
      return { status: 429, code: 'too_many_tunnels', text, headers: { 'retry-after': '60' } };
    }
    return null;
  }
  #logVersion(key: string, offered: string, from: string): void {
    // Anybody can send this request, so the log gets one line a minute.
    if (this.#versionLines.take(key) > 0) return;
    const text = `refused a machine: it offers "${offered.slice(0, 100)}", this relay speaks ${TUNNEL_PROTOCOL}`;
    this.#log.warn(text, { from });
  }
  #isFull(key: string): boolean {
    const { pending, pendingPerAddress } = this.#limits;
    if (this.#pending.size >= pending) return true;
    return [...this.#pending.values()].filter((other) => other === key).length >= pendingPerAddress;
  }

  #serve(socket: MessageSocket, address: string, credential: Credential): void {
    const key = limiterKey(address);
    let admission: Admission | null = null;
    let machine: Machine | null = null;
    const session = new TunnelSession({
      socket,
      role: 'relay',
      psk: credential.psk,
      hello: (peer) => {
        admission = credential.admit(peer, address);
        return admission && { ...this.#hello(), ...admission.hello };
      },
      clock: this.#clock,
      onEstablished: (hello) => {
        this.#pending.delete(session);
        this.#failures.delete(key);
        if (admission!.isJoining) return this.#onJoined(session, hello, address);
        machine = this.#onMachine(session, { ...hello, id: admission!.hello.id! }, address);
      },
      onGoaway: () => machine && this.#options.machines.draining(machine),
      onClose: (end) => {
        this.#pending.delete(session);
        this.#sessions.delete(session);
        this.#clock.clearTimeout(this.#joined.get(session));
        this.#joined.delete(session);
        if (machine) this.#onMachineClosed(machine, end);
        else if (!end.established) this.#onProofFailed(address, end);
      },
    });
    this.#pending.set(session, key);
    this.#sessions.add(session);
  }
  #hello(): Hello {
    const { version = '', pushKey, spreadMs } = this.#options;
    return { name: 'relay', version, ...(pushKey ? { pushKey } : {}), ...(spreadMs ? { spreadMs: spreadMs() } : {}) };
  }

  #onMachine(session: TunnelSession, hello: Hello, address: string): Machine {
    const machine = this.#options.machines.add(session, hello, address);
    const { name, version } = hello;
    this.#log.info('machine connected', { name, version, from: address, id: machine.id });
    const advice = versionAdvice({ relay: this.#options.version ?? '', machine: version });
    if (advice) this.#log.warn(advice.text);
    this.#options.audit?.('tunnel_up', { name, version, address, machine: machine.id });
    return machine;
  }
  /** It has its token and goes; one that stays is sent away. */
  #onJoined(session: TunnelSession, { name, version }: Hello, address: string): void {
    this.#log.info('a machine has joined', { name, version, from: address });
    this.#options.audit?.('machine_joined', { name, version, address });
    const timer = this.#clock.setTimeout(() => void session.close(CLOSE.shutdown, ''), JOINED_MS);
    this.#joined.set(session, timer);
  }

  #onMachineClosed(machine: Machine, end: TunnelSessionEnd): void {
    this.#options.machines.remove(machine);
    this.#log.info('machine disconnected', { name: machine.name, code: end.code, reason: end.reason });
    this.#options.audit?.('tunnel_down', {
      name: machine.name,
      code: end.code,
      address: machine.address,
      machine: machine.id,
    });
  }
  #onProofFailed(address: string, end: TunnelSessionEnd): void {
    if (this.#closing) return;
    const count = this.#countFailure(limiterKey(address));
    // A client that repeats its tries must not fill the log.
    if (count > this.#limits.failures) return;
    this.#log.warn('a tunnel did not prove the token', { from: address, code: end.code });
    this.#options.audit?.('tunnel_refused', { address });
  }

  #isFailing(key: string): boolean {
    const entry = this.#failures.get(key);
    if (!entry) return false;
    if (this.#clock.monotonic() < entry.until) return entry.count >= this.#limits.failures;
    this.#failures.delete(key);
    return false;
  }
  #countFailure(key: string): number {
    const entry = this.#failures.get(key);
    if (entry) return ++entry.count;
    if (this.#failures.size >= MAX_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!);
    this.#failures.set(key, { count: 1, until: this.#clock.monotonic() + this.#limits.failureMs });
    return 1;
  }
}
