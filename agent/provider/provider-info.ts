/** What the page is told of a provider. */
import { providerData, type ProviderInfo } from '../../core/api/providers.ts';
import type { Provider } from './provider.ts';

/** Never rejects; takes at most as long as the probe. */
export async function providerInfo(provider: Provider): Promise<ProviderInfo> {
  const { label, icon } = providerData(provider.name);
  const probed = await provider.probe();
  return { label: provider.label || label || provider.name, icon: provider.icon || icon, ...probed };
}
