/** What this machine says of itself: its name and version, and which CLIs and terminals can be used on it. */
import { hostname } from 'node:os';
import process from 'node:process';
import type { Timer } from '../../core/clock.ts';
import type { MachineInfo } from '../../core/api/live.ts';
import type { AgentContext } from '../context.ts';
import { providerInfo } from '../provider/provider-info.ts';
import type { Provider } from '../provider/provider.ts';
import type { Terminals } from '../terminal/terminals.ts';

/** How long the start waits for the CLIs' versions, ms. */
const PROBE_WAIT_MS = 3000;
const PROBE_EVERY_MS = 60_000;

export interface MachineOptions {
  context: AgentContext;
  version: string;
  providers: () => readonly Provider[];
  terminals: Pick<Terminals, 'availability'>;
}

export class Machine {
  readonly #options: MachineOptions;
  readonly #startedAt: number;
  #providers: MachineInfo['providers'] = {};
  #timer: Timer | null = null;
  #isClosed = false;
  #unsubscribe: () => void = () => {};

  constructor(options: MachineOptions) {
    this.#options = options;
    this.#startedAt = options.context.clock.now();
  }

  /** Asks the CLIs for their versions, and again from time to time. Resolves when they have answered, or after 3 s. */
  async start(): Promise<void> {
    const { clock, subscribe } = this.#options.context;
    // The settings add and remove agent programs.
    this.#unsubscribe = subscribe((change) => void (change.type === 'settings' && this.#refresh()));
    let late: Timer | null = null;
    const waited = new Promise<void>((resolve) => late = clock.setTimeout(resolve, PROBE_WAIT_MS));
    await Promise.race([this.#probe(), waited]);
    clock.clearTimeout(late);
  }

  async #probe(): Promise<void> {
    const { clock } = this.#options.context;
    await this.#refresh();
    if (this.#isClosed) return;
    this.#timer = clock.setTimeout(() => void this.#probe(), PROBE_EVERY_MS);
  }

  async #refresh(): Promise<void> {
    const probed: MachineInfo['providers'] = {};
    await Promise.all(
      this.#options.providers().map(async (provider) => {
        probed[provider.name] = await providerInfo(provider);
      }),
    );
    this.#providers = probed;
  }

  info(): MachineInfo {
    const { context: { config }, version, terminals } = this.#options;
    return {
      name: hostname(),
      platform: `${process.platform} ${process.arch}`,
      version,
      startedAt: this.#startedAt,
      providers: this.#providers,
      defaultDirectory: config.isDirectorySet ? config.defaultDirectory : '',
      terminals: terminals.availability(),
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#options.context.clock.clearTimeout(this.#timer);
  }
}
