/**
 * GET /tunnel: takes machines in. Until the token is proven a connection costs little and is told nothing: few at a time,
 * few bytes, little time, and those that keep failing are turned away before any cryptography.
 */
import { Limiter, limiterKey } from '../core/auth/limiter.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { json } from '../core/http/reply.ts';
import type { Handler, HttpRequest } from '../core/http/types.ts';
import {
  CLOSE,
  MAX_RECORD,
  type MessageSocket,
  Session,
  type SessionEnd,
  tokenKey,
  tokenWeakness,
  TUNNEL_PROTOCOL,
} from '../core/tunnel/mod.ts';
import { accept } from '../core/websocket/mod.ts';
import type { Machine, Machines } from './machines.ts';

export interface EndpointLimits {
  /** Connections that have not proven the token yet. An IPv6 address counts as its /64 here and below. */
  pending: number;
  pendingPerAddress: number;
  /** Failed proofs per address … */
  failures: number;
  /** … within this time, ms; then the address is turned away until some are older. */
  failureMs: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = { pending: 64, pendingPerAddress: 8, failures: 20, failureMs: 60_000 };
/** Addresses whose failures are counted at a time; the oldest is forgotten first. */
const MAX_ADDRESSES = 10_000;
/** Log lines of machines that speak another version: so many in the time, from one address, ms. */
const VERSION_LINES = { limit: 1, windowMs: 60_000 };

export interface EndpointOptions {
  token: string;
  machines: Machines;
  log: Log;
  /** The relay's own version, told to proven machines. */
  version?: string;
  clock?: Clock;
  audit?: (event: string, fields: Record<string, unknown>) => void;
  limits?: Partial<EndpointLimits>;
}

export interface TunnelEndpoint {
  handle: Handler;
  /** Machines prove this token from now on; the one that is connected is disconnected. */
  setToken(token: string): void;
  /** Lets running requests finish for up to graceMs, then says BYE to the machine. */
  close(graceMs: number): Promise<void>;
}

export function createTunnelEndpoint(options: EndpointOptions): TunnelEndpoint {
  return new Endpoint(options);
}

class Endpoint implements TunnelEndpoint {
  readonly #options: EndpointOptions;
  readonly #limits: EndpointLimits;
  readonly #log: Log;
  readonly #clock: Clock;
  /** The limiterKey of each that has not proven the token yet. */
  readonly #pending = new Map<Session, string>();
  readonly #sessions = new Set<Session>();
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #versionLines: Limiter;
  #psk: Uint8Array;
  #closing = false;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#limits = { ...ENDPOINT_LIMITS, ...options.limits };
    this.#log = options.log.tagged('Tunnel');
    this.#clock = options.clock ?? systemClock;
    this.#versionLines = new Limiter({ ...VERSION_LINES, clock: this.#clock });
    this.#psk = this.#keyOf(options.token);
  }

  readonly handle: Handler = (req, res) => {
    const refused = this.#refusal(req);
    if (refused) return json(res, refused.status, { error: refused.text, code: refused.code }, refused.headers);
    const socket = accept(req, res, {
      protocols: [TUNNEL_PROTOCOL],
      limits: { message: MAX_RECORD, fragments: 1 },
      recycle: true,
    });
    if (socket) this.#serve(socket, req.peer);
  };

  setToken(token: string): void {
    this.#psk = this.#keyOf(token);
    for (const session of [...this.#sessions]) void session.close(CLOSE.shutdown, 'the token was changed');
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    await Promise.all(
      [...this.#sessions].map((session) =>
        session.established ? session.drain(graceMs) : session.close(CLOSE.shutdown, '')
      ),
    );
  }

  #keyOf(token: string): Uint8Array {
    const weakness = tokenWeakness(token);
    if (weakness) this.#log.warn(weakness);
    return tokenKey(token);
  }

  /** Cheap reasons to say no. */
  #refusal(req: HttpRequest): { status: number; code: string; text: string; headers?: Record<string, string> } | null {
    if (this.#closing) return { status: 503, code: 'closing', text: 'The relay is shutting down.' };
    const offered = String(req.headers['sec-websocket-protocol'] ?? '');
    const key = limiterKey(req.peer);
    if (!offered.split(',').some((one) => one.trim() === TUNNEL_PROTOCOL)) {
      // Anybody can ask this: one line a minute tells as much as a thousand.
      if (this.#versionLines.take(key) === 0) {
        const text = `refused a machine: it offers "${offered.slice(0, 100)}", this relay speaks ${TUNNEL_PROTOCOL}`;
        this.#log.warn(text, { from: req.peer });
      }
      const text = `This relay speaks ${TUNNEL_PROTOCOL}. Use the same version of Agent Monitor on both sides.`;
      return { status: 426, code: 'tunnel_version', text, headers: { upgrade: 'websocket' } };
    }
    const { pending, pendingPerAddress } = this.#limits;
    let sameAddress = 0;
    for (const other of this.#pending.values()) if (other === key) sameAddress++;
    if (this.#pending.size >= pending || sameAddress >= pendingPerAddress || this.#failedOften(key)) {
      const text = 'Too many tunnels are trying to prove their token. Try again in a minute.';
      return { status: 429, code: 'too_many_tunnels', text, headers: { 'retry-after': '60' } };
    }
    return null;
  }

  #serve(socket: MessageSocket, address: string): void {
    const key = limiterKey(address);
    let machine: Machine | null = null;
    const session = new Session({
      socket,
      role: 'relay',
      psk: this.#psk,
      hello: { name: 'relay', version: this.#options.version ?? '' },
      clock: this.#clock,
      onEstablished: (hello) => {
        this.#pending.delete(session);
        this.#failures.delete(key);
        machine = this.#options.machines.add(session, hello, address);
        this.#log.info('machine connected', { name: hello.name, version: hello.version, from: address });
        this.#options.audit?.('tunnel_up', { name: hello.name, version: hello.version, address });
      },
      onGoaway: () => machine && this.#options.machines.draining(machine),
      onClose: (end) => {
        this.#pending.delete(session);
        this.#sessions.delete(session);
        if (machine) this.#lost(machine, end);
        else this.#failed(address, end);
      },
    });
    this.#pending.set(session, key);
    this.#sessions.add(session);
  }

  #lost(machine: Machine, end: SessionEnd): void {
    this.#options.machines.remove(machine, end);
    this.#log.info('machine disconnected', { name: machine.name, code: end.code, reason: end.reason });
    this.#options.audit?.('tunnel_down', { name: machine.name, code: end.code, address: machine.address });
  }
  #failed(address: string, end: SessionEnd): void {
    if (this.#closing) return;
    const count = this.#countFailure(limiterKey(address));
    // One line a minute is enough from one that goes on trying.
    if (count > this.#limits.failures) return;
    this.#log.warn('a tunnel did not prove the token', { from: address, code: end.code });
    this.#options.audit?.('tunnel_refused', { address });
  }

  #failedOften(key: string): boolean {
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
