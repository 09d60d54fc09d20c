/** What the parts of a session share: its record, messages, state, waiting messages, hold on the CLI's session, and the CLI that runs. */
import { randomUUID } from 'node:crypto';
import type { Timer } from '../../core/clock.ts';
import type { Failure } from '../../core/api/errors.ts';
import type { AgentInfo, Capabilities } from '../../core/api/agents.ts';
import type { LiveChange } from '../../core/api/live.ts';
import type { LimitWindow } from '../../core/api/usage.ts';
import type { AgentContext } from '../context.ts';
import type { Provider } from '../provider/provider.ts';
import type { Document } from '../store/document.ts';
import { AgentInfoStore } from './agent-info-store.ts';
import type { CliRun } from './cli-run.ts';
import { LazyLog } from './lazy-log.ts';
import type { MessageLog, MessageLogOptions } from './message-log.ts';
import { AttachmentStore, MAX_ATTACHMENTS } from './attachments.ts';
import { PictureStore } from './pictures.ts';
import { PromptQueue } from './prompt-queue.ts';
import type { AgentRecord } from './record.ts';
import { SessionHold, type SessionHoldOptions } from './session-hold.ts';
import { SessionStatus } from './session-status.ts';

export interface AgentSessionOptions {
  context: AgentContext;
  provider: Provider;
  document: Document<AgentRecord>;
  journalPath: string;
  picturesPath: string;
  attachmentsPath: string;
  hold: Omit<SessionHoldOptions, 'record'>;
  publish(change: LiveChange, json?: string): void;
  /** The CLI has said what it can. */
  onCapabilities(capabilities: Capabilities): void;
  /** Why the agent may not begin anything at the moment; null: it may. */
  refuse(): Failure | null;
  /** The CLI has said how much of its account's limits is used. */
  onLimits(windows: LimitWindow[]): void;
}

/** How long the end of a session waits for files that are being rewound, ms. */
const REWIND_MS = 5000;

export class SessionParts {
  readonly options: AgentSessionOptions;
  readonly store: AgentInfoStore;
  readonly pictures: PictureStore;
  readonly attachments: AttachmentStore;
  readonly status: SessionStatus;
  readonly prompts: PromptQueue;
  readonly lazyLog: LazyLog;
  /** Held while a CLI runs or a message is on its way to one. */
  readonly hold: SessionHold;
  run: CliRun | null = null;
  /** Why the session takes no messages and starts no CLI: it is about to be closed or deleted. */
  refusing: Failure | null = null;
  /** Files are being rewound; resolves when that is over. */
  rewinding: Promise<void> | null = null;

  /** @param onAccepted a message waits for the CLI */
  constructor(options: AgentSessionOptions, onAccepted: () => void) {
    const { context, document, publish } = options;
    const log = () => this.log;
    this.options = options;
    this.hold = new SessionHold({ ...options.hold, record: () => this.record });
    this.store = new AgentInfoStore(document, context, publish);
    this.pictures = new PictureStore(options.picturesPath);
    this.attachments = new AttachmentStore(options.attachmentsPath, MAX_ATTACHMENTS, context.clock.now);
    this.lazyLog = new LazyLog(this.#logOptions());
    this.status = new SessionStatus(this.store, log, context.clock.now);
    this.prompts = new PromptQueue({
      log,
      pictures: this.pictures,
      attachments: this.attachments,
      refusing: () => this.refusing,
      prepare: async () => {
        const refusal = options.refuse();
        if (refusal) throw refusal;
        // A CLI that is being ended for a terminal still runs: the session is the terminal's already.
        await this.hold.takeToSend(this.run !== null);
      },
      onAccepted,
    });
  }

  get id(): string {
    return this.info.id;
  }
  get info(): AgentInfo {
    return this.store.info;
  }
  get record(): AgentRecord {
    return this.store.record;
  }
  get log(): MessageLog {
    return this.lazyLog.get();
  }

  #logOptions(): MessageLogOptions {
    const { context, publish, journalPath } = this.options;
    return {
      agentId: this.id,
      path: journalPath,
      clock: context.clock,
      publish,
      warn: (text) => context.warn(`journal ${this.id}`, text),
      onAdded: (message) => this.store.patch({ lastSeq: message.seq }),
    };
  }

  /** The end of the process would cut something off: a turn, work in the background, a message that is not begun with. */
  get hasWork(): boolean {
    const { background = false, queue, state } = this.info;
    // Nothing runs, and what waits is on disk: the next server takes it up.
    if (state === 'waiting_limit') return background;
    return this.status.isAtWork || background || queue.length > 0 ||
      this.log.open().some(({ kind }) => kind === 'user');
  }

  /** Messages wait until the limit is reset, with the agent that goes on by itself then. */
  get isHeldBack(): boolean {
    const { state, goOn = false, limit } = this.info;
    return state === 'waiting_limit' && goOn && !!limit && limit.resetsAt !== null && !limit.isStuck;
  }

  /** Nobody works on the CLI's session any more, and nothing is on its way to it. */
  releaseAtRest(): void {
    if (!this.run && this.prompts.isEmpty) this.hold.release();
  }

  refreshPending(): void {
    this.status.refreshPending(this.run?.isTurning ?? false);
  }

  refreshBackground(): void {
    this.status.refreshBackground(this.run?.cli.hasBackgroundWork === true);
  }

  /** Adds a line of the server itself, e.g. about the directory that the agent works in. @returns its id */
  notice(level: 'info' | 'warning' | 'error', code: string, text: string): string {
    return this.log.add({ kind: 'notice', id: randomUUID(), level, code, text, passing: false }).id;
  }

  /** The end begins: nothing is taken any more. A rewind that runs is given a moment, else files would be left half as they were. */
  async refuseForGood(reason: Failure): Promise<void> {
    const { rewinding } = this;
    if (rewinding) this.refusing = reason;
    else this.refusing ??= reason;
    if (!rewinding) return;
    const { clock } = this.options.context;
    let timer: Timer | null = null;
    await Promise.race([rewinding, new Promise<void>((resolve) => timer = clock.setTimeout(resolve, REWIND_MS))]);
    clock.clearTimeout(timer);
  }

  /** Its process has ended. */
  forgetProcess(): void {
    this.store.update({ process: null, run: null });
    this.store.patch({ cli: { ...this.info.cli, running: false, pid: null } });
  }
}
