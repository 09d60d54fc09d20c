/** Hands waiting messages to the CLI, one a turn; changes, withdraws and hurries those that still wait. */
import { providerData } from '../../core/api/providers.ts';
import { Failure } from '../../core/api/errors.ts';
import type { QueuedChange, SendMessageBody, UserMessage } from '../../core/api/messages.ts';
import { queueEntry } from './apply-event.ts';
import type { CliRun } from './cli-run.ts';
import { lostContext, movedContext } from './lost-context.ts';
import type { SessionParts } from './session-parts.ts';

export class MessageDelivery {
  readonly #parts: SessionParts;
  readonly #open: () => void;
  /** A message that goes on after a limit is being saved: it may be stopped meanwhile. */
  #isGoingOn = false;

  /** @param open starts the CLI when none runs */
  constructor(parts: SessionParts, open: () => void) {
    this.#parts = parts;
    this.#open = open;
  }

  /**
   * While the CLI is being ended, messages wait for its exit; while it is at a turn, for the turn's end.
   * @returns true when one was handed over
   */
  deliver(): boolean {
    const { prompts, refusing, store } = this.#parts;
    if (!prompts.isWaiting || this.#parts.run?.stopReason || refusing) return false;
    if (this.#parts.isHeldBack || this.#isGoingOn) {
      this.#showQueue();
      return false;
    }
    if (!this.#parts.run) this.#open();
    const { run } = this.#parts;
    const isFree = run !== null && !this.#isOccupied(run);
    if (isFree) {
      run.expectsTurn = true;
      prompts.deliverNext(run.cli, this.#contextFor(run));
    }
    this.#showQueue();
    store.touch();
    return isFree;
  }

  /**
   * Goes on after a limit that is over: with this message, and then with those that waited meanwhile. The same message again
   * changes nothing. Throws Failure.
   */
  async goOn(message: SendMessageBody & { clientId: string }, by: string): Promise<void> {
    const { prompts, store, log } = this.#parts;
    this.#isGoingOn = true;
    try {
      await prompts.send(message, by);
    } finally {
      this.#isGoingOn = false;
      if (!this.#parts.isHeldBack) { // stopped, or switched off: only what others sent is handed over
        if (prompts.takeBack(message.clientId)) this.#cancelled(message.clientId);
        this.deliverNext();
      }
    }
    if (log.get(message.clientId)?.kind !== 'user' || !this.#parts.isHeldBack) return;
    store.update({ goneOn: { outputTokens: this.#parts.info.usage.outputTokens } });
    if (prompts.waitingIds.has(message.clientId)) await prompts.move(message.clientId, prompts.waiting[0]?.id ?? '');
    store.patch({ limit: null });
    this.deliverNext();
  }

  /** The turn that kept others waiting is over, or there is none: the next message is handed over. */
  deliverNext(): void {
    if (!this.deliver() || this.#parts.info.state === 'starting') return;
    // It works from here on, not from the CLI's first word; a message that is not taken sets that right.
    this.#parts.status.apply({ type: 'turn.start' });
  }

  /** The CLI has a message, or is at a turn of its own. */
  #isOccupied(run: CliRun): boolean {
    return run.isTurning || run.expectsTurn || this.#parts.prompts.isBusy;
  }

  /** What waits here stands behind what waits in the CLI. */
  #showQueue(): void {
    const { prompts, log, store, info } = this.#parts;
    const waiting = prompts.waiting.flatMap(({ id }) => {
      const message = log.get(id);
      return message?.kind === 'user' ? [message] : [];
    });
    for (const { id } of waiting) log.patch(id, { status: 'queued' });
    const ids = prompts.waitingIds;
    const handed = info.queue.filter(({ id }) => !ids.has(id)).map((entry) => ({ ...entry, handed: true }));
    store.patch({ queue: [...handed, ...waiting.map(queueEntry)] });
  }

  /** What the first message is begun with to a session that stands in the place of a lost one, or to a copy; else ''. */
  #contextFor(run: CliRun): string {
    const { record, info, log } = this.#parts;
    const isFirst = !run.hasContext && record.isResumeLost && info.sessionId === null;
    const isMoved = !run.hasContext && record.movedFrom !== '' && info.usage.turns === 0;
    if (!isFirst && !isMoved) return '';
    run.hasContext = true;
    return isFirst ? lostContext(log.newest()) : movedContext(record.movedFrom, record.cwd);
  }

  /** Withdraws a message that the CLI has not begun with. Throws Failure. */
  async cancel(messageId: string): Promise<void> {
    const { log, prompts, run } = this.#parts;
    const message = log.get(messageId);
    if (message?.kind !== 'user') throw new Failure('not_found', 'There is no such message.');
    if (message.status !== 'queued' && message.status !== 'accepted') {
      throw new Failure('already_sent', 'This message is already with the agent: interrupt it instead.');
    }
    // What no CLI has is taken out of our own queue: the next one would get it.
    if (prompts.takeBack(messageId)) this.#cancelled(messageId);
    else run?.cli.cancelQueued(messageId);
    await Promise.resolve();
  }

  /** Withdraws everything that no CLI has. */
  cancelWaiting(): void {
    for (const { id } of this.#parts.prompts.clear()) this.#cancelled(id);
  }

  /** It need not be on disk: after a crash nothing is handed over. */
  #cancelled(messageId: string): void {
    const { log, store, info } = this.#parts;
    log.patch(messageId, { status: 'cancelled' });
    store.patch({ queue: info.queue.filter(({ id }) => id !== messageId) });
    this.#parts.releaseAtRest();
  }

  /** Changes the text of a message that no CLI has, or its place in the queue. Throws Failure. */
  async change(messageId: string, { text, before }: QueuedChange): Promise<UserMessage> {
    const { prompts } = this.#parts;
    this.#refuseUnqueued(messageId);
    if (text !== undefined) await prompts.edit(messageId, text);
    if (before !== undefined) await prompts.move(messageId, before);
    this.#showQueue();
    return this.#parts.log.get(messageId) as UserMessage;
  }

  /**
   * Has a waiting message read now: in the running turn where the CLI can, else in the next one, for which the running one is
   * interrupted. Throws Failure.
   */
  async sendNow(messageId: string): Promise<{ steered: boolean }> {
    const { prompts } = this.#parts;
    this.#refuseUnqueued(messageId);
    await prompts.move(messageId, prompts.waiting[0]?.id ?? '');
    const { run, info } = this.#parts;
    const steered = !!run && !run.stopReason && providerData(info.provider).features.steer;
    if (steered) prompts.deliverNow(run.cli, messageId);
    else if (run?.isTurning && !run.stopReason) run.cli.interrupt();
    this.#showQueue();
    return { steered };
  }

  #refuseUnqueued(messageId: string): void {
    const message = this.#parts.log.get(messageId);
    if (message?.kind !== 'user') throw new Failure('not_found', 'There is no such message.');
    if (message.status === 'queued' || message.status === 'accepted') return;
    throw new Failure('already_sent', 'This message does not wait any more: it can no longer be changed.');
  }
}
