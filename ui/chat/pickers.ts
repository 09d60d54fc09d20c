import { html } from '../html.ts';
import type { AgentInfo, Capabilities, PermissionMode } from '../../core/api/agents.ts';
import { Select, toastError } from '../components/mod.ts';
import type { Option } from '../components/select.ts';
import { t } from '../i18n/all.ts';
import { path } from '../route.ts';
import { useApp } from '../app.ts';

type Setting = 'mode' | 'model' | 'effort';

interface Props {
  agent: AgentInfo;
  capabilities: Capabilities | null;
}

/** Mode, model and effort of a session, in words that say what they allow. */
export function Pickers({ agent, capabilities }: Props) {
  const models = capabilities?.models ?? [];
  const efforts = models.find((model) => model.value === agent.model)?.efforts ?? [];
  return html`
    <div class="pickers">
      <${Picker} agent=${agent} setting="mode" class=${`mode-${agent.mode}`} options=${modeOptions(
        agent,
        capabilities,
      )} />
      ${models.length > 0 && html`<${Picker} agent=${agent} setting="model" options=${modelOptions(agent, models)} />`}
      ${efforts.length > 0 &&
        html`<${Picker} agent=${agent} setting="effort" options=${effortOptions(agent, efforts)} />`}
    </div>
  `;
}

interface PickerProps {
  agent: AgentInfo;
  setting: Setting;
  options: readonly Option[];
  class?: string;
}

/** Shows the new value at once, and the old one again when the server refuses it. */
function Picker({ agent, setting, options, class: extra = '' }: PickerProps) {
  const { api, store } = useApp();
  function change(value: string) {
    const before = agent[setting];
    const show = (shown: string) => store.change({ type: 'agent.patch', id: agent.id, patch: { [setting]: shown } });
    show(value);
    api.put(path`/api/agents/${agent.id}/${setting}`, { [setting]: value }).catch((error) => {
      show(before);
      toastError(error);
    });
  }
  return html`
    <${Select}
      class=${`compact ${extra}`}
      aria-label=${t.pickers[setting]}
      value=${agent[setting]}
      options=${options}
      onChange=${change}
    />
  `;
}

const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan'];

function modeOptions({ mode }: AgentInfo, capabilities: Capabilities | null): Option[] {
  const modes = capabilities?.modes.length ? capabilities.modes : MODES;
  return withCurrent(modes.map((value) => ({ value, label: t.pickers.modes[value] ?? value })), mode);
}

const modelOptions = ({ model }: AgentInfo, models: Capabilities['models']): Option[] =>
  withCurrent(models.map(({ value, label }) => ({ value, label })), model);

const effortOptions = ({ effort }: AgentInfo, efforts: readonly string[]): Option[] =>
  withCurrent(efforts.map((value) => ({ value, label: t.pickers.efforts(value) })), effort, t.pickers.efforts(''));

/** What is set now is always among the options, also when the CLI does not list it. */
function withCurrent(options: Option[], current: string, label = current): Option[] {
  return options.some((option) => option.value === current)
    ? options
    : [{ value: current, label: label || t.pickers.standard }, ...options];
}
