/**
 * Tells every machine which devices there are, whenever one goes and whenever the machine connects: push subscriptions of any
 * other device end there. The whole list each time, so that nothing is lost while a machine is away.
 */
import { Buffer } from 'node:buffer';
import type { Devices } from '../core/auth/devices.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { RESET, type Stream } from '../core/tunnel/mod.ts';
import type { Machine, MachineChange, Machines } from './machines.ts';

/** Pause before it is told again, when it could not be told, ms. */
export const RETRY_MS = 1_000;
/** Tries in a row; an older machine answers 404 and is not asked again before it connects anew. */
const MAX_TRIES = 30;
/** A machine that does not answer in time is told again, ms. */
const ANSWER_MS = 5_000;
/** The machine's route. Browsers' requests below /api/relay/ end at the relay, and it removes their X-Relay-* fields. */
export const DEVICES_PATH = '/api/relay/devices';

interface NoticeParts {
  devices: Devices;
  clock: Clock;
  log: Log;
}

export class DeviceNotices {
  readonly #parts: NoticeParts;
  readonly #unsubscribe: () => void;
  /** One for each tunnel, for as long as it is its machine's. */
  readonly #notices = new Map<string, MachineNotice>();
  #closed = false;

  constructor({ machines, ...parts }: NoticeParts & { machines: Machines }) {
    this.#parts = parts;
    this.#unsubscribe = machines.onChange((change) => this.#onChange(change));
    parts.devices.onRemove(() => {
      for (const notice of this.#notices.values()) notice.begin();
    });
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const notice of this.#notices.values()) notice.close();
    this.#notices.clear();
  }

  #onChange({ type, machine }: MachineChange): void {
    if (type === 'draining' || this.#closed) return;
    this.#notices.get(machine.id)?.close();
    this.#notices.delete(machine.id);
    if (type === 'away') return;
    const notice = new MachineNotice(machine, this.#parts);
    this.#notices.set(machine.id, notice);
    notice.begin();
  }
}

/** What one tunnel is told, until it has answered. */
class MachineNotice {
  readonly #machine: Machine;
  readonly #parts: NoticeParts;
  #timer: Timer | null = null;
  #tries = 0;
  #closed = false;

  constructor(machine: Machine, parts: NoticeParts) {
    this.#machine = machine;
    this.#parts = parts;
  }

  begin(): void {
    this.#tries = 0;
    this.#again(0);
  }
  close(): void {
    this.#closed = true;
    this.#parts.clock.clearTimeout(this.#timer);
  }

  /** In a turn of its own: several that go at once are told at once, and no caller waits or fails. */
  #again(ms: number): void {
    const { clock } = this.#parts;
    clock.clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = clock.setTimeout(() => this.#report(), ms);
  }

  #report(): void {
    if (!this.#machine.available) return; // It is told when it connects.
    const stream = this.#machine.open();
    if (!stream) return this.#failed('too many requests at a time');
    this.#timer = this.#parts.clock.setTimeout(() => {
      stream.reset(RESET.cancel);
      this.#failed('no answer');
    }, ANSWER_MS);
    stream.events = {
      onHead: (status) => this.#answered(stream, status),
      onReset: () => this.#failed('the request was broken off'),
    };
    this.#send(stream);
  }

  #send(stream: Stream): void {
    const devices = this.#parts.devices.list().map(({ id }) => id);
    const body = Buffer.from(JSON.stringify({ devices }));
    const fields = ['Host', 'relay', 'Content-Type', 'application/json', 'Content-Length', String(body.length)];
    stream.open(['PUT', DEVICES_PATH, '', ...fields, 'X-Relay-Event', 'devices'], false);
    stream.write(body);
    stream.end();
  }

  #answered(stream: Stream, status: number): void {
    stream.reset(RESET.cancel); // Nothing else of it matters.
    this.#parts.clock.clearTimeout(this.#timer);
    if (status >= 500) this.#failed(`it answered ${status}`);
  }

  #failed(reason: string): void {
    const { clock, log } = this.#parts;
    clock.clearTimeout(this.#timer);
    if (this.#closed || !this.#machine.session.established) return;
    if (++this.#tries < MAX_TRIES) return this.#again(RETRY_MS);
    log.warn('A machine was not told which devices are signed out.', { machine: this.#machine.id, reason });
  }
}
