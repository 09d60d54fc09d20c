import { html, useState } from '../html.ts';
import type { OpenCliStatus, ToolInfo } from '../../core/api/settings.ts';
import { Button, Card, Pill, Skeleton, toastError } from '../components/mod.ts';
import { Note } from '../components/note.ts';
import { t } from '../i18n/all.ts';
import { serverText } from '../i18n/t.ts';
import { useResource } from '../hooks/use-resource.ts';
import { useApp } from '../app.ts';

const TOOLS = '/api/settings/tools';
const OPENCLI = '/api/settings/opencli';
/** Starting every program to ask for its version can take a while, ms. */
const SLOW = { timeout: 60_000 };

/** Both cards ask once. */
function useTools(version: number) {
  const { api } = useApp();
  return useResource(() => api.get<ToolInfo[]>(TOOLS, SLOW), [version], 'tools');
}

/** Which programs are there, and what to do about those that are not. */
export function ToolsCard({ version }: { version: number }) {
  const { api } = useApp();
  const { value, error, loading, set } = useTools(version);
  const [busy, setBusy] = useState(false);
  function recheck() {
    setBusy(true);
    void api.get<ToolInfo[]>(`${TOOLS}?fresh=1`, SLOW).then(set, toastError).finally(() => setBusy(false));
  }
  const button = html`<${Button} class="small" icon="retry" busy=${busy} onClick=${recheck}>${t.settings.recheck}<//>`;
  const tools = value?.map((tool) => html`<${ToolLine} key=${tool.name} tool=${tool} />`);
  return html`
    <${Card} title=${t.settings.tools} actions=${button}>
      ${!value && loading && html`<${Skeleton} lines=${4} />`}
      ${!value && error && html`<p class="field-error">${error}</p>`}
      <ul class="tools">${tools}</ul>
    <//>
  `;
}

function ToolLine({ tool }: { tool: ToolInfo }) {
  const { name, version, text } = tool;
  const { tone, word } = toolState(tool);
  return html`
    <li>
      <div class="row">
        <strong>${t.settings.toolNames[name]}</strong>
        <span class="hint grow">${version}</span>
        <${Pill} tone=${tone}>${word}<//>
      </div>
      ${text && html`<p class="hint">${serverText(text)}</p>`}
    </li>
  `;
}

function toolState({ name, installed, loggedIn }: ToolInfo): { tone: string; word: string } {
  const s = t.settings;
  if (!installed) return name === 'opencli' ? { tone: 'neutral', word: s.optional } : { tone: 'bad', word: s.missing };
  if (loggedIn === false) return { tone: 'warn', word: s.loggedOut };
  return { tone: 'good', word: loggedIn ? s.loggedIn : s.installed };
}

/** OpenCLI: installed only when asked for, and taken away again. */
export function OpenCliCard({ version }: { version: number }) {
  const { api } = useApp();
  const { value, set } = useResource(() => api.get<OpenCliStatus>(OPENCLI), [version]);
  const tools = useTools(version);
  const installed = tools.value?.find((tool) => tool.name === 'opencli')?.version;
  const running = value?.running === true;
  const install = () => void api.post<OpenCliStatus>(OPENCLI).then(set, toastError);
  const remove = () => void api.delete<OpenCliStatus>(OPENCLI, SLOW).then(set, toastError);
  const s = t.settings;
  const word = running ? s.opencliRunning : installed ? s.opencliUpdate : s.opencliInstall;
  return html`
    <${Card} title=${s.opencli} actions=${installed ? html`<${Pill} tone="good">${installed}<//>` : null}>
      <p class="hint">${s.opencliText}</p>
      ${value?.error && html`<${Note} tone="bad" alert>${serverText(value.error)}<//>`}
      <div class="row end">
        ${installed && html`<${Button} tone="danger" disabled=${running} onClick=${remove}>${s.opencliRemove}<//>`}
        <${Button} busy=${running} onClick=${install}>${word}<//>
      </div>
    <//>
  `;
}
