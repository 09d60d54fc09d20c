import { html, useState } from '../html.ts';
import type { OpenCliStatus, ToolInfo } from '../../core/wire/workshop.ts';
import { Button, Card, Icon, Pill, Skeleton, toastError } from '../components/mod.ts';
import { w } from '../i18n/en-workshop.ts';
import { useLoaded } from '../loaded.ts';
import { api } from '../services.ts';

const TOOLS = '/api/settings/tools';
const OPENCLI = '/api/settings/opencli';
/** Starting every program to ask for its version can take a while, ms. */
const SLOW = { timeout: 60_000 };

/** Which programs are there, and what to do about those that are not. */
export function ToolsCard({ version }: { version: number }) {
  const { value, error, loading, set } = useLoaded(() => api.get<ToolInfo[]>(TOOLS, SLOW), [version]);
  const [busy, setBusy] = useState(false);
  const recheck = () => {
    setBusy(true);
    void api.get<ToolInfo[]>(`${TOOLS}?fresh=1`, SLOW).then(set, toastError).finally(() => setBusy(false));
  };
  const button = html`<${Button} class="small" icon="retry" busy=${busy} onClick=${recheck}>${w.settings.recheck}<//>`;
  return html`<${Card} title=${w.settings.tools} actions=${button}>
    ${!value && loading && html`<${Skeleton} lines=${4} />`}${
    !value && error && html`<p class="field-error">${error}</p>`
  }
    <ul class="tools">${value?.map((tool) => html`<${ToolLine} key=${tool.name} tool=${tool} />`)}</ul><//>`;
}

function ToolLine({ tool: { name, installed, version, loggedIn, text } }: { tool: ToolInfo }) {
  const s = w.settings;
  const isOptional = name === 'opencli';
  const tone = !installed ? (isOptional ? 'neutral' : 'bad') : loggedIn === false ? 'warn' : 'good';
  const word = !installed
    ? (isOptional ? s.optional : s.missing)
    : loggedIn === false
    ? s.loggedOut
    : loggedIn
    ? s.loggedIn
    : s.installed;
  return html`
    <li>
      <div
        class="row"><strong>${s
          .toolNames[name]}</strong><span class="hint grow">${version}</span><${Pill} tone=${tone}>${word}<//></div>
        ${text && html`<p class="hint">${text}</p>`}</li>
  `;
}

/** OpenCLI: installed only when asked for, and taken away again. */
export function OpenCliCard({ version }: { version: number }) {
  const { value, set } = useLoaded(() => api.get<OpenCliStatus>(OPENCLI), [version]);
  const tools = useLoaded(() => api.get<ToolInfo[]>(TOOLS, SLOW), [version]);
  const installed = tools.value?.find((tool) => tool.name === 'opencli')?.version;
  const act = (call: Promise<OpenCliStatus>) => void call.then(set, toastError);
  const s = w.settings;
  return html`<${Card} title=${s.opencli} actions=${installed ? html`<${Pill} tone="good">${installed}<//>` : null}>
    <p class="hint">${s.opencliText}</p>
    ${
    value?.error &&
    html`<p class="note bad" role="alert"><${Icon} name="error" size=${18} /><span>${value.error}</span></p>`
  }
    <div class="row end">
      ${
    installed && html`<${Button} tone="danger" disabled=${value?.running} onClick=${() =>
      act(api.delete<OpenCliStatus>(OPENCLI, SLOW))}>${s.opencliRemove}<//>`
  }
      <${Button} busy=${value?.running} onClick=${() => act(api.post<OpenCliStatus>(OPENCLI))}>
        ${value?.running ? s.opencliRunning : installed ? s.opencliUpdate : s.opencliInstall}<//></div><//>`;
}
