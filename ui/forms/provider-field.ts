import { html } from '../html.ts';
import type { ProviderName } from '../../core/api/agents.ts';
import { OWN_PROVIDERS, providerData, type ProviderInfo } from '../../core/api/providers.ts';
import { Segments, SelectField } from '../components/mod.ts';
import type { Option } from '../components/select.ts';
import { useProviders } from '../hooks/use-providers.ts';

/** More than these do not fit side by side on a phone. */
const MAX_SEGMENT = 2;

const named = (icon: string, label: string) => (icon ? `${icon} ${label}` : label);

const OWN: readonly Option[] = OWN_PROVIDERS.map((value) => {
  const { icon, label } = providerData(value);
  return { value, label: named(icon, label) };
});

/**
 * Those with drivers of their own, and every other one that is installed: most people have none of most of them.
 * @param current stays among them, also when it is not there (any more)
 */
export const providerOptions = (known: Readonly<Record<string, ProviderInfo>>, current: ProviderName): Option[] => {
  const others = Object.entries(known).filter(([name, { available }]) => available && !OWN_PROVIDERS.includes(name));
  const options = [...OWN, ...others.map(([value, { icon, label }]) => ({ value, label: named(icon, label) }))];
  const isKnown = options.some(({ value }) => value === current);
  return isKnown ? options : [...options, { value: current, label: known[current]?.label ?? current }];
};

interface Props {
  label: string;
  value: ProviderName;
  /** Those that cannot be chosen. */
  disabled?: (name: ProviderName) => boolean;
  onChange: (provider: ProviderName) => void;
}

/** Which agent program is to be used. */
export function ProviderField({ label, value, disabled = () => false, onChange }: Props) {
  const options = providerOptions(useProviders(), value)
    .map((option) => ({ ...option, disabled: disabled(option.value) }));
  if (options.length > MAX_SEGMENT) {
    return html`<${SelectField} label=${label} value=${value} options=${options} onChange=${onChange} />`;
  }
  return html`
    <div class="field">
      <span class="label">${label}</span>
      <div>
        <${Segments} label=${label} value=${value} options=${options} onChange=${onChange} />
      </div>
    </div>
  `;
}
