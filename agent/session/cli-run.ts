/** One run of an agent's CLI: from open() to its exit event. */
import type { Clock, Timer } from '../../core/clock.ts';
import type { HolderOptions, OpenOptions, Provider, ProviderEvent, ProviderSession } from '../provider/provider.ts';
import type { AgentRecord } from './record.ts';
import type { StopReason } from './state.ts';

/** An idle CLI that was asked to end may take this long, ms: a hook or an MCP server that hangs keeps it. Messages wait meanwhile. */
const REAP_MS = 5000;

export interface CliRunOptions {
  provider: Provider;
  /** Where the files are that were sent to the agent; null: none was. */
  attachments: string | null;
  /** Where the CLI is to be held, or is held since before this server; undefined: it ends with this server. */
  holder?: HolderOptions;
  clock: Clock;
  onEvent(event: ProviderEvent): void;
  /** stop() is done, also when the provider never emitted its exit. */
  onStopped(): void;
}

export class CliRun {
  readonly cli: ProviderSession;
  readonly #clock: Clock;
  readonly #onStopped: () => void;
  stopReason: StopReason | null = null;
  /** Why, in a sentence, where the reason alone does not say. */
  stopText = '';
  /** The agent was at something when the CLI was asked to end. */
  hadWork = false;
  /** Between turn.start and turn.end. */
  isTurning = false;
  /** It was handed a message, and no turn has ended since. */
  expectsTurn = false;
  /** It was given what is left of a conversation that was lost. */
  hasContext = false;
  #stopping: Promise<void> | null = null;
  #reapTimer: Timer | null = null;

  /** Starts the CLI; it resumes the session that the record names. */
  constructor(record: AgentRecord, { provider, holder, attachments, clock, onEvent, onStopped }: CliRunOptions) {
    this.#clock = clock;
    this.#onStopped = onStopped;
    const more = { ...(holder ? { holder } : {}), ...(attachments ? { attachments } : {}) };
    this.cli = provider.open({ ...openOptions(record), ...more }, onEvent);
  }

  /** Resolves when the CLI and all that it started have ended. */
  stop(reason: StopReason, hadWork: boolean): Promise<void> {
    this.stopReason = reason;
    this.hadWork = hadWork;
    return this.#stop();
  }

  /** Ends an idle CLI gently, and by force when it takes longer than REAP_MS. */
  reap(): void {
    this.stopReason = 'reap';
    this.#reapTimer = this.#clock.setTimeout(() => void this.#stop(), REAP_MS);
    this.cli.reap();
  }

  /** The exit event has come. */
  ended(): void {
    this.#clock.clearTimeout(this.#reapTimer);
  }

  #stop(): Promise<void> {
    return this.#stopping ??= this.cli.stop().finally(() => this.#onStopped());
  }
}

/** A mode that was chosen since the agent was made goes before the flag that it was made with: nobody agreed to more again. */
function flagsNow({ flags, mode, sessionId }: AgentRecord['info']): AgentRecord['info']['flags'] {
  const isAsking = flags.dangerouslySkipPermissions === true && mode !== 'bypassPermissions';
  const isLessAutomatic = flags.fullAuto === true && sessionId !== null && mode === 'default';
  return {
    ...flags,
    ...(isAsking ? { dangerouslySkipPermissions: false } : {}),
    ...(isLessAutomatic ? { fullAuto: false } : {}),
  };
}

/** What the agent's next CLI is opened with. */
export function openOptions({ info, cwd, isResumeLost }: AgentRecord): OpenOptions {
  const { resume = null, forkSession = false, resumeAt } = isResumeLost ? {} : info.flags;
  const fork = info.sessionId === null && forkSession;
  return {
    agentId: info.id,
    cwd,
    resume: info.sessionId ?? resume,
    fork,
    ...(fork && resumeAt ? { forkAt: resumeAt } : {}),
    flags: flagsNow(info),
    model: info.model,
    mode: info.mode,
    effort: info.effort,
  };
}
