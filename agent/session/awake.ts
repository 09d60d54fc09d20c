/** Keeps the machine awake while an agent is at a turn, if the settings say so. A request that waits for a person is part of its turn. */
import type { AgentInfo } from '../../core/api/agents.ts';
import type { AgentContext } from '../context.ts';
import type { Environment } from '../process/environment.ts';
import { KeepAwake } from '../process/keep-awake.ts';

export interface AwakeOptions {
  context: AgentContext;
  agents: { list(): AgentInfo[] };
  env: Environment;
  isOn(): boolean;
  platform?: NodeJS.Platform;
}

export class Awake {
  readonly #options: AwakeOptions;
  readonly #keepAwake: KeepAwake;
  readonly #unsubscribe: () => void;
  #isOn = false;

  constructor(options: AwakeOptions) {
    const { context: { clock, log, warn, subscribe }, env, platform } = options;
    this.#options = options;
    this.#keepAwake = new KeepAwake({ env, clock, log, platform, warn: (text) => warn('keep-awake', text) });
    this.#unsubscribe = subscribe((change) => {
      const isPatch = change.type === 'agent.patch' && ('state' in change.patch || 'background' in change.patch);
      if (isPatch || ['agent', 'agent.removed', 'settings'].includes(change.type)) this.#look();
    });
    this.#look();
  }

  /** The process that keeps the machine awake; null: none does. */
  get pid(): number | null {
    return this.#keepAwake.pid;
  }

  #look(): void {
    const { agents, isOn } = this.#options;
    const wasOn = this.#isOn;
    this.#isOn = isOn();
    if (this.#isOn) this.#keepAwake.set(agents.list().some(isAtTurn));
    else if (wasOn) this.#keepAwake.off();
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    await this.#keepAwake.close();
  }
}

const isAtTurn = ({ state, background }: AgentInfo): boolean =>
  state === 'starting' || state === 'running' || state === 'waiting_input' || background === true;
