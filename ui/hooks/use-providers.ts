/** The agent programs that there are: what the machine said when the page connected, and what the settings have changed since. */
import type { ProviderName } from '../../core/api/agents.ts';
import { type AcpProviderInfo, providerData, type ProviderInfo } from '../../core/api/providers.ts';
import { useApp, useStore } from '../app.ts';
import { t } from '../i18n/t.ts';
import type { State } from '../state/store.ts';
import { useResource } from './use-resource.ts';

/** Starting every program to ask for its version can take a while, ms. */
const SLOW = { timeout: 60_000 };
const NONE: Record<string, ProviderInfo> = {};

/** By name; those with drivers of their own, and all that speak the Agent Client Protocol. */
export function useProviders(): Readonly<Record<string, ProviderInfo>> {
  const own = useStore((state) => state.machine?.providers) ?? NONE;
  const { value } = useAcpProviders();
  return value ? { ...ownOnly(own), ...Object.fromEntries(value.map((info) => [info.id, info])) } : own;
}

const ownOnly = (all: Readonly<Record<string, ProviderInfo>>) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => providerData(name).label !== ''));

export function useAcpProviders() {
  const { api } = useApp();
  const version = useStore((state) => state.settingsVersion);
  return useResource(() => api.get<AcpProviderInfo[]>('/api/settings/providers', SLOW), [version], 'acp-providers');
}

/** What people call a provider. */
export const providerLabel = (name: ProviderName, machine: State['machine']): string =>
  machine?.providers[name]?.label ?? t.provider[name] ?? name;

export const useProviderLabel = (name: ProviderName): string => useStore((state) => providerLabel(name, state.machine));
