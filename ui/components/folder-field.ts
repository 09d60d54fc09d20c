import { html } from '../html.ts';
import { t } from '../i18n/en.ts';
import { useStore } from '../services.ts';
import { TextField } from './field.ts';

interface Props {
  value: string;
  onInput: (value: string) => void;
  error?: string;
}

/** The folder to work in, with those that were used before. */
export function FolderField({ value, onInput, error }: Props) {
  const agents = useStore((state) => state.agents);
  const used = [
    ...new Set(Object.values(agents).sort((a, b) => b.activeAt - a.activeAt).map((agent) => agent.directory)),
  ].slice(0, 8);
  return html`
    <div class="field">
      <${TextField} label=${t.create.directory} hint=${t.create
        .directoryHint} error=${error} value=${value} onInput=${onInput}
        class="input mono"
        placeholder="/home/you/project" list="folders" autocapitalize="off" spellcheck=${false} />
      <datalist id="folders">${used.map((folder) => html`<option key=${folder} value=${folder}></option>`)}</datalist>
    </div>
  `;
}
