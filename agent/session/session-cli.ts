/** The CLI of a session: started, taken up again after a restart of this server, listened to, and what follows from its end. */
import { randomUUID } from 'node:crypto';
import type { Capabilities } from '../../core/api/agents.ts';
import type { HolderRecord } from '../process/holder/records.ts';
import type { HolderOptions, ProviderEvent } from '../provider/provider.ts';
import { applyEvent } from './apply-event.ts';
import { CliRun } from './cli-run.ts';
import { closeOpenMessages } from './close-messages.ts';
import type { Decisions } from './decisions.ts';
import type { EventContext } from './event-context.ts';
import { MessageDelivery } from './message-delivery.ts';
import { RunMarker } from './run-marker.ts';
import { firstMarker } from './run-record.ts';
import type { SessionParts } from './session-parts.ts';
import type { StopReason } from './state.ts';

const RESUME_HINT = 'Send a message to go on where it was.';

export class SessionCli {
  readonly #parts: SessionParts;
  readonly #decisions: Decisions;
  readonly delivery: MessageDelivery;
  readonly eventContext: EventContext;
  /** null: the CLI ends with this server. */
  #marker: RunMarker | null = null;
  /** What the CLI said before this server came is being applied again. */
  #isReplay = false;
  /** Called when a CLI of before has been taken up (true) or has ended meanwhile. */
  #onAdopted: ((isThere: boolean) => void) | null = null;
  #lastId = { at: '', count: 0 };
  capabilities: Capabilities | null = null;

  constructor(parts: SessionParts, decisions: Decisions) {
    this.#parts = parts;
    this.#decisions = decisions;
    this.delivery = new MessageDelivery(parts, () => this.open());
    this.eventContext = this.#createEventContext();
  }

  /** Starts the CLI; it resumes the session that it had. */
  open(): void {
    const { refusing, run, hold, status, prompts, store, info, options: { provider } } = this.#parts;
    if (refusing) throw refusing;
    if (run) return;
    hold.take();
    status.apply({ type: 'open' });
    prompts.forgetUndelivered();
    const id = randomUUID();
    if (provider.isHeld) store.update({ run: firstMarker(id, info) });
    this.#begin(provider.isHeld ? { id, survivor: null } : undefined);
    // A session that is another program's: after a crash it must not count as one that was never begun.
    if (!this.#parts.run?.cli.held) store.update({ run: null });
  }

  #begin(holder: HolderOptions | undefined): void {
    const parts = this.#parts;
    const { provider, context: { clock } } = parts.options;
    const run = new CliRun(parts.record, {
      provider,
      holder,
      attachments: parts.attachments.directory,
      clock,
      onEvent: (event) => this.#onEvent(event),
      onStopped: () => this.#onStopped(run),
    });
    parts.run = run;
    const { held } = run.cli;
    const { store } = parts;
    const settled = () => parts.pictures.settled();
    this.#marker = held
      ? new RunMarker({
        held,
        stateVersion: provider.snapshotVersion ?? 1,
        store,
        clock,
        log: () => parts.log,
        settled,
      })
      : null;
    this.#noteProcess();
  }

