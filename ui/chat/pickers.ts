import { html } from '../html.ts';
import type { AgentInfo, Capabilities, PermissionMode } from '../../core/wire/types.ts';
import { Select, toastError } from '../components/mod.ts';
import { t } from '../i18n/en.ts';
import { path } from '../route.ts';
import { api, store } from '../services.ts';
import { change } from '../store.ts';

/** Mode, model and effort of a session, in words that say what they allow. */
export function Pickers({ agent, capabilities }: { agent: AgentInfo; capabilities: Capabilities | null }) {
  const set = (what: 'mode' | 'model' | 'effort') => (value: string) => {
    const before = agent[what];
    const show = (shown: string) =>
      store.set(change(store.get(), { type: 'agent.patch', id: agent.id, patch: { [what]: shown } }));
    show(value);
    api.put(path`/api/agents/${agent.id}/${what}`, { [what]: value }).catch((error) => {
      show(before);
      toastError(error);
    });
  };
  const models = capabilities?.models ?? [];
  const efforts = models.find((model) => model.value === agent.model)?.efforts ?? [];
  return html`<div class="pickers">
    <${Select} class=${`compact mode-${agent.mode}`} aria-label=${t.pickers.mode} value=${agent.mode} options=${
    modeOptions(agent, capabilities)
  } onChange=${set('mode')} />
    ${
    models.length > 0 &&
    html`<${Select} class="compact" aria-label=${t.pickers.model} value=${agent.model} options=${
      withCurrent(models.map(({ value, label }) => ({ value, label })), agent.model)
    } onChange=${set('model')} />`
  }
    ${
    efforts.length > 0 &&
    html`<${Select} class="compact" aria-label=${t.pickers.effort} value=${agent.effort} options=${
      withCurrent(
        efforts.map((value) => ({ value, label: t.pickers.efforts(value) })),
        agent.effort,
        t.pickers.efforts(''),
      )
    } onChange=${set('effort')} />`
  }
  </div>`;
}

const MODES: PermissionMode[] = ['default', 'acceptEdits', 'plan'];

function modeOptions(agent: AgentInfo, capabilities: Capabilities | null) {
  const modes = capabilities?.modes.length ? capabilities.modes : MODES;
  return withCurrent(
    modes.map((value) => ({ value: value as string, label: t.pickers.modes[value] ?? value })),
    agent.mode,
  );
}

/** What is set now is always among the options, also when the CLI does not list it. */
function withCurrent(options: { value: string; label: string }[], current: string, label = current) {
  return options.some((option) => option.value === current)
    ? options
    : [{ value: current, label: label || t.pickers.standard }, ...options];
}
