/** The relay's own status and that of its machine: as JSON, as server-sent events and as metrics. */
import { Buffer } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MachineEvents } from '../core/api/machines.ts';
import { versionAdvice } from '../core/api/version.ts';
import type { Clock, Timer } from '../core/clock.ts';
import { HttpError, json } from '../core/http/reply.ts';
import type { HttpRequest, HttpResponse } from '../core/http/types.ts';
import type { MachineDirectory } from './machine-directory.ts';
import { metricsText } from './metrics.ts';
import type { MachineStatus } from './machines.ts';

/** Open event streams; one more is refused with 503. */
export const MAX_EVENT_STREAMS = 256;
/** Interval of comments on an event stream: proxies close a silent stream, ms. */
const KEEP_ALIVE_MS = 15_000;

export interface StatusSource {
  status(): MachineStatus;
  onChange(listener: () => void): () => void;
}

export class Status {
  readonly #machines: StatusSource;
  readonly #version: string;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #directory: MachineDirectory;
  /** Open event streams, and whether each wants the events of every machine. */
  readonly #streams = new Map<HttpResponse, boolean>();
  readonly #unsubscribe: (() => void)[];
  #timer: Timer | null = null;

  /** @param version the relay's own */
  constructor(
    machines: StatusSource,
    directory: MachineDirectory,
    { clock, version }: { clock: Clock; version: string },
  ) {
    this.#machines = machines;
    this.#version = version;
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    this.#directory = directory;
    this.#unsubscribe = [
      machines.onChange(() => this.#onStatus()),
      directory.onChange((id) => this.#onMachine(id)),
    ];
  }

  /** GET /api/relay/status. @param full include the machine's details, which need a login */
  answer(res: HttpResponse, full: boolean): void {
    json(res, 200, full ? this.#full() : this.#public());
  }

  /**
   * GET /api/relay/events: sends the full status as server-sent events, now and at each change.
   * @param all send the events of every machine, too
   */
  events(req: HttpRequest, res: HttpResponse, all: boolean): void {
    if (this.#streams.size >= MAX_EVENT_STREAMS) {
      throw new HttpError(503, 'too_many_streams', 'Too many event streams are open.', { 'retry-after': 10 });
    }
    // x-accel-buffering makes nginx forward each event at once.
    res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    if (req.method === 'HEAD') return void res.end();
    const machines = all ? this.#named('machines', { now: this.#clock.now(), machines: this.#directory.list() }) : '';
    res.write(`retry: 2000\n\n${machines}${this.#event()}`);
    this.#streams.set(res, all);
    res.once('close', () => this.#streams.delete(res));
    this.#timer ??= this.#clock.setTimeout(this.#keepAlive, KEEP_ALIVE_MS);
  }

  /** GET /metrics in Prometheus' text format. Needs the metrics token. */
  metrics(req: HttpRequest, res: HttpResponse, token: string | null, sessions: number): void {
    if (token === null) throw new HttpError(404, 'not_found', 'Metrics are off: RELAY_METRICS_TOKEN is not set.');
    if (!sameSecret(req.headers.authorization ?? '', `Bearer ${token}`)) {
      throw new HttpError(401, 'unauthorized', 'Send the metrics token as a bearer token.', {
        'www-authenticate': 'Bearer',
      });
    }
    const own = { uptime: this.#uptime(), sessions };
    res.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    res.end(metricsText(own, this.#machines.status(), this.#directory.traffic()));
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#clock.clearTimeout(this.#timer);
    for (const res of this.#streams.keys()) res.end();
  }

  #uptime(): number {
    return Math.floor((this.#clock.monotonic() - this.#startedAt) / 1000);
  }
  #public() {
    return { tunnelConnected: this.#machines.status().connected, uptime: this.#uptime() };
  }
  #full() {
    const machine = this.#machines.status();
    const advice = versionAdvice({ relay: this.#version, machine: machine.version });
    // An old relay is what the machine warns of: it has the newer words.
    const versionWarning = machine.connected && advice?.old === 'machine' ? advice.text : '';
    return { ...this.#public(), now: this.#clock.now(), version: this.#version, versionWarning, machine };
  }
  #event(): string {
    return `data: ${JSON.stringify(this.#full())}\n\n`;
  }
  #onStatus(): void {
    if (this.#streams.size > 0) this.#send(this.#event());
  }
  #onMachine(id: string): void {
    if (![...this.#streams.values()].includes(true)) return;
    const machine = this.#directory.find(id);
    const now = this.#clock.now();
    const text = machine ? this.#named('machine', { now, machine }) : this.#named('machine.removed', { now, id });
    this.#send(text, (all) => all);
  }
  #named<K extends keyof MachineEvents>(name: K, data: MachineEvents[K]): string {
    return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  }
  #send(text: string, wanted: (all: boolean) => boolean = () => true): void {
    for (const [res, all] of this.#streams) if (wanted(all)) res.write(text);
  }
  readonly #keepAlive = (): void => {
    this.#timer = null;
    if (this.#streams.size === 0) return;
    this.#send(': still here\n\n');
    this.#timer = this.#clock.setTimeout(this.#keepAlive, KEEP_ALIVE_MS);
  };
}

/** Compares digests, which have equal lengths, in constant time. */
function sameSecret(input: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(input), digest(expected));
}