  #noteProcess(): void {
    const { run, store, info } = this.#parts;
    const { cli } = run!;
    store.update({ process: cli.identity ?? null });
    store.patch({ cli: { ...info.cli, running: true, pid: cli.pid } });
  }

  /**
   * Takes up the CLI that a holder has kept since before this server.
   * @returns false when it has ended meanwhile, which is then on the record
   */
  adopt(record: HolderRecord): Promise<boolean> {
    const { store, log, hold } = this.#parts;
    const { run } = this.#parts.record;
    // A server that was killed before its first save has applied nothing.
    // A copy: what goes on from here changes it, and the record is saved again before the next marker.
    const marker = structuredClone(run?.holder === record.id ? run : firstMarker(record.id, this.#parts.info));
    store.patch(marker.info);
    log.rewind(marker.streams);
    const open = new Set(log.open().map(({ id }) => id));
    store.patch({ lastSeq: log.lastSeq, queue: this.#parts.info.queue.filter(({ id }) => open.has(id)) });
    const { offset, state } = marker;
    this.#isReplay = true;
    return new Promise((resolve) => {
      this.#onAdopted = (isThere) => {
        this.#onAdopted = null;
        resolve(isThere);
      };
      try {
        hold.take();
      } catch { /* reported when the CLI names its session */ }
      this.#begin({ id: record.id, survivor: { record, offset, state } });
      this.#lastId = this.#idsTaken(`${record.id}-${offset}`);
      this.#setTurning(this.#parts.run?.cli.held?.isTurning ?? false);
    });
  }

  /** The CLI has said all that it said before this server came: what it may have missed is given to it. */
  async #onCaughtUp(): Promise<void> {
    this.#isReplay = false;
    const { prompts, info, run, status } = this.#parts;
    // A turn of the snapshot may not have begun after all.
    this.#setTurning(run?.cli.held?.isTurning ?? false);
    this.#decisions.repeat();
    await prompts.repeat(info.queue, run?.cli ?? null);
    if (run && run === this.#parts.run) {
      const isWorking = run.isTurning || run.expectsTurn || prompts.isBusy;
      status.apply(isWorking ? { type: 'turn.start' } : { type: 'turn.off', text: '' });
    }
    this.#onAdopted?.(true);
  }

  /** Leaves the CLI to the next server; no event follows. */
  async detach(): Promise<void> {
    await this.#marker?.mark();
    this.#parts.run!.cli.held!.detach();
    this.#parts.run = null;
    this.#marker?.close();
  }

  #onEvent(event: ProviderEvent): void {
    const { store, prompts } = this.#parts;
    store.touch();
    if (event.type === 'exit') return this.#onExit(event);
    if (event.type === 'process') this.#noteProcess();
    if (event.type === 'ready' && event.capabilities) this.#learn(event.capabilities);
    if (event.type === 'limits') this.#parts.options.onLimits(event.windows);
    if (event.type === 'message.status' && event.status !== 'queued') prompts.settle(event.id);
    if (event.type === 'turn.start') this.#setTurning(true);
    applyEvent(this.eventContext, event);
    if (event.type === 'turn.end') this.#turnEnded();
    if (event.type === 'session' || event.type === 'ready') this.#followSession();
    if (event.type === 'message.status') this.#afterMessage(event);
    if (event.type === 'turn.end' || event.type === 'message.status') this.delivery.deliverNext();
    if (event.type === 'caught.up') void this.#onCaughtUp();
    this.#parts.refreshBackground();
    this.#marker?.touch();
  }

  #learn(capabilities: Capabilities): void {
    this.capabilities = capabilities;
    this.#parts.options.onCapabilities(capabilities);
  }

  /** The CLI has told which session it works on: a new one, or a copy. */
  #followSession(): void {
    const { run, hold, id, options: { context } } = this.#parts;
    if (!run) return;
    try {
      hold.take();
    } catch (error) {
      context.log.warn('another program has the session', { agent: id, error: String(error) });
    }
  }

  #setTurning(isTurning: boolean): void {
    const { run } = this.#parts;
    if (run) run.isTurning = isTurning;
  }

  #turnEnded(): void {
    this.#setTurning(false);
    if (this.#parts.run) this.#parts.run.expectsTurn = false;
  }

  /** The state is "running" from the moment a message is on its way: one that is not taken must not leave it so. */
  #afterMessage({ status, error = '' }: Extract<ProviderEvent, { type: 'message.status' }>): void {
    const { run, prompts } = this.#parts;
    const isOff = status === 'failed' || status === 'cancelled';
    if (!isOff || run?.isTurning || prompts.isBusy) return;
    if (run) run.expectsTurn = false;
    this.#parts.status.apply({ type: 'turn.off', text: error });
  }

  /** Every provider emits its exit; should one not, the record must still be right. */
  #onStopped(run: CliRun): void {
    const isOpen = this.#parts.run === run;
    if (isOpen) this.#onEvent({ type: 'exit', expected: true, code: null, signal: null, text: '' });
  }

  #onExit(event: Extract<ProviderEvent, { type: 'exit' }>): void {
    const { run, prompts, status, id } = this.#parts;
    if (!run) return;
    this.#parts.run = null;
    run.ended();
    this.#marker?.close();
    this.#marker = null;
    this.#isReplay = false;
    const stopReason = run.stopReason ?? (event.expected ? 'reap' : null);
    if (event.sessionLost && stopReason === null && this.#parts.info.sessionId !== null) return this.#restartFresh();
    const text = event.text || run.stopText;
    const failed = stopReason === null && (status.isAtWork || event.code !== 0);
    prompts.forgetUndelivered();
    // A CLI that failed is not started again by itself for what waited behind its turn.
    const isOver = this.#parts.refusing || stopReason === null || stopReason === 'budget';
    if (isOver && !this.#parts.isHeldBack) prompts.clear();
    closeOpenMessages(this.eventContext, {
      requests: stopReason === 'shutdown' ? 'expired' : 'cancelled',
      untaken: stopReason === 'stop' ? '' : text || 'The agent ended before it took this message. Send it again.',
      waiting: prompts.waitingIds,
    });
    const { hadWork } = run;
    this.#noteExit({ stopReason, failed, text, hadWork });
    this.#parts.forgetProcess();
    status.apply({ type: 'exit', stopReason, failed, hadWork, text });
    this.#parts.refreshBackground();
    const { log } = this.#parts.options.context;
    log.info('agent process ended', { agent: id, reason: stopReason ?? 'none', code: event.code });
    this.#onAdopted?.(false);
    this.delivery.deliver();
    this.#parts.releaseAtRest();
  }

  #noteExit(exit: { stopReason: StopReason | null; failed: boolean; text: string; hadWork: boolean }): void {
    const { stopReason, failed, text, hadWork } = exit;
    if (stopReason === null) {
      this.#parts.notice(failed ? 'error' : 'info', 'exit', text || 'The agent has ended by itself.');
    }
    if (stopReason === 'shutdown' && hadWork) {
      noteInterruption(this.#parts, 'The agent server was stopped while this session was at work.');
    }
  }

  /**
   * The CLI no longer knows its own session (it was killed before it wrote it down, or the files are gone): the messages that
   * it did not take go to a new one, with what is left of the conversation here, and the user is informed.
   */
  #restartFresh(): void {
    const { store, prompts } = this.#parts;
    this.#parts.notice(
      'warning',
      'session_lost',
      'The CLI no longer has the earlier conversation on its disk. A new one begins: the agent is told what you wrote before ' +
        'and how its last answer ended, and remembers nothing else of what is above.',
    );
    store.update({ isResumeLost: true });
    store.patch({ sessionId: null });
    prompts.requeueUndelivered();
    this.open();
    this.delivery.deliver();
  }

  /** Made once: it is used for each event. */
  #createEventContext(): EventContext {
    const parts = this.#parts;
    return {
      get log() {
        return parts.log;
      },
      pictures: parts.pictures,
      store: parts.store,
      now: parts.options.context.clock.now,
      apply: (event) => parts.status.apply(event),
      refreshPending: () => parts.refreshPending(),
      isBusy: () => parts.prompts.isBusy,
      newId: () => this.#newId(),
      isReplay: () => this.#isReplay,
    };
  }

  /** What an earlier server has made of the line that ends here: it is not read again, and nothing else may get its id. */
  #idsTaken(at: string): { at: string; count: number } {
    let count = -1;
    while (this.#parts.log.get(`${at}-${count + 1}`)) count++;
    return { at, count };
  }

  /** Of a CLI that outlives this server the place in its output, so that the same output gives the same id. */
  #newId(): string {
    const held = this.#parts.run?.cli.held;
    if (!held) return randomUUID();
    const at = `${held.id}-${held.offset}`;
    this.#lastId = { at, count: at === this.#lastId.at ? this.#lastId.count + 1 : 0 };
    return `${at}-${this.#lastId.count}`;
  }
}

/** Says in the conversation that a turn was cut off, and how to go on. */
export function noteInterruption(parts: SessionParts, what: string): void {
  parts.notice('warning', 'interrupted', `${what} ${RESUME_HINT}`);
}
