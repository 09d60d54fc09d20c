/** Mode, model and options of one ACP session: what the agent told, and how they are set. */
import type { PermissionMode } from '../../../core/api/agents.ts';
import { type JsonObject, string } from '../untyped-json.ts';
import { type JsonRpc, RpcError } from './json-rpc.ts';
import {
  asksByItself,
  type ConfigOption,
  effortOption,
  modeId,
  modeOf,
  NO_OPTIONS,
  readSessionOptions,
  type SessionOptions,
} from './modes.ts';
import type { AcpAgent } from './presets.ts';

/** An agent that does not answer for so long does not take the setting, ms. */
const SETTING_MS = 10_000;

interface Wanted {
  mode: PermissionMode;
  model: string;
  effort: string;
}

/** As JSON: a later server goes on with it. */
export interface SettingsSnapshot {
  options: SessionOptions;
  chosen: PermissionMode | null;
}

interface SettingsHost {
  agent: AcpAgent;
  rpc: JsonRpc;
  notice(level: 'info' | 'warning', code: string, text: string): void;
}

export class AcpSettings {
  readonly #host: SettingsHost;
  #options: SessionOptions = NO_OPTIONS;
  /** The mode that was set last, as far as the agent has it; null before. */
  #chosen: PermissionMode | null = null;

  constructor(host: SettingsHost) {
    this.#host = host;
  }

  get options(): SessionOptions {
    return this.#options;
  }

  /**
   * The mode that the agent says it is in; null when it has none that is known here. One that allows everything counts only
   * when a person chose it: it would be stored, and set again when the session goes on.
   */
  get mode(): PermissionMode | null {
    return this.#hasLeft ? this.#chosen : modeOf(this.#options.currentMode);
  }

  /** The agent has gone by itself to a mode that asks for nothing. */
  get #hasLeft(): boolean {
    return modeOf(this.#options.currentMode) === 'bypassPermissions' && this.#chosen !== 'bypassPermissions';
  }

  snapshot(): SettingsSnapshot {
    return { options: this.#options, chosen: this.#chosen };
  }

  restore({ options, chosen }: SettingsSnapshot): void {
    this.#options = options;
    this.#chosen = chosen;
  }

  /** The result of session/new, load or resume. */
  begin(result: JsonObject): void {
    this.#options = readSessionOptions(result);
  }

  /** `current_mode_update` or `config_option_update`. */
  update(update: JsonObject): void {
    const current = string(update.currentModeId);
    const hadLeft = this.#hasLeft;
    this.#options = current ? { ...this.#options, currentMode: current } : readSessionOptions(update, this.#options);
    if (!this.#hasLeft || hadLeft || this.#chosen === null) return;
    const { agent, notice } = this.#host;
    const text =
      `${agent.name} has switched to a mode that asks for nothing (${this.#options.currentMode}). Choose a mode to end it.`;
    notice('warning', 'mode', text);
  }

  /** Before anything is prompted: an agent in a mode that acts would act. Rejects when the mode is not taken. */
  async setUp(sessionId: string, { mode, model, effort }: Wanted): Promise<void> {
    await this.setMode(sessionId, mode);
    if (model && model !== this.#options.currentModel) await this.setModel(sessionId, model).catch(this.#refused);
    if (effort) await this.setEffort(sessionId, effort).catch(this.#refused);
  }

  /** A model that is not there any more is no reason not to begin. */
  #refused = (error: Error) => {
    if (!(error instanceof RpcError) || error.code === null) throw error;
    this.#host.notice('warning', 'control', `${this.#host.agent.name}: ${error.message}`);
  };

  /** A mode that the agent does not have is never taken for another one that acts: it falls back to the one that asks. */
  async setMode(sessionId: string, mode: PermissionMode): Promise<void> {
    const exact = modeId(this.#options, mode);
    const id = exact ?? modeId(this.#options, 'default');
    if (id === null || !asksByItself(id)) this.#noteNoMode();
    if (id === null) return;
    const { agent, notice } = this.#host;
    if (exact === null) notice('info', 'mode', `${agent.name} has no such mode (${mode}): it asks before it acts.`);
    const option = this.#find('mode');
    if (option) await this.#setOption(sessionId, option, id);
    else await this.#request('session/set_mode', { sessionId, modeId: id });
    this.#options = { ...this.#options, currentMode: id };
    this.#chosen = exact === null ? 'default' : mode;
    await this.#setAllowAll(sessionId, mode === 'bypassPermissions' && exact !== null);
  }

  #noteNoMode(): void {
    const { agent, notice } = this.#host;
    if (agent.asksByConfiguration) {
      return notice(
        'info',
        'mode',
        `${agent.name} has no mode that asks; its configuration tells it to ask before it acts.`,
      );
    }
    const text =
      `${agent.name} has no mode that asks before it acts: it may act without asking, unless its configuration says otherwise.`;
    notice('warning', 'mode', text);
  }

  /** Copilot keeps "allow all" apart from its modes, and over a restart. */
  async #setAllowAll(sessionId: string, on: boolean): Promise<void> {
    const option = this.#find('permissions');
    if (!option) return;
    const value = option.isBoolean ? String(on) : on ? 'on' : 'off';
    if (option.current !== value) await this.#setOption(sessionId, option, value);
  }

  async setModel(sessionId: string, model: string): Promise<void> {
    const option = this.#find('model');
    if (option) return await this.#setOption(sessionId, option, model);
    await this.#request('session/set_model', { sessionId, modelId: model });
    this.#options = { ...this.#options, currentModel: model };
  }

  /** Nothing happens where the agent has no such option. */
  async setEffort(sessionId: string, effort: string): Promise<void> {
    const option = effortOption(this.#options, effort);
    if (option) await this.#setOption(sessionId, option, effort);
  }

  #find(category: string): ConfigOption | undefined {
    return this.#options.config.find((option) => option.category === category);
  }

  async #setOption(sessionId: string, { id, isBoolean }: ConfigOption, value: string): Promise<void> {
    const typed = isBoolean ? { type: 'boolean', value: value === 'true' } : { value };
    const result = await this.#request('session/set_config_option', { sessionId, configId: id, ...typed });
    this.#options = readSessionOptions(result, this.#options);
  }

  #request(method: string, params: JsonObject): Promise<JsonObject> {
    return this.#host.rpc.request(method, params, SETTING_MS);
  }
}
