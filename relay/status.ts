/** What the relay tells about itself and its machine: status, events and metrics. */
import { Buffer } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, Timer } from '../core/clock.ts';
import { HttpError, json } from '../core/http/reply.ts';
import type { HttpRequest, HttpResponse } from '../core/http/types.ts';
import type { MachineStatus } from './machines.ts';

/** Open event streams; one more is refused. */
export const MAX_EVENT_STREAMS = 256;
/** A comment this often keeps proxies from taking a quiet stream for a dead one, ms. */
const KEEP_ALIVE_MS = 15_000;

export interface StatusSource {
  status(): MachineStatus;
  onChange(listener: () => void): () => void;
}

export class Status {
  readonly #machines: StatusSource;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #streams = new Set<HttpResponse>();
  readonly #unsubscribe: () => void;
  #timer: Timer | null = null;

  constructor(machines: StatusSource, clock: Clock) {
    this.#machines = machines;
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    this.#unsubscribe = machines.onChange(() => this.#tell(this.#event()));
  }

  /** GET /api/relay/status. @param full logged in: the machine's details too */
  answer(res: HttpResponse, full: boolean): void {
    json(res, 200, full ? this.#full() : this.#public());
  }

  /** GET /api/relay/events: the full status as server-sent events, now and at each change. */
  events(req: HttpRequest, res: HttpResponse): void {
    if (this.#streams.size >= MAX_EVENT_STREAMS) {
      throw new HttpError(503, 'too_many_streams', 'Too many event streams are open.', { 'retry-after': 10 });
    }
    // x-accel-buffering: nginx passes each event on at once.
    res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    if (req.method === 'HEAD') return void res.end();
    res.write(`retry: 2000\n\n${this.#event()}`);
    this.#streams.add(res);
    res.once('close', () => this.#streams.delete(res));
    this.#timer ??= this.#clock.setTimeout(this.#keepAlive, KEEP_ALIVE_MS);
  }

  /** GET /metrics, in Prometheus' text format, for whoever has the token. */
  metrics(req: HttpRequest, res: HttpResponse, token: string | null, sessions: number): void {
    if (token === null) throw new HttpError(404, 'not_found', 'Metrics are off: RELAY_METRICS_TOKEN is not set.');
    if (!sameSecret(req.headers.authorization ?? '', `Bearer ${token}`)) {
      throw new HttpError(401, 'unauthorized', 'Send the metrics token as a bearer token.', {
        'www-authenticate': 'Bearer',
      });
    }
    const m = this.#machines.status();
    const lines = [
      metric('relay_uptime_seconds', 'gauge', 'Seconds since the relay started', this.#uptime()),
      metric('relay_sessions', 'gauge', 'Browsers logged in', sessions),
      metric('relay_tunnel_connected', 'gauge', '1 while a machine is connected', m.connected ? 1 : 0),
      metric(
        'relay_tunnel_rtt_seconds',
        'gauge',
        'Round trip of the last heartbeat',
        m.rttMs === null ? 'NaN' : m.rttMs / 1000,
      ),
      metric('relay_tunnels_total', 'counter', 'Tunnels proven', m.tunnelsTotal),
      metric('relay_streams', 'gauge', 'Streams open', m.streams),
      metric('relay_streams_total', 'counter', 'Streams opened', m.streamsTotal),
      metric('relay_tunnel_received_bytes_total', 'counter', 'Bytes from the machine', m.bytesIn),
      metric('relay_tunnel_sent_bytes_total', 'counter', 'Bytes to the machine', m.bytesOut),
    ];
    res.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    res.end(lines.join(''));
  }

  close(): void {
    this.#unsubscribe();
    this.#clock.clearTimeout(this.#timer);
    for (const res of this.#streams) res.end();
  }

  #uptime(): number {
    return Math.floor((this.#clock.monotonic() - this.#startedAt) / 1000);
  }
  #public() {
    return { tunnelConnected: this.#machines.status().connected, uptime: this.#uptime() };
  }
  #full() {
    return { ...this.#public(), now: this.#clock.now(), machine: this.#machines.status() };
  }
  #event(): string {
    return `data: ${JSON.stringify(this.#full())}\n\n`;
  }
  #tell(text: string): void {
    for (const res of this.#streams) res.write(text);
  }
  readonly #keepAlive = (): void => {
    this.#timer = null;
    if (this.#streams.size === 0) return;
    this.#tell(': still here\n\n');
    this.#timer = this.#clock.setTimeout(this.#keepAlive, KEEP_ALIVE_MS);
  };
}

const metric = (name: string, type: string, help: string, value: number | string): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;

/** Compared by digest: equal lengths, constant time. */
function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
