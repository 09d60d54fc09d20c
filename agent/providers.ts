/** The CLIs that agents can run on: Claude and Codex by drivers of their own, all others by the Agent Client Protocol. */
import type { AcpProviderInfo } from '../core/api/providers.ts';
import type { AcpAgentSettings, ToolInfo } from '../core/api/settings.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Config } from './config.ts';
import type { AgentContext } from './context.ts';
import type { Environment } from './process/environment.ts';
import { createAcp } from './provider/acp/acp.ts';
import { type AcpAgent, PRESETS } from './provider/acp/presets.ts';
import { claudeTool } from './provider/claude/tool.ts';
import { codexTool } from './provider/codex/tool.ts';
import { createClaude } from './provider/claude/claude.ts';
import { createCodex } from './provider/codex/codex.ts';
import { providerInfo } from './provider/provider-info.ts';
import type { Provider } from './provider/provider.ts';
import type { ProviderSet } from './provider/provider-set.ts';

/** Where CLIs are held, so that they outlive this server. */
export const cliHolders = ({ dataDir, holderIdleMs: idleMs }: Config) => ({ dataDir, idleMs });

/** Those with drivers of their own. */
export const createOwnProviders = ({ config, log, clock }: AgentContext, env: Environment): Provider[] => [
  createClaude({
    bin: config.programs.claude,
    configDir: config.programDirectories.claude,
    env,
    log: log.tagged('Claude'),
    clock,
    holders: cliHolders(config),
  }),
  createCodex({
    bin: config.programs.codex,
    env,
    log: log.tagged('Codex'),
    clock,
    holders: cliHolders(config),
  }),
];

/** What the settings page shows of them. */
export const ownTools = ({ programs }: Config): Promise<ToolInfo>[] => [
  claudeTool(programs.claude),
  codexTool(programs.codex),
];

interface ProvidersOptions {
  /** Those with drivers of their own; no other may take their names. */
  own: readonly Provider[];
  /** From the settings, read anew each time: one of a preset's id takes its place. */
  custom: () => readonly AcpAgentSettings[];
  env: Environment;
  clock: Clock;
  log?: Log;
  /** Where the agents of the Agent Client Protocol are held; missing: they end with this server. */
  holders?: { dataDir: string; idleMs: number };
}

export function createProviders({ own, custom, env, clock, log, holders }: ProvidersOptions): ProviderSet {
  /** By what they are started with: a change in the settings makes a new one, sessions keep theirs. */
  const running = new Map<string, Provider>();
  const agents = (): AcpAgent[] => {
    const byId = new Map(PRESETS.map((agent) => [agent.id, agent]));
    for (const agent of custom()) {
      byId.set(agent.id, merged(agent, byId.get(agent.id)));
    }
    for (const { name } of own) byId.delete(name);
    return [...byId.values()];
  };
  const providerOf = (agent: AcpAgent): Provider => {
    const key = JSON.stringify(agent);
    const known = running.get(key);
    if (known) return known;
    const provider = createAcp({ agent, env, clock, log: log?.tagged(agent.name), ...(holders ? { holders } : {}) });
    running.set(key, provider);
    return provider;
  };
  return {
    get(name) {
      const found = own.find((provider) => provider.name === name);
      if (found) return found;
      const agent = agents().find(({ id }) => id === name);
      return agent ? providerOf(agent) : null;
    },
    all: () => [...own, ...agents().map(providerOf)],
    acp: () => {
      const ids = new Set(custom().map(({ id }) => id));
      return Promise.all(agents().map((agent) => acpInfo(agent, providerOf(agent), ids.has(agent.id))));
    },
    close: async () => {
      await Promise.all([...own, ...running.values()].map((provider) => provider.close()));
    },
  };
}

const acpInfo = async (agent: AcpAgent, provider: Provider, custom: boolean): Promise<AcpProviderInfo> => ({
  id: agent.id,
  command: [agent.command, ...agent.args].join(' '),
  install: agent.install,
  custom,
  ...await providerInfo(provider),
});

/** What the settings say of an agent that is known goes before what is known of it. */
export function merged(agent: AcpAgentSettings, known: AcpAgent | undefined): AcpAgent {
  const env = { ...known?.env, ...agent.env };
  // It asks because of a variable: with another value nobody knows whether it does.
  const isAsIs = Object.entries(known?.env ?? {}).every(([name, value]) => env[name] === value);
  const asksByConfiguration = known?.asksByConfiguration === true && isAsIs;
  return { ...known, ...agent, env, asksByConfiguration, install: known?.install ?? `the program "${agent.command}"` };
}
